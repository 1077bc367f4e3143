"""Tests of the program in C that runs an export without Python, and of its build."""

import pathlib
import shlex
import subprocess

import numpy as np
import pytest

from keras_pixelcnn import GatedPixelCNN
from savedmodels import build_loader as program
from savedmodels.build_loader import (
    build_loader,
    find_compiler,
    loader_command,
)
from savedmodels.publish.graph_scan import read_signatures
from tests.test_case import randomize
from tests.trainers.tiny_run import call

pytestmark = pytest.mark.op_by_op

# All that the loader gets of the environment: no path to any Python, for one.
ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "3"}


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


@pytest.fixture(scope="module")
def model():
    model = GatedPixelCNN(
        (4, 2, 1), 5, filters=2, num_blocks=1, kernel_size=3, num_classes=3
    )
    return randomize(model)


@pytest.fixture(scope="module")
def export(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "1"
    model.export(path, verbose=False, signatures=["sample", "log_prob"])
    return path


def run(*command):
    return subprocess.run(
        command, env=ENVIRONMENT, capture_output=True, text=True, timeout=60
    )


def run_signature(loader, export, signature, inputs):
    """Runs the loader; gives arrays by the names of the outputs."""
    result = run(*loader_command(loader, export, signature, inputs))
    assert result.returncode == 0, result.stderr
    outputs = read_signatures(export)[signature].outputs
    lines = result.stdout.splitlines()
    found = {}
    for line, name in zip(lines, sorted(outputs), strict=True):
        tensor, _, told = line.partition("=")
        assert tensor == outputs[name].name
        dtype, shape, values = told.split(":")
        array = np.array(values.split(","), dtype)
        found[name] = array.reshape([int(size) for size in shape.split(",")])
    return found


SEEDS = [1, -(2**63), 2**63 - 1]


def test_samples_without_python_are_those_of_python(loader, export, model):
    inputs = {"seed": SEEDS, "temperature": [1, 0.1, 3.3], "label": [0, 1, 2]}
    answer = run_signature(loader, export, "sample", inputs)
    seed, temperature = np.array(SEEDS), np.float32(inputs["temperature"])
    expected = model.sample(3, seed=seed, temperature=temperature, label=[0, 1, 2])
    assert set(answer) == {"image"}
    assert answer["image"].dtype == "uint8"
    np.testing.assert_array_equal(answer["image"], expected)


def test_log_prob_without_python_is_that_of_python(loader, export, model):
    image = np.random.default_rng(0).integers(5, size=(6, 4, 2, 1))
    label = [2, 1, 0] * 2
    answer = run_signature(loader, export, "log_prob", {"image": image, "label": label})
    nats = model.log_prob(image, label=label)
    np.testing.assert_allclose(answer["log_prob"], nats, rtol=1e-5)
    bits = -answer["log_prob"] / (8 * np.log(2))
    np.testing.assert_allclose(answer["bits_per_dim"], bits, rtol=1e-5)


def test_the_models_own_sentence_is_passed_on(loader, export):
    inputs = {"seed": [1], "temperature": [-2], "label": [0]}
    result = run(*loader_command(loader, export, "sample", inputs))
    assert result.returncode == 1
    assert result.stdout == ""
    assert "temperature must be finite numbers above 0." in result.stderr
    assert "[-2]" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "EXPORT_DIR INPUT... -- OUTPUT..."),
        (["--", *"abcdefghijklmnopq"], "up to 16 of each"),
        (["no such folder", "--", "a:0"], "The export cannot be loaded."),
        (["none", "a:0", "--", "b:0"], "TENSOR=TYPE:SHAPE:VALUES. Received: a:0"),
        (["EXPORT", "--", "SEED:1"], "no such tensor. Received: "),
        (["none", "a:0=int64:1", "--", "a:0"], "A shape must be up to 8"),
        (["none", "a:0=int64:2:1", "--", "a:0"], "for each element"),
        (["none", "a:0=int64:1:1,2", "--", "a:0"], "Values must be numbers"),
        (["none", "a:0=int32:1:3000000000", "--", "a:0"], "Values must be"),
        (["none", "a:0=uint8:1:256", "--", "a:0"], "Values must be numbers"),
        (["EXPORT", "SEED:0=int32:1:1", "--", "SEED:0"], "refuses the inputs."),
    ],
)
def test_wrong_arguments_are_told(loader, export, arguments, sentence):
    seed = read_signatures(export)["sample"].inputs["seed"].name.removesuffix(":0")
    result = run(
        loader,
        *(
            str(export) if word == "EXPORT" else word.replace("SEED", seed)
            for word in arguments
        ),
    )
    assert result.returncode == 1
    assert result.stdout == ""
    assert f"{sentence}" in result.stderr


def test_a_command_for_a_signature_or_an_input_that_is_none(loader, export):
    with pytest.raises(ValueError, match=r"one of .*'sample'.* Received: 'draw'"):
        loader_command(loader, export, "draw", {})
    with pytest.raises(ValueError, match=r"it takes .'image', 'label'."):
        loader_command(loader, export, "log_prob", {"label": [1]})


def test_the_program_prints_commands_that_run(loader, export, monkeypatch, capsys):
    monkeypatch.setattr(program, "build_loader", lambda output: loader)
    call(program, "--output=loader", f"--export={export}")
    lines = capsys.readouterr().out.splitlines()
    for title in ("sample:", "log_prob:"):
        result = run(*shlex.split(lines[lines.index(title) + 1]))
        assert result.returncode == 0, result.stderr
        assert "=" in result.stdout


def test_the_program_shows_what_an_export_has(model, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(program, "build_loader", lambda output: output)
    paths = {name: tmp_path / name for name in ("log_prob", "classify")}
    for name, path in paths.items():
        model.export(path, verbose=False, signatures=[name])
    call(program, "--output=loader", f"--export={paths['log_prob']}")
    shown = capsys.readouterr().out
    assert "log_prob:" in shown
    assert "sample:" not in shown
    with pytest.raises(ValueError, match=r"sample or log_prob. Received: .*classify"):
        call(program, "--output=loader", f"--export={paths['classify']}")


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
