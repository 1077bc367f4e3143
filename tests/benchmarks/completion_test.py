import pytest

from benchmarks import completion


def test_a_row_holds_its_ratios(monkeypatch):
    tiny = {"filters": 3, "num_blocks": 1, "kernel_size": 3}
    monkeypatch.setitem(completion.MODELS, "4x2x3", tiny)
    row = completion.measure("4x2x3", batch_size=2, runs=1)
    for kind in completion.KINDS:
        ratio = row[f"{kind}_seconds"] / row["sample_seconds"]
        assert row[f"{kind} / sample"] == pytest.approx(ratio)
    assert "| 4x2x3 | 2 |" in completion.as_table([row])
