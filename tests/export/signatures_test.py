"""Tests that an export answers as Python does.

All kinds of models, over all ways to serve them: tests/savedmodels/conformance_test.py.
"""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2

from tests import served
from tests.export.conftest import NUM_LEVELS


def _call(loaded, signature, inputs):
    tensors = {name: tf.constant(value) for name, value in inputs.items()}
    outputs = loaded.signatures[signature](**tensors)
    return {name: output.numpy() for name, output in outputs.items()}


def _sample(loaded, seed, temperature=None, signature="sample"):
    rows = len(seed)
    inputs = {
        "seed": np.array(seed, np.int64),
        "temperature": np.array([1.0] * rows if temperature is None else temperature),
        "label": np.ones(rows, np.int32),
        "embedding": np.zeros([rows, 2], np.float32),
    }
    inputs["temperature"] = inputs["temperature"].astype(np.float32)
    return _call(loaded, signature, inputs)["image"]


# What it answers.


def test_every_signature_answers_as_python_does(model, loaded):
    for signature in served.signature_names(model):
        inputs = served.request(model, signature, rows=5)
        expected = served.answer(model, signature, inputs)
        served.check(model, signature, expected, _call(loaded, signature, inputs))


def test_a_seeds_image_does_not_depend_on_the_batch_around_it(loaded):
    seeds = [-(2**63), -1, 0, 5, 2**63 - 1]
    together = _sample(loaded, seeds)
    assert (_sample(loaded, seeds[::-1])[::-1] == together).all()
    for seed, image in zip(seeds, together, strict=True):
        assert (_sample(loaded, [seed])[0] == image).all()
        assert (_sample(loaded, [9, seed, seed])[1:] == image).all()
    assert len(np.unique(together.reshape(5, -1), axis=0)) == 5


# What it refuses.

BAD_VALUES = [
    *[("sample", "temperature", bad) for bad in (0, -1, np.nan, np.inf, -np.inf)],
    ("sample_png", "temperature", 0),
    ("sample", "label", 3),
    ("sample", "label", -1),
    ("sample", "embedding", np.nan),
    *[("log_prob", "image", bad) for bad in (-1, NUM_LEVELS, -(2**31), 2**31 - 1)],
    ("classify", "image", NUM_LEVELS),
    ("classify", "embedding", np.inf),
    *[("sample_from_noise", "noise", bad) for bad in (1, -0.5, np.nan)],
    *[("interpolate", "position", bad) for bad in (1.5, -0.5, np.nan)],
    ("interpolate", "embedding_a", np.nan),
    ("interpolate", "label", 3),
]
RULES = {
    "temperature": "temperature must be finite numbers above 0.",
    "label": "label must hold integers in [0, 3).",
    "embedding": "embedding must hold finite numbers.",
    "embedding_a": "embedding_a must hold finite numbers.",
    "image": f"image must hold integers in [0, {NUM_LEVELS}).",
    "noise": "noise must hold numbers of at least 0 and below 1.",
    "position": "position must hold numbers from 0 to 1.",
}


def _refusal(loaded, signature, inputs):
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        _call(loaded, signature, inputs)
    return str(caught.value)


@pytest.mark.parametrize(("signature", "name", "bad"), BAD_VALUES)
def test_a_value_out_of_range(model, loaded, signature, name, bad):
    inputs = served.request(model, signature)
    inputs[name][1].flat[0] = bad if inputs[name].ndim > 1 else 0
    if inputs[name].ndim == 1:
        inputs[name][1] = bad
    message = _refusal(loaded, signature, inputs)
    assert RULES[name] in message
    assert f"[Received:] [{bad}]" in message


@pytest.mark.parametrize("temperature", [1e-45, 1.17e-38, 1.18e-38, 3e38])
def test_python_refuses_the_temperatures_that_the_graph_refuses(
    model, loaded, temperature
):
    conditions = {"label": [1], "embedding": np.zeros((1, 2), np.float32)}
    try:
        drawn = _sample(loaded, [1], [temperature])
    except tf.errors.InvalidArgumentError:
        with pytest.raises(ValueError, match="temperature must be"):
            model.sample(1, seed=[1], temperature=temperature, **conditions)
    else:
        again = model.sample(1, seed=[1], temperature=temperature, **conditions)
        assert (drawn == again.numpy()).all()


def test_a_known_value_out_of_range(model, loaded):
    inputs = served.request(model, "complete")
    inputs["mask"][1, 0] = True, False, True
    inputs["image"][1, 0, 1] = 99  # may be anything where it is to be drawn
    _call(loaded, "complete", inputs)
    inputs["image"][1, 0, 2] = 9
    message = _refusal(loaded, "complete", inputs)
    assert f"image must hold integers in [0, {NUM_LEVELS}) where it is known" in message
    assert "[Received:] [9]" in message


def test_embeddings_without_one_arc_between_them(model, loaded):
    inputs = served.request(model, "interpolate")
    inputs["embedding_b"][0] = -inputs["embedding_a"][0]
    inputs["spherical"][:] = False
    _call(loaded, "interpolate", inputs)
    inputs["spherical"][0] = True
    message = _refusal(loaded, "interpolate", inputs)
    assert "embedding_a and embedding_b" in message
    assert "there is no one arc" in message
    assert f"[Received:] [[[{inputs['embedding_a'][0, 0]:.3}" in message


def test_large_embeddings_have_an_arc(model, loaded):
    inputs = served.request(model, "interpolate", rows=1)
    inputs["embedding_a"][:] = 1e30, 0
    inputs["embedding_b"][:] = 0, 1e30
    inputs["spherical"][:] = True
    assert _call(loaded, "interpolate", inputs)["image"].shape[0] == 1


def test_different_numbers_of_rows(model, loaded):
    for signature in served.signature_names(model) - {"metadata"}:
        inputs = served.request(model, signature)
        name = sorted(inputs)[0]
        inputs[name] = inputs[name][:2]
        message = _refusal(loaded, signature, inputs)
        assert "must have at least one row, and equally many" in message
        assert name in message and "2" in message.split("[Received:]")[1]


def test_no_rows(model, loaded):
    for signature in served.signature_names(model):
        inputs = served.request(model, signature)
        inputs = {name: value[:0] for name, value in inputs.items()}
        message = _refusal(loaded, signature, inputs)
        assert "must have at least one row" in message, signature
        assert "[Received:] [0" in message


@pytest.fixture(scope="module")
def run_unchecked(export):
    """Runs a signature as a server does: nobody compares shapes on the way."""
    session = tf.compat.v1.Session(graph=tf.Graph())
    with session.graph.as_default():
        load = tf.compat.v1.saved_model.loader.load
        signatures = load(session, ["serve"], str(export)).signature_def

    def run(signature, **inputs):
        definition = signatures[signature]
        options = config_pb2.CallableOptions(
            feed=[definition.inputs[name].name for name in inputs],
            fetch=[info.name for info in definition.outputs.values()],
        )
        return session._make_callable_from_options(options)(*inputs.values())

    yield run
    session.close()


def test_images_and_seeds_of_another_shape(model, run_unchecked):
    wrong = {(2, *shape): "image" for shape in [(8, 3, 3), (4, 3, 1), (3, 3), ()]}
    for shape, name in (wrong | {(2, 1): "seed"}).items():
        signature = {"image": "log_prob", "seed": "sample"}[name]
        inputs = served.request(model, signature, rows=2)
        inputs[name] = np.zeros(shape, inputs[name].dtype)
        with pytest.raises(tf.errors.InvalidArgumentError) as caught:
            run_unchecked(signature, **inputs)
        received = ",".join(map(str, shape))
        expected = {"image": "[?,4,3,3]", "seed": "[?]"}[name]
        rule = f"[{received}] is not compatible with expected shape {expected}"
        assert f"{signature}_{name}" in str(caught.value)
        assert rule in str(caught.value)
