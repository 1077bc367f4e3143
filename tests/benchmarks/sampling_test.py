import pytest

from benchmarks import sampling
from tests.benchmarks.tiny_network import NAME


def test_sampling_divided_by_scoring():
    records = sampling.measure_sampling(1, [NAME], [1, 2])
    assert [record["batch_size"] for record in records] == [1, 2]
    for record in records:
        ratio = record["sample_seconds"] / record["score_seconds"]
        assert record["sample / score"] == pytest.approx(ratio)
        ratio = record["xla_sample_seconds"] / record["score_seconds"]
        assert record["sample by XLA / score"] == pytest.approx(ratio)
    assert "| 4x2x3 | 2 |" in sampling.sampling_table(records)


def test_whole_passes_are_scaled_to_all_pixels():
    records = sampling.measure_passes(1, [NAME], [2, 65])
    assert [record["pixels_measured"] for record in records] == [2, 1]
    for record in records:
        ratio = record["whole_passes_seconds_scaled"] / record["sample_seconds"]
        assert record["whole passes / sample"] == pytest.approx(ratio)
    assert "| 4x2x3 | 65 |" in sampling.passes_table(records)


def test_scoring_value_by_value_divided_by_scoring():
    (record,) = sampling.measure_values(1, [NAME], [2])
    ratio = record["values_seconds"] / record["sum_seconds"]
    assert record["values / sum"] == pytest.approx(ratio)
    assert "| 4x2x3 | 2 |" in sampling.values_table([record])
