"""Tests of the loader in C: what it prints is what Python computes."""

import os
import pathlib
import subprocess

import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn import GatedPixelCNN, bits_per_dim
from savedmodels.build_loader import build_loader, find_compiler

USAGE = (
    "usage: loader EXPORT_DIR [--temperature T] [--NAME VALUES]... SEED [SEED ...]\n"
)
MODELS = {
    "grey": {"image_shape": (3, 4, 1), "num_levels": 256},
    "color": {"image_shape": (4, 3, 3), "num_levels": 5},
    "more_than_a_byte": {"image_shape": (2, 3, 1), "num_levels": 300},
    "conditional": {
        "image_shape": (4, 2, 1),
        "num_levels": 5,
        "num_classes": 3,
        "embedding_dim": 2,
        "spatial_shape": (2, 1, 3),
    },
}


@pytest.fixture(scope="module")
def compiler():
    try:
        return find_compiler()
    except FileNotFoundError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def loader(compiler, tmp_path_factory):
    """The loader, built with all warnings as errors."""
    path = tmp_path_factory.mktemp("loader") / "bin" / "loader"
    strict = f"{compiler} -Wall -Wextra -Wpedantic -Werror"
    assert build_loader(str(path), strict) == path
    assert [file.name for file in path.parent.iterdir()] == ["loader"]
    return path


def _export(name, folder):
    model = GatedPixelCNN(**MODELS[name], filters=6, num_blocks=2)
    rng = np.random.default_rng(7)
    model.set_weights([rng.normal(0, 0.5, w.shape) for w in model.get_weights()])
    model.export(folder / name, verbose=False)
    return model, folder / name


@pytest.fixture(scope="module")
def color(tmp_path_factory):
    return _export("color", tmp_path_factory.mktemp("served"))


def _run(loader, *arguments, **options):
    """Runs the loader without any environment, so without a PATH to a Python."""
    command = [loader, *(str(argument) for argument in arguments)]
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3"}
    options = {"stdout": subprocess.PIPE, **options}
    return subprocess.run(
        command,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
        **options,
    )


def _rows(result, kind, dtype):
    """Seeds and values of the lines of a kind."""
    assert result.returncode == 0, result.stderr
    lines = [line.split(" ") for line in result.stdout.splitlines()]
    seeds = [int(line[1]) for line in lines if line[0] == kind]
    values = [line[2:] for line in lines if line[0] == kind]
    return seeds, np.array(values, dtype)


def _check_results(result, model, seeds, temperature=1.0, **conditions):
    drawn = model.sample(len(seeds), seeds, temperature, **conditions).numpy()
    image_seeds, values = _rows(result, "image", "int64")
    assert image_seeds == seeds
    assert (values == drawn.reshape(len(seeds), -1)).all()
    score_seeds, scores = _rows(result, "score", "float32")
    log_prob = model.log_prob(drawn, **conditions)
    assert score_seeds == seeds
    np.testing.assert_allclose(scores[:, 0], log_prob, atol=1e-4)
    bits = bits_per_dim(log_prob, model.num_dims)
    np.testing.assert_allclose(scores[:, 1], bits, atol=1e-4)
    assert len(result.stdout.splitlines()) == 2 * len(seeds)


def _check_error(result, *sentences):
    assert result.returncode == 1
    assert result.stdout == ""
    for sentence in sentences:
        assert sentence in result.stderr


# What it prints.


@pytest.mark.parametrize("name", ["grey", "more_than_a_byte"])
def test_it_gives_what_python_gives(loader, tmp_path, name):
    model, export = _export(name, tmp_path)
    seeds = [1, 2, 1]
    _check_results(_run(loader, export, *seeds), model, seeds)


def test_negative_and_huge_seeds_and_a_temperature(loader, color):
    model, export = color
    seeds = [-1, -(2**63), 2**63 - 1, 0]
    _check_results(_run(loader, export, *seeds), model, seeds)
    cold = _run(loader, export, "--temperature", 0.25, *seeds)
    _check_results(cold, model, seeds, temperature=0.25)


# What it refuses.


@pytest.mark.parametrize(("given", "received"), [("-1", "-1"), ("nan", "nan")])
def test_the_models_own_sentence(loader, color, given, received):
    result = _run(loader, color[1], "--temperature", given, 1)
    rule = "[temperature must be finite numbers above 0.]"
    _check_error(
        result, f"loader: sample: assertion failed: {rule} [Received:] [{received}]"
    )


def test_no_such_directory(loader, tmp_path):
    missing = tmp_path / "none"
    result = _run(loader, missing, 1)
    _check_error(result, f"loader: cannot load {missing}: ", "directory exists")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "an argument is missing."),
        (["export"], "an argument is missing."),
        (["export", "--temperature", "1"], "an argument is missing."),
        (["export", "--temperature", "warm", "1"], "must be a number. Received: warm"),
        (["export", "1", "x"], "seeds must be integers from -2**63 to 2**63 - 1."),
        (["export", "1.5"], "Received: 1.5"),
        (["export", ""], "Received: \n"),
        (["export", str(2**63)], f"Received: {2**63}"),
        (["export", "1", "--label", "2"], "Received: --label"),
        (["export", "--label", "1"], "an argument is missing."),
        (["export", "--label"], "an argument is missing."),
        (
            ["export", "--label", "1", "--depth", "2", "--label", "1", "0"],
            "an option may come once only. Received again: --label\n",
        ),
        (
            ["export", "--temperature", "1", "--temperature", "1", "0"],
            "an option may come once only. Received again: --temperature\n",
        ),
        (
            ["export", *(f"--{i // 2}{i % 2 or ''}" for i in range(0, 34)), "0"],
            "there may be 16 options at most.",
        ),
    ],
)
def test_wrong_usage(loader, arguments, sentence):
    _check_error(_run(loader, *arguments), sentence, USAGE)


def _save_signature(path, name, function, **further):
    """Saves a model of another kind, with one signature of seeds and temperatures."""
    module = tf.Module()
    specs = [
        tf.TensorSpec([None], tf.int64, name="seed"),
        tf.TensorSpec([None], tf.float32, name="temperature"),
        *(tf.TensorSpec(s.shape, s.dtype, key) for key, s in further.items()),
    ]
    module.function = tf.function(function, input_signature=specs, autograph=False)
    tf.saved_model.save(module, path, signatures={name: module.function})
    return path


def test_no_such_signature_or_output_names_those_there_are(loader, tmp_path):
    def function(seed, temperature):
        return {"picture": seed, "sound": temperature}

    export = _save_signature(tmp_path / "1", "draw", function)
    result = _run(loader, export, 1)
    _check_error(result, "the export has no signature named sample. It has:\n  draw\n")
    assert "__saved_model" not in result.stderr
    export = _save_signature(tmp_path / "2", "sample", function)
    result = _run(loader, export, 1)
    _check_error(result, "the export has no output named image. It has:\n")
    assert "  picture\n" in result.stderr
    assert "  sound\n" in result.stderr


def test_an_output_that_is_no_image_is_not_read(loader, tmp_path):
    def function(seed, temperature):
        return {"image": tf.cast(seed, tf.uint8) + tf.cast(temperature, tf.uint8)}

    export = _save_signature(tmp_path / "1", "sample", function)
    _check_error(_run(loader, export, 1), "the output image has not the type, the axes")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_results_that_cannot_be_written(loader, color):
    with open("/dev/full", "w") as full:
        result = _run(loader, color[1], 1, stdout=full)
    assert result.returncode == 1
    assert "loader: cannot write the results" in result.stderr


# Conditions.

CONDITIONS = {
    "label": tf.TensorSpec([None], tf.int32),
    "time": tf.TensorSpec([None], tf.int64),
    "embedding": tf.TensorSpec([None, 3], tf.float32),
    "spatial": tf.TensorSpec([None, 2, 1, 2], tf.float32),
}


def _visible(values):
    """What the images below show of a condition: one row of integers an image."""
    values = values % 1000 if values.dtype.is_integer else values * 100
    return tf.cast(tf.reshape(values, [tf.shape(values)[0], -1]), tf.int32)


def _save(path, sample, log_prob):
    """Saves a model whose images and scores show the conditions that came in.

    An image holds the seed and what is visible of the conditions of `sample`. The score
    is the sum of what is visible of those of `log_prob`, each weighted with its
    position, and the bits are the first value of the image.
    """

    def draw(seed, temperature, **conditions):
        columns = [_visible(seed), _visible(temperature)]
        columns += [_visible(conditions[name]) for name in sample]
        return {"image": tf.concat(columns, axis=1)[:, tf.newaxis, :, tf.newaxis]}

    def score(image, **conditions):
        columns = [tf.zeros_like(image[:, 0, :1, 0])]
        columns += [_visible(conditions[name]) for name in log_prob]
        columns = tf.cast(tf.concat(columns, axis=1), tf.float32)
        weights = tf.range(tf.shape(columns)[1], dtype=tf.float32)
        bits_per_dim = tf.cast(image[:, 0, 0, 0], tf.float32)
        return {
            "log_prob": tf.linalg.matvec(columns, weights),
            "bits_per_dim": bits_per_dim,
        }

    module = tf.Module()
    seeds, temperatures = tf.TensorSpec([None], tf.int64), tf.TensorSpec([None])
    images = tf.TensorSpec([None, None, None, None], tf.int32)
    specs = {
        "sample": {"seed": seeds, "temperature": temperatures, **sample},
        "log_prob": {"image": images, **log_prob},
    }
    module.sample, module.log_prob = tf.function(draw), tf.function(score)
    signatures = {
        name: getattr(module, name).get_concrete_function(
            **{key: tf.TensorSpec(s.shape, s.dtype, key) for key, s in inputs.items()}
        )
        for name, inputs in specs.items()
    }
    tf.saved_model.save(module, path, signatures=signatures)
    return path


@pytest.fixture(scope="module")
def conditional(tmp_path_factory):
    return _save(tmp_path_factory.mktemp("conditional"), CONDITIONS, CONDITIONS)


def _check_conditions(result, seeds, visible, scored=None):
    image_seeds, images = _rows(result, "image", "int64")
    assert image_seeds == seeds
    assert images[:, 0].tolist() == [seed % 1000 for seed in seeds]
    assert images[:, 2:].tolist() == visible
    _, scores = _rows(result, "score", "float32")
    scored = np.array(visible if scored is None else scored)
    assert (
        scores[:, 0].tolist() == (scored @ np.arange(1, 1 + scored.shape[1])).tolist()
    )
    assert scores[:, 1].tolist() == images[:, 0].tolist()
    return images[:, 1]


def test_a_conditional_model_gives_what_python_gives(loader, tmp_path):
    model, export = _export("conditional", tmp_path)
    embedding = np.array([[0.1, -2.0], [3.0, 1e-3]], "float32")
    spatial = np.random.default_rng(3).normal(size=(2, 2, 1, 3)).astype("float32")
    file = tmp_path / "spatial.txt"
    np.savetxt(file, spatial.reshape(2, -1), fmt="%.9g")
    options = ["--embedding", "0.1,-2,3,0.001", "--spatial", f"@{file}", "--label"]
    conditions = {"label": [2, 0], "embedding": embedding, "spatial": spatial}
    result = _run(loader, export, *options, "2,0", 4, 5)
    _check_results(result, model, [4, 5], **conditions)
    rule = "assertion failed: [label must hold integers in [0, 3).] [Received:] [3]"
    _check_error(_run(loader, export, *options, "2,3", 4, 5), f"sample: {rule}")


def test_all_images_share_one_row_of_a_condition(loader, conditional):
    label = ["--label", -4]
    time = ["--time", 2**40]  # beyond int32
    embedding = ["--embedding", " -0.25,1e0 ,\t.5\n"]
    spatial = ["--spatial", "1 2 3 4"]
    row = [996, 2**40 % 1000, -25, 100, 50, 100, 200, 300, 400]
    result = _run(loader, conditional, *label, *time, *embedding, *spatial, -4, 5)
    assert (_check_conditions(result, [-4, 5], [row, row]) == 100).all()
    temperature = ["--temperature", 0.5]
    options = [*spatial, *temperature, *embedding, *label, *time]
    result = _run(loader, conditional, *options, 7)
    assert (_check_conditions(result, [7], [row]) == 50).all()


def test_each_image_has_a_row_of_its_own(loader, conditional, tmp_path):
    spatial = np.arange(12).reshape(3, 4)
    file = tmp_path / "spatial.txt"
    np.savetxt(file, spatial, fmt="%.3f")  # a line a row, spaces between
    embedding = tmp_path / "embedding.csv"
    embedding.write_text("1,2,3,\r\n4,5,6,\r\n7,8,9\r\n")
    options = ["--label", "3,1,2", "--time", "4 4 5", "--spatial", f"@{file}"]
    result = _run(
        loader, conditional, *options, "--embedding", f"@{embedding}", 9, 8, 9
    )
    visible = [
        [3, 4, 100, 200, 300, *spatial[0] * 100],
        [1, 4, 400, 500, 600, *spatial[1] * 100],
        [2, 5, 700, 800, 900, *spatial[2] * 100],
    ]
    _check_conditions(result, [9, 8, 9], visible)


def test_a_long_file(loader, tmp_path):
    inputs = {"spatial": tf.TensorSpec([None, 60, 60, 3])}
    export = _save(tmp_path / "1", inputs, {})
    values = np.random.default_rng(3).integers(-9, 10, [2, 60 * 60 * 3])
    file = tmp_path / "values"
    file.write_text(",".join(str(value) for value in values.ravel()))
    result = _run(loader, export, "--spatial", f"@{file}", 1, 2)
    _, images = _rows(result, "image", "int64")
    assert (images[:, 2:] == 100 * values).all()


def test_the_signatures_may_take_different_conditions_and_types(loader, tmp_path):
    sample = {"label": tf.TensorSpec([None], tf.int32), "depth": tf.TensorSpec([None])}
    log_prob = {"label": tf.TensorSpec([None, 1], tf.int64), "width": sample["label"]}
    export = _save(tmp_path / "1", sample, log_prob)
    options = ["--width", "7", "--depth", "0.5,1.5", "--label", "1,2"]
    result = _run(loader, export, *options, 1, 2)
    _check_conditions(result, [1, 2], [[1, 50], [2, 150]], [[1, 7], [2, 7]])
    result = _run(loader, export, *options[2:], 1, 2)
    _check_error(result, "the model needs --width: one integer, or one for each seed")
    result = _run(loader, export, *options, "--image", "1", 1, 2)
    _check_error(
        result,
        "loader: the model takes no --image. It takes:\n  --temperature: one number\n",
        "  --label: one integer, or one for each seed\n",
        "  --depth: one number, or one for each seed\n",
        "  --width: one integer, or one for each seed\n",
    )
    assert result.stderr.count("--label") == 1


def test_missing_conditions_are_all_named(loader, conditional):
    result = _run(loader, conditional, "--time", 1, 1, 2)
    _check_error(
        result,
        "loader: the model needs --label: one integer, or one for each seed\n",
        "loader: the model needs --embedding: 3 numbers, or 3 for each seed\n",
        "loader: the model needs --spatial: 4 numbers, or 4 for each seed\n",
    )


def test_an_unconditional_model_takes_no_condition(loader, color):
    rule = "the model takes no --label. It takes:\n  --temperature: one number\n"
    result = _run(loader, color[1], "--label", 1, "--temperature", 1, 1)
    _check_error(result, rule)
    assert result.stderr.endswith(rule)


@pytest.mark.parametrize(
    ("name", "values", "sentence"),
    [
        (
            "label",
            "1,2",
            "must be one integer, or one for each seed. Received: 2 for 3 seeds",
        ),
        ("label", "", "one for each seed. Received: 0 for 3 seeds"),
        ("label", "1.5", "must be integers from -2**31 to 2**31 - 1. Received: 1.5"),
        ("label", "1 x 2", "must be integers from -2**31 to 2**31 - 1. Received: x"),
        (
            "label",
            2**31,
            f"must be integers from -2**31 to 2**31 - 1. Received: {2**31}",
        ),
        ("label", -(2**63) - 1, f"Received: {-(2**63) - 1}"),
        ("time", 2**63, f"integers from -2**63 to 2**63 - 1. Received: {2**63}"),
        ("time", "3;", "integers from -2**63 to 2**63 - 1. Received: 3;"),
        (
            "embedding",
            "1,2,3,4",
            "must be 3 numbers, or 3 for each seed. Received: 4 for 3 seeds",
        ),
        ("embedding", "1,2,1e39", "numbers in the range of float32. Received: 1e39"),
        ("embedding", "1,,2", "one on either side of a comma. Received: none there"),
        ("embedding", ",1,2", "one on either side of a comma. Received: none there"),
        ("embedding", "1,2, ", "one on either side of a comma. Received: none there"),
        ("embedding", "x" * 999, f"Received: {'x' * 256}\n"),
    ],
)
def test_values_that_a_condition_cannot_have(
    loader, conditional, name, values, sentence
):
    given = {"label": 1, "time": 1, "embedding": "1 2 3", "spatial": "1 2 3 4"}
    given[name] = values
    options = [item for key in given for item in (f"--{key}", given[key])]
    result = _run(loader, conditional, *options, 1, 2, 3)
    _check_error(result, f"loader: --{name} must be ", sentence)


def test_files_that_cannot_be_read(loader, tmp_path):
    binary = tmp_path / "binary"
    binary.write_bytes(b"1\0002")
    for path, error in {
        tmp_path / "none": "No such file or directory",
        tmp_path: "Is a directory",
        binary: "it holds a byte of 0, so it is no text",
    }.items():
        result = _run(loader, "export", "--label", f"@{path}", 1)
        _check_error(result, f"loader: --label: cannot read the file {path}: {error}\n")


@pytest.mark.parametrize(
    ("spec", "received"),
    [
        (tf.TensorSpec(None), "any shape"),
        (tf.TensorSpec([]), "()"),
        (tf.TensorSpec([None, None, 3]), "(?, ?, 3)"),
        (tf.TensorSpec([None, 2**16, 2**15]), "(?, 65536, 32768)"),
        (tf.TensorSpec([2] + [1] * 8), "(2, 1, 1, 1, 1, 1, 1, 1, ...)"),
        (tf.TensorSpec([None], tf.uint8), "number 4 of TensorFlow's DataType"),
    ],
)
def test_inputs_that_cannot_be_given(loader, tmp_path, spec, received):
    def function(seed, temperature, strange):
        image = tf.zeros([tf.size(seed), 1, 1, 1], tf.int32)
        return {"image": image, "others": (temperature, strange)[1]}

    export = _save_signature(tmp_path / "1", "sample", function, strange=spec)
    for options in [[], ["--strange", 1]]:
        result = _run(loader, export, *options, 1)
        _check_error(
            result, "the input strange cannot be given: its ", f"Received: {received}\n"
        )


def test_a_model_of_too_many_inputs(loader, tmp_path):
    conditions = {f"condition_{i}": tf.TensorSpec([None]) for i in range(15)}
    result = _run(loader, _save(tmp_path / "1", conditions, {}), 1)
    _check_error(result, "loader: sample takes more than 16 inputs\n")


# How it is built.


def test_a_failed_build_says_why_and_leaves_the_older_loader(compiler, tmp_path):
    older = tmp_path / "loader"
    older.write_text("older")
    with pytest.raises(ChildProcessError, match="failed with exit code") as caught:
        build_loader(older, f"{compiler} -include no_such_header.h")
    assert "no_such_header.h" in str(caught.value)
    assert "No such file" in str(caught.value)
    assert "loader.c" in str(caught.value)  # the command
    assert older.read_text() == "older"
    assert list(tmp_path.iterdir()) == [older]


def test_no_compiler(tmp_path, monkeypatch):
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"none of cc, gcc, clang.*Install one"):
        build_loader(tmp_path / "loader")
    assert list(tmp_path.iterdir()) == []


def test_the_variable_cc_names_the_compiler(tmp_path, monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler -O1")
    assert find_compiler() == "no-such-compiler -O1"
    with pytest.raises(FileNotFoundError, match=r"cannot be run.*variable CC"):
        build_loader(pathlib.Path(tmp_path, "loader"))
