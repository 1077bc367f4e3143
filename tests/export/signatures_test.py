"""Tests that an export is what a stock server needs, and answers as Python does."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2, saved_model_pb2

from keras_pixelcnn import GatedPixelCNN, bits_per_dim

IMAGE_SHAPE = (4, 3, 3)
NUM_LEVELS = 5
SIGNATURES = {
    "sample": (
        {"seed": (tf.int64, [None]), "temperature": (tf.float32, [None])},
        {"image": (tf.uint8, [None, *IMAGE_SHAPE])},
    ),
    "log_prob": (
        {"image": (tf.int32, [None, *IMAGE_SHAPE])},
        {"log_prob": (tf.float32, [None]), "bits_per_dim": (tf.float32, [None])},
    ),
}
SIGNATURES["serving_default"] = SIGNATURES["sample"]


@pytest.fixture(scope="module")
def model():
    """A tiny model far from uniform: fresh weights would hide most mistakes."""
    model = GatedPixelCNN(IMAGE_SHAPE, num_levels=NUM_LEVELS, filters=6, num_blocks=2)
    rng = np.random.default_rng(7)
    model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.get_weights()])
    return model


@pytest.fixture(scope="module")
def export(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "pixelcnn" / "1"
    model.export(path, verbose=False)
    return path


@pytest.fixture(scope="module")
def loaded(export):
    return tf.saved_model.load(export)


@pytest.fixture(scope="module")
def meta_graph(export):
    content = (export / "saved_model.pb").read_bytes()
    (meta_graph,) = saved_model_pb2.SavedModel.FromString(content).meta_graphs
    return meta_graph


def _sample(loaded, seed, temperature=None, signature="sample"):
    temperature = [1.0] * len(seed) if temperature is None else temperature
    inputs = {
        "seed": tf.constant(seed, tf.int64, [len(seed)]),
        "temperature": tf.constant(temperature, tf.float32, [len(temperature)]),
    }
    return loaded.signatures[signature](**inputs)["image"].numpy()


def _log_prob(loaded, image):
    outputs = loaded.signatures["log_prob"](image=tf.constant(image, tf.int32))
    return {name: output.numpy() for name, output in outputs.items()}


def _images(count):
    return np.random.default_rng(3).integers(NUM_LEVELS, size=(count, *IMAGE_SHAPE))


# What the server sees.


def _tensors(infos):
    """Types and shapes by name, as the server reads them from the file."""
    return {
        name: (
            tf.as_dtype(info.dtype),
            [None if dim.size < 0 else dim.size for dim in info.tensor_shape.dim],
        )
        for name, info in infos.items()
    }


def test_the_signatures_and_their_types_and_shapes(meta_graph):
    found = {
        name: (_tensors(signature.inputs), _tensors(signature.outputs))
        for name, signature in meta_graph.signature_def.items()
        if not name.startswith("__")
    }
    assert found == SIGNATURES


def test_every_input_and_output_leads_with_an_unknown_batch(meta_graph):
    for name in SIGNATURES:
        signature = meta_graph.signature_def[name]
        for info in [*signature.inputs.values(), *signature.outputs.values()]:
            assert info.tensor_shape.dim[0].size == -1, (name, info.name)


def _nodes(meta_graph):
    yield from meta_graph.graph_def.node
    for function in meta_graph.graph_def.library.function:
        yield from function.node_def


def test_the_graph_holds_nothing_that_a_stock_server_lacks(meta_graph):
    ops = {node.op for node in _nodes(meta_graph)}
    assert {"Conv2D", "StatelessRandomUniformFullIntV2"} <= ops  # functions were seen
    assert not {op for op in ops if "PyFunc" in op or op.startswith("Xla")}
    functions = meta_graph.graph_def.library.function
    attributes = {name for node in _nodes(meta_graph) for name in node.attr}
    attributes |= {name for function in functions for name in function.attr}
    assert "_XlaMustCompile" not in attributes


def test_only_restoring_assigns_variables(meta_graph):
    functions = meta_graph.graph_def.library.function
    assigning = {
        function.signature.name
        for function in functions
        if any(node.op.startswith("Assign") for node in function.node_def)
    }
    assert assigning
    assert all("restore" in name for name in assigning), assigning


# What it answers.


def test_serving_default_is_sample(loaded):
    seeds, temperature = [1, 2, 3], [0.5, 1, 2]
    default = _sample(loaded, seeds, temperature, "serving_default")
    assert (default == _sample(loaded, seeds, temperature)).all()


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_sample_is_the_models_own(model, loaded, batch_size):
    seeds = np.arange(batch_size) * 10**15 - 3
    temperature = np.linspace(0.4, 1.5, batch_size, dtype=np.float32)
    served = _sample(loaded, seeds, temperature)
    assert served.dtype == np.uint8
    assert (served == model.sample(batch_size, seeds, temperature).numpy()).all()


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_log_prob_is_the_models_own(model, loaded, batch_size):
    images = _images(batch_size)
    served = _log_prob(loaded, images)
    log_prob = model.log_prob(images).numpy()
    bits = bits_per_dim(log_prob, model.num_dims)
    np.testing.assert_allclose(served["log_prob"], log_prob, rtol=1e-5)
    np.testing.assert_allclose(served["bits_per_dim"], bits, rtol=1e-5)


def test_a_seeds_image_does_not_depend_on_the_batch_around_it(loaded):
    seeds = [-(2**63), -1, 0, 5, 2**63 - 1]
    together = _sample(loaded, seeds)
    assert (_sample(loaded, seeds[::-1])[::-1] == together).all()
    for seed, image in zip(seeds, together, strict=True):
        assert (_sample(loaded, [seed])[0] == image).all()
        assert (_sample(loaded, [9, seed, seed])[1:] == image).all()
    assert len(np.unique(together.reshape(5, -1), axis=0)) == 5


def test_a_rows_temperature_is_its_own(loaded):
    mixed = _sample(loaded, [4, 4], [1, 1e-4])
    assert (mixed[0] == _sample(loaded, [4])[0]).all()
    cold = _sample(loaded, [5, 6], [1e-4, 1e-4])
    assert (cold == mixed[1]).all()  # so cold, every draw is the likeliest level
    assert (mixed[0] != mixed[1]).any()


def test_an_image_scores_alike_in_any_batch(loaded):
    images = _images(4)
    together = _log_prob(loaded, images)["log_prob"]
    alone = [_log_prob(loaded, image[None])["log_prob"][0] for image in images]
    np.testing.assert_allclose(alone, together, rtol=1e-5)


def test_running_leaves_no_trace(loaded):
    before = [variable.numpy() for variable in loaded.variables]
    images, scores = _sample(loaded, [1, 2]), _log_prob(loaded, _images(2))
    assert (_sample(loaded, [1, 2]) == images).all()
    again = _log_prob(loaded, _images(2))
    assert all((again[name] == scores[name]).all() for name in scores)
    assert len(before) > 0
    for old, variable in zip(before, loaded.variables, strict=True):
        assert (variable.numpy() == old).all()


# What it refuses.


@pytest.mark.parametrize("temperature", [0, -1, np.nan, np.inf, -np.inf])
def test_bad_temperatures(loaded, temperature):
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        _sample(loaded, [1, 2], [1, temperature])
    _check_message(caught, "temperature must be finite numbers above 0", temperature)


@pytest.mark.parametrize(("seeds", "temperatures"), [(2, 3), (3, 2), (1, 2), (2, 1)])
def test_different_numbers_of_rows(loaded, seeds, temperatures):
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        _sample(loaded, [1] * seeds, [1] * temperatures)
    rule = "seed and temperature must have at least one row, and equally many"
    _check_message(caught, rule, f"{seeds} {temperatures}")


def test_no_rows_to_sample(loaded):
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        _sample(loaded, [], [])
    _check_message(caught, "seed and temperature must have at least one row", "0 0")


def test_no_rows_to_score(loaded):
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        _log_prob(loaded, _images(0))
    _check_message(caught, "image must have at least one row.", 0)


@pytest.mark.parametrize("value", [-1, NUM_LEVELS, -(2**31), 2**31 - 1])
def test_bad_pixels(loaded, value):
    images = _images(3)
    images[1, 2, 0, 1] = value
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        _log_prob(loaded, images)
    _check_message(caught, f"image must hold integers in [0, {NUM_LEVELS})", value)


def _check_message(caught, rule, received):
    assert rule in str(caught.value)
    assert f"[Received:] [{received}]" in str(caught.value)


def _run_unchecked(export, signature, **inputs):
    """Runs a signature as a server does: nobody compares shapes on the way."""
    session = tf.compat.v1.Session(graph=tf.Graph())
    with session.graph.as_default(), session:
        load = tf.compat.v1.saved_model.loader.load
        signatures = load(session, ["serve"], str(export)).signature_def
        definition = signatures[signature]
        options = config_pb2.CallableOptions(
            feed=[definition.inputs[name].name for name in inputs],
            fetch=[info.name for info in definition.outputs.values()],
        )
        return session._make_callable_from_options(options)(*inputs.values())


@pytest.mark.parametrize("shape", [(8, 3, 3), (3, 4, 3), (4, 3, 1), (3, 3), ()])
def test_images_of_another_shape(export, shape):
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        _run_unchecked(export, "log_prob", image=np.zeros((2, *shape), np.int32))
    received = ",".join(str(size) for size in (2, *shape))
    rule = f"[{received}] is not compatible with expected shape [?,4,3,3]"
    assert "log_prob_image" in str(caught.value)
    assert rule in str(caught.value)


def test_seeds_of_another_shape(export):
    inputs = {"seed": np.zeros((2, 1), np.int64), "temperature": np.ones(2, np.float32)}
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        _run_unchecked(export, "sample", **inputs)
    assert "sample_seed" in str(caught.value)
    assert "[2,1] is not compatible with expected shape [?]" in str(caught.value)


# How it is written.


def test_an_existing_path_is_left_as_it_was(model, tmp_path):
    target = tmp_path / "1"
    target.mkdir()
    (target / "saved_model.pb").write_text("older")
    with pytest.raises(FileExistsError, match=r"exists already.*new version number"):
        model.export(target)
    assert [path.name for path in tmp_path.iterdir()] == ["1"]
    assert [path.name for path in target.iterdir()] == ["saved_model.pb"]
    assert (target / "saved_model.pb").read_text() == "older"


@pytest.fixture
def archive_class():
    return type(keras.export.ExportArchive())  # the public name is a factory


def test_an_interrupted_export_leaves_nothing(
    model, tmp_path, monkeypatch, archive_class
):
    def write_half(archive, filepath, **options):
        tf.io.gfile.makedirs(tf.io.gfile.join(filepath, "variables"))
        raise OSError("No space left on device")

    monkeypatch.setattr(archive_class, "write_out", write_half)
    with pytest.raises(OSError, match="No space left"):
        model.export(tmp_path / "base" / "1")
    assert list((tmp_path / "base").iterdir()) == []


def test_a_watching_server_sees_the_export_only_when_it_is_whole(
    model, tmp_path, monkeypatch, archive_class, capfd
):
    seen = []
    write_out = archive_class.write_out

    def write_and_look(archive, filepath, **options):
        write_out(archive, filepath, **options)
        seen.extend(path.name for path in tmp_path.iterdir())

    monkeypatch.setattr(archive_class, "write_out", write_and_look)
    model.export(str(tmp_path / "1"))
    assert len(seen) == 1
    assert seen[0].startswith(".")
    assert [path.name for path in tmp_path.iterdir()] == ["1"]
    assert (tmp_path / "1" / "saved_model.pb").is_file()
    said = capfd.readouterr().out
    assert said == f"Saved model exported to {tmp_path / '1'}: sample, log_prob\n"
