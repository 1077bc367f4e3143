"""Tests that the rows of the benchmarks measure what they show, on a tiny network."""

import pytest

from benchmarks import pipeline, tfp_pixelcnn, timing, training, verbs
from tests.benchmarks.tiny_network import ARGUMENTS, NAME

CODES = {"filters": 2, "num_blocks": 1, "input_embedding_dim": 1}
THEIRS = {**tfp_pixelcnn.ARGUMENTS, "num_filters": 2, "num_hierarchies": 1}


@pytest.mark.parametrize(
    ("row", "arguments", "ratios"),
    [
        (verbs.SAMPLING, ([NAME], [2]), ["sample / score", "xla_sample / score"]),
        (verbs.CODES, ([9], 2, CODES), ["sample / score"]),
        (verbs.PASSES, ([NAME], [65]), ["passes / sample"]),
        (verbs.VALUES, ([NAME], [2]), ["values / sum"]),
        (verbs.CODEC, ([NAME], [2]), ["compress / score", "decompress / score"]),
        (verbs.REQUESTS, ([NAME], [2]), ["complete / sample", "guided / sample"]),
        (training.ROW, ([NAME], 2), ["usual_full / ours", "usual_row / ours"]),
        (pipeline.ROW, (["digits"], ARGUMENTS), ["pipeline / memory"]),
    ],
    ids=lambda value: getattr(value, "title", ""),
)
def test_ratios_are_of_the_seconds(row, arguments, ratios):
    (record,) = row.measure(1, *arguments)
    for ratio in ratios:
        above, below = (record[f"{way}_seconds"] for way in ratio.split(" / "))
        assert record[ratio] == pytest.approx(above / below)
    assert len(row.as_table([record]).splitlines()) == 3


def test_the_network_of_tensorflow_probability_divided_by_ours(monkeypatch):
    monkeypatch.setitem(timing.MODELS, "4x4x1", {"filters": 2, "num_blocks": 2})
    records = tfp_pixelcnn.measure(1, "4x4x1", 2, 3, THEIRS)
    assert [record["verb"] for record in records] == ["log_prob", "train", "sample"]
    for record in records:
        ratio = record["tfp_seconds"] / record["our_seconds"]
        assert record["tfp / ours"] == pytest.approx(ratio)
    assert "| train | 2 |" in tfp_pixelcnn.ROW.as_table(records)


def test_both_networks_have_about_as_many_parameters():
    name = "28x28x1"
    ours = timing.num_parameters(timing.new_model(name).trainable_weights)
    their_model = tfp_pixelcnn.their_model(name, tfp_pixelcnn.ARGUMENTS)
    theirs = timing.num_parameters(their_model.network.trainable_weights)
    assert abs(theirs / ours - 1) < 0.1
