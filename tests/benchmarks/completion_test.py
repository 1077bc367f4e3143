import pytest

from benchmarks import completion
from tests.benchmarks.tiny_network import NAME


def test_a_row_holds_its_ratios():
    row = completion.measure(NAME, batch_size=2, runs=1)
    for kind in completion.KINDS:
        ratio = row[f"{kind}_seconds"] / row["sample_seconds"]
        assert row[f"{kind} / sample"] == pytest.approx(ratio)
    assert "| 4x2x3 | 2 |" in completion.as_table([row])
