import pytest

from benchmarks import codes


def test_sampling_codes_divided_by_scoring_them():
    tiny = {"filters": 2, "num_blocks": 1, "input_embedding_dim": 1}
    (record,) = codes.measure(1, [9], batch_size=2, arguments=tiny)
    ratio = record["sample_seconds"] / record["score_seconds"]
    assert record["sample / score"] == pytest.approx(ratio)
    assert "| 8x8 | 9 | 2 |" in codes.as_table([record])
