import pytest

from benchmarks import tfp_pixelcnn, timing

TINY = {**tfp_pixelcnn.ARGUMENTS, "num_filters": 2, "num_hierarchies": 1}


def test_theirs_divided_by_ours(monkeypatch):
    monkeypatch.setitem(timing.MODELS, "4x4x1", {"filters": 2, "num_blocks": 2})
    records = tfp_pixelcnn.measure(1, "4x4x1", 2, 3, TINY)
    assert [record["verb"] for record in records] == ["log_prob", "train", "sample"]
    assert [record["batch_size"] for record in records] == [2, 2, 3]
    for record in records:
        ratio = record["tfp_seconds"] / record["our_seconds"]
        assert record["tfp / ours"] == pytest.approx(ratio)
    assert "| train | 2 |" in tfp_pixelcnn.ROW.as_table(records)


def test_both_have_about_as_many_parameters():
    name = "28x28x1"
    ours = timing.num_parameters(timing.new_model(name).trainable_weights)
    their_model = tfp_pixelcnn.their_model(name, tfp_pixelcnn.ARGUMENTS)
    theirs = timing.num_parameters(their_model.network.trainable_weights)
    assert abs(theirs / ours - 1) < 0.1
