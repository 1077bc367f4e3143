"""The walk through the code that a reader of one verb takes, and who stands above."""

import inspect

import pytest

import keras_pixelcnn as kp
from benchmarks.call_trace import trace_calls, trace_verbs
from keras_pixelcnn.models import ImageModel


def test_calls_are_noted_by_file():
    trace = trace_calls(lambda: kp.bits_per_dim(1.0, 2))
    assert trace.functions == ("metrics.py:bits_per_dim",)
    assert trace.files == ("metrics.py",) and trace.switches == 0


@pytest.mark.op_by_op
def test_few_files_are_opened_for_a_verb():
    """22, 19 and 27 of them were, before the models were wired anew."""
    files = {name: trace.files for name, trace in trace_verbs().items()}
    assert len(files["construct"]) <= 12, files["construct"]
    assert len(files["fit, one step"]) <= 12, files["fit, one step"]
    assert len(files["sample"]) <= 18, files["sample"]


@pytest.mark.parametrize(
    "model_class",
    [
        kp.FaceEmbedder,
        kp.GatedPixelCNN,
        kp.MSEAutoencoder,
        kp.PixelCNN,
        kp.PixelCNNAutoencoder,
        kp.PixelCNNPlusPlus,
        kp.PixelRNN,
    ],
)
def test_a_model_has_at_most_three_ancestors(model_class):
    ours = [x for x in inspect.getmro(model_class) if "keras_pixelcnn" in x.__module__]
    assert ours[-1] is ImageModel and len(ours) - 1 <= 3
