"""Tests of the loader in C: what it prints is what Python computes."""

import os
import pathlib
import subprocess

import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn import GatedPixelCNN, bits_per_dim
from savedmodels.build_loader import build_loader, find_compiler

USAGE = "usage: loader EXPORT_DIR [--temperature T] SEED [SEED ...]\n"
MODELS = {
    "grey": {"image_shape": (3, 4, 1), "num_levels": 256},
    "color": {"image_shape": (4, 3, 3), "num_levels": 5},
    "more_than_a_byte": {"image_shape": (2, 3, 1), "num_levels": 300},
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


def _check_results(result, model, seeds, temperature=1.0):
    drawn = model.sample(len(seeds), seeds, temperature).numpy()
    image_seeds, values = _rows(result, "image", "int64")
    assert image_seeds == seeds
    assert (values == drawn.reshape(len(seeds), -1)).all()
    score_seeds, scores = _rows(result, "score", "float32")
    log_prob = model.log_prob(drawn)
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
        (["export", "--cold", "1"], "Received: --cold"),
    ],
)
def test_wrong_usage(loader, arguments, sentence):
    _check_error(_run(loader, *arguments), sentence, USAGE)


def _save_signature(path, name, function):
    """Saves a model of another kind, with one signature of seeds and temperatures."""
    module = tf.Module()
    specs = [
        tf.TensorSpec([None], tf.int64, name="seed"),
        tf.TensorSpec([None], tf.float32, name="temperature"),
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
