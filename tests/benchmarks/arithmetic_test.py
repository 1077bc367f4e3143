import pytest

from benchmarks import arithmetic, timing
from tests.benchmarks.tiny_network import NAME


def test_rates_follow_from_flops_and_seconds():
    records = arithmetic.measure(1, [NAME], batch_size=2, matrix_size=64)
    flops = timing.new_model(NAME).flops()
    assert [record["kind"] for record in records] == ["train", "score", "sample"]
    for record, passes in zip(records, (3, 1, 1)):
        rate = passes * flops * 2 / record["seconds"]
        assert record["flops_per_second"] == pytest.approx(rate)
        share = rate / record["machine_flops_per_second"]
        assert record["rate / machine"] == pytest.approx(share)
        assert share > 0
    assert "| 4x2x3 | score |" in arithmetic.ROW.as_table(records)
