import sys

import pytest

from benchmarks import growth, peak_memory

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="peak memory is read from /proc"
)


@pytest.fixture
def linear_memory(monkeypatch):
    """Memory as if each image took 100 bytes a row or block, on 1000 of anything."""
    asked = []

    def peak_bytes(work, batch_size, model):
        asked.append(work)
        size = model.get("image_shape", (1,))[0] if work == "sample" else 1
        images = batch_size * size * model["num_blocks"]
        return 1000 + images * (50 if model.get("gradient_checkpointing") else 100)

    monkeypatch.setattr(peak_memory, "peak_bytes", peak_bytes)
    return asked


def test_sampling_by_side(linear_memory):
    records = growth.measure_sampling(
        1, [2, 4], 2, 3, 1, {"filters": 2, "num_blocks": 1}
    )
    assert [record["side"] for record in records] == [2, 4]
    assert [record["bytes"] for record in records] == [400, 800]
    assert [record["bytes / before"] for record in records] == [None, 2]
    ratio = records[1]["seconds"] / records[0]["seconds"]
    assert records[1]["seconds / before"] == pytest.approx(ratio)
    assert set(linear_memory) == {"sample"}
    shown = growth.ROW.as_table(records)
    assert "| 2x2x1 |" in shown and "| - |" in shown


def test_training_by_depth(linear_memory):
    records = growth.measure_training([2, 6], 3, 1, {"image_shape": (2, 2, 1)})
    assert [record["bytes"] for record in records] == [400, 1200]
    assert [record["checkpointed / kept"] for record in records] == [0.5, 0.5]
    assert [record["bytes / before"] for record in records] == [None, 3]
    assert set(linear_memory) == {"train"}
    assert "| 6 | 0 MB | 3.00 | 0 MB | 3.00 | 0.50 |" in growth.ROW.as_table(records)


@pytest.mark.op_by_op
def test_a_process_has_a_peak():
    """Its batches are measured in tests/trainers/planning, against what is planned."""
    model = {"image_shape": [2, 2, 1], "filters": 2, "num_blocks": 1}
    peak_memory.do_work("sample", 2, model)
    assert peak_memory.own_peak_bytes() > 2**20
