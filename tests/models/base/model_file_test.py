"""Files that ask for more than they hold, for what no model needs, or hold none."""

import io
import json
import os
import zipfile

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn.models import load_model
from keras_pixelcnn.models.base.loading import StoredWeights, at_most
from tests.peak_memory import peak_of

pytestmark = pytest.mark.op_by_op

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
SMALL = {"num_levels": 3, "filters": 2, "num_blocks": 2}
MODELS = {
    "GatedPixelCNN": {"num_classes": 2, "embedding_dim": 2, "spatial_shape": (2, 2, 1)},
    "PixelCNN": {"num_classes": 2},
    "PixelRNN": {},
    "PixelCNNPlusPlus": {"num_resolutions": 1},
    "PyramidPixelCNN": {"num_stages": 2, "context_blocks": 1},
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "model.keras"
    kp.GatedPixelCNN((2, 2, 1), **SMALL).save(path)
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.keras"


def _members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _write(path, members, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def _with_config(saved, path, change):
    members = _members(saved)
    config = json.loads(members[CONFIG])
    change(config)
    return _write(path, {**members, CONFIG: json.dumps(config)})


def _with_weights(saved, path, change):
    members = _members(saved)
    file = io.BytesIO(members[WEIGHTS])
    with h5py.File(file, "a") as weights:
        change(weights)
    return _write(path, {**members, WEIGHTS: file.getvalue()})


def _refused(path, match, model_class=kp.AutoregressiveImageModel):
    with pytest.raises(ValueError, match=f"(?s)model.keras cannot be loaded.*{match}"):
        load_model(path, model_class)


def test_packed_files_pass(saved, path):
    _write(path, _members(saved), zipfile.ZIP_DEFLATED)
    models = [load_model(each) for each in (saved, path)]
    for weight, other in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(weight, other)


def test_an_optimizer_and_an_average_pass(path):
    model = kp.GatedPixelCNN((2, 2, 1), **SMALL)
    model.compile(keras.optimizers.AdamW(use_ema=True, amsgrad=True))
    model.fit(np.zeros((2, 2, 2, 1), np.uint8), verbose=0)
    model.save(path)
    found = load_model(path).optimizer.variables
    for value, other in zip(found, model.optimizer.variables):
        np.testing.assert_array_equal(value, other)


@pytest.mark.parametrize("dtype", ["bfloat16", "mixed_bfloat16", "float16"])
def test_other_types_pass(path, dtype):
    model = kp.GatedPixelCNN((2, 2, 1), **SMALL, dtype=dtype)
    model.save(path)
    for weight, other in zip(load_model(path).weights, model.weights):
        np.testing.assert_array_equal(*(np.float32(x) for x in (weight, other)))


# The archive.


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG, "assets/a.txt"])
def test_a_member_that_unpacks_to_far_more(saved, path, name):
    members = {**_members(saved), name: bytes(100 << 20)}
    _write(path, members, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 1 << 20
    match = r"must take at most 67,108,864 bytes, unpacked\. Received: 10\d,"
    assert peak_of(lambda: _refused(path, match)) < 10 << 20


def test_a_long_config(saved, path):
    _write(path, {**_members(saved), CONFIG: b"[" + b"[]," * 400_000 + b"[]]"})
    _refused(path, "config.json must have at most 1,048,576 bytes")


@pytest.mark.parametrize(
    "content", [b"[" * 100_000, b"{", b"\xff", b"[]", b"null", b'{"config": 1}']
)
def test_a_config_that_is_damaged(saved, path, content):
    _refused(_write(path, {**_members(saved), CONFIG: content}), "")


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
def test_a_member_that_is_missing(saved, path, name):
    members = _members(saved)
    del members[name]
    _refused(_write(path, members), f"It lacks {name}")


def test_a_missing_file(path):
    with pytest.raises(FileNotFoundError, match=r"model.keras.*There is none"):
        load_model(path)


def test_the_beginning_of_a_file_is_not_called_missing(saved, path):
    path.write_bytes(saved.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"a \.keras file.*the beginning of one"):
        load_model(path)


def test_a_pipe(path):
    os.mkfifo(path)
    with pytest.raises(FileNotFoundError):
        load_model(path)


# Its classes.


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("keras.layers", "Lambda"),
        ("keras.layers", "TFSMLayer"),
        ("keras.utils", "get_file"),
        ("keras.src.saving.saving_lib", "load_model"),
        ("os", "system"),
        ("builtins", "eval"),
        (None, "system"),
    ],
)
@pytest.mark.parametrize("place", ["dtype", "compile_config"])
def test_a_class_that_no_model_needs(saved, path, module, name, place):
    def change(config):
        part = {"module": module, "class_name": name, "config": {"arguments": "x"}}
        if place == "dtype":
            config["config"]["dtype"] = part
        else:
            config["compile_config"] = {"optimizer": [{"x": part}]}

    _with_config(saved, path, change)
    _refused(path, f"must name classes that are registered.*{module}.{name}")


def test_a_file_of_an_unknown_class(saved, path):
    members = _members(saved)
    members[CONFIG] = members[CONFIG].replace(b"GatedPixelCNN", b"OtherCNN")
    match = r"cannot be loaded.*'OtherCNN'.*registered"
    with pytest.raises(ValueError, match=match) as caught:
        load_model(_write(path, members))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("model_class", [kp.AutoregressiveImageModel, keras.Model])
def test_a_model_that_is_not_registered(path, model_class):
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(path)
    _refused(path, "model of keras_pixelcnn.*Received: Sequential", model_class)


# Its weights.


def _first(weights):
    """The folder and the name of an array of floats."""
    names = []
    weights.visit(names.append)
    name = next(x for x in names if x.endswith("vars/0"))
    return weights[name].parent, "0"


def _replace(**options):
    def change(weights):
        group, name = _first(weights)
        shape, dtype = group[name].shape, group[name].dtype
        del group[name]
        group.create_dataset(name, **{"shape": shape, "dtype": dtype, **options})

    return change


def _link(link):
    def change(weights):
        group, name = _first(weights)
        del group[name]
        group[name] = link

    return change


def _virtual(weights):
    group, name = _first(weights)
    layout = h5py.VirtualLayout(group[name].shape, "f4")
    layout[...] = h5py.VirtualSource("/etc/passwd", "x", group[name].shape)
    del group[name]
    group.create_virtual_dataset(name, layout)


def _spoil(value):
    def change(weights):
        group, name = _first(weights)
        group[name][(0,) * group[name].ndim] = value

    return change


FOREIGN = {
    "external storage": (
        _replace(external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)]),
        "lie in the file.*read from another",
    ),
    "an external link": (
        _link(h5py.ExternalLink("/tmp/x.h5", "/x")),
        "leads elsewhere .ExternalLink",
    ),
    "a soft link": (_link(h5py.SoftLink("/_layers")), "leads elsewhere .SoftLink"),
    "a virtual array": (_virtual, "lie in the file.*read from another"),
    "an array of nothing": (
        _replace(shape=(2**40,), chunks=(2**20,)),
        "must take at most 67,108,864 bytes",
    ),
    "texts": (_replace(dtype=h5py.string_dtype()), "must be numbers"),
    "a type": (_link(np.dtype("f4")), "must be arrays"),
    "not a number": (_spoil(np.nan), "must be finite.*with 1 that"),
    "infinity": (_spoil(np.inf), "must be finite"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_weights_that_no_model_has(saved, path, name):
    change, match = FOREIGN[name]
    _refused(_with_weights(saved, path, change), match)


def test_groups_in_groups_without_end(saved, path):
    def change(weights):
        group = weights
        for _ in range(3000):
            group = group.create_group("a")
        group["first"] = weights["/"]

    _with_weights(saved, path, change)
    assert load_model(path).count_params() > 0


@pytest.mark.parametrize("damage", [slice(0, 100), slice(0, -500), slice(8, None)])
def test_weights_that_are_cut(saved, path, damage):
    members = _members(saved)
    _refused(_write(path, {**members, WEIGHTS: members[WEIGHTS][damage]}), "damaged")


# Its numbers.


@pytest.mark.parametrize("size", [10**6, 10**30])
@pytest.mark.parametrize("name", MODELS)
def test_no_number_makes_a_model_larger_than_its_file(path, name, size):
    model = getattr(kp, name)((2, 2, 1), **SMALL, **MODELS[name])
    model.save(path)
    members = _members(path)
    config = json.loads(members[CONFIG])
    sizes = [(name, value) for name, value in config["config"].items()]
    sizes = [x for x in sizes if type(x[1]) is int or isinstance(x[1], list)]
    assert {"image_shape", "num_levels", "filters", "num_blocks"} <= dict(sizes).keys()
    for name, value in sizes:
        large = [size, size, *value[2:]] if isinstance(value, list) else size
        changed = {**config, "config": {**config["config"], name: large}}
        _write(path, {**members, CONFIG: json.dumps(changed)})
        with pytest.raises(ValueError, match="cannot be loaded"):
            load_model(path)
            pytest.fail(f"{name}={large} passed")


def test_a_network_of_fewer_layers_than_the_file(saved, path):
    """Once the weights of its first layers were taken, and the rest left unread."""

    def change(config):
        config["config"]["num_blocks"] -= 1

    _refused(_with_config(saved, path, change), "this version makes it of its config")


def test_more_pixels_than_can_be_put_in_order_soon(saved, path):
    def change(config):
        config["config"]["image_shape"] = [65_535, 255, 2]

    _refused(_with_config(saved, path, change), "image_shape must have at most 16,777")


def test_a_variable_that_is_too_large_is_never_made():
    made = []

    def start(shape, dtype):
        made.append(keras.ops.zeros(shape, dtype))
        return made[-1]

    known = tf.ones([3])
    with at_most(StoredWeights(1, 100, 1)):
        keras.Variable(np.zeros(1000, np.float32))
        keras.Variable(lambda shape, dtype: tf.cast(known, dtype), (3,), "float32")
        with pytest.raises(ValueError, match="more weights than the file has: 100"):
            keras.Variable(start, (10**5, 10**5), "float32")
    assert all(not hasattr(x, "numpy") for x in made)
