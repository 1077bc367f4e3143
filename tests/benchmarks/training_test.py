import pytest

from benchmarks import training
from tests.benchmarks.tiny_network import NAME


def test_a_step_of_each_network():
    (record,) = training.measure(1, [NAME], batch_size=2)
    for kernels in training.KERNELS:
        ratio = record[f"{kernels}_seconds"] / record["ours_seconds"]
        assert record[f"{kernels} / ours"] == pytest.approx(ratio)
    assert record["parameters"] > 0
    assert "| 4x2x3 | 2 |" in training.ROW.as_table([record])
