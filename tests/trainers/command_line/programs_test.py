"""Tests of the programs: flags, errors in one line, scores and samples."""

import importlib
import inspect
import shlex

import keras
import numpy as np
import pytest
from absl import flags

import keras_pixelcnn as kp
from keras_pixelcnn import datasets
from tests.commands import check_program
from tests.trainers.tiny_run import call, tiny_model
from trainers import compare, evaluate, train
from trainers.command_line import console
from trainers.runs.data import as_arrays

pytestmark = pytest.mark.op_by_op


@pytest.fixture(scope="module")
def model_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.keras"
    tiny_model().save(path)
    return path


@pytest.fixture(scope="module")
def other_model(tmp_path_factory):
    """A model of another shape and other levels."""
    path = tmp_path_factory.mktemp("other") / "model.keras"
    kp.GatedPixelCNN((8, 8, 3), num_levels=5, filters=3, num_blocks=1).save(path)
    return path


def check_error(result, sentence):
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    (line,) = [line for line in result.stderr.splitlines() if sentence in line]
    return line


# Flags.


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("--config.epoch=4", 'Did you mean "epochs" instead of "epoch"?'),
        ("--config.qqq=4", "error: The config has no such field: 'qqq'"),
        ("--config.epochs=2.5", "flag --config.epochs=2.5: invalid literal"),
        ("--epochs=4", "Unknown command line flag 'epochs'"),
    ],
)
def test_a_wrong_field_is_told_and_nothing_is_written(
    train_tiny, tmp_path, argument, sentence
):
    result = train_tiny(tmp_path / "run", argument)
    check_error(result, sentence)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ("nothing.py", "No such file or directory: 'nothing.py'"),
        ("digitz", "one of the names autoencoder_digits, .* Was digits meant?"),
    ],
)
def test_a_missing_config_is_told(config, sentence):
    values = flags.FlagValues()
    train.define_flags(values)
    with pytest.raises(OSError, match=sentence):
        values(["train", f"--config={config}", "--workdir=x"])
        values.config.get("seed")


def test_a_config_of_the_package_is_found_by_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    values = flags.FlagValues()
    train.define_flags(values)
    values(["train", "--config=digits", "--workdir=x"])
    assert values.config.dataset == "digits"


def test_help_shows_the_flags(run):
    result = run("sample", "--help")
    assert result.returncode == 0, result.stderr
    assert "--label" in result.stdout and "--temperature" in result.stdout


def test_required_flags(run):
    check_error(run("train"), "--config must have a value")


# ml_collections loads config files in a way that Python will give up.
@pytest.mark.filterwarnings("ignore:the load_module.. method is deprecated")
def test_overrides_reach_the_config(monkeypatch):
    arguments = [
        "train",
        "--config=trainers/configs/digits.py",
        "--workdir=run",
        "--config.model.head_filters=6",
        "--config.image_size=16,12",
        "--noconfig.deterministic",
        "--config.learning_rate=1",
    ]
    monkeypatch.setattr("sys.argv", arguments)
    values = flags.FlagValues()
    train.define_flags(values)
    values(arguments)
    assert values.config.model.head_filters == 6
    assert values.config.image_size == (16, 12)
    assert not values.config.deterministic
    assert values.config.learning_rate == 1.0
    assert values.config.is_locked


def test_importing_the_programs_defines_no_flags():
    names = {"model", "config", "workdir", "dataset", "label", "max_train"}
    assert not names & set(flags.FLAGS)


# Evaluate.


def test_evaluate_prints_the_exact_scores(model_path, capsys):
    call(evaluate, f"--model={model_path}", "--dataset=digits", "--batch_size=50")
    images = as_arrays(datasets.load("digits", "test", shuffle=False)).image
    nats = -keras.models.load_model(model_path).log_prob(images).numpy()
    lines = [line.rsplit(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    expected = {
        "bits per dimension": nats.mean() / 64 / np.log(2),
        "nats per image": nats.mean(),
        "images": 180,
    }
    # Behind the number of images stands what they are.
    lines[2] = lines[2][0].split()[:2]
    assert [name for name, _ in lines] == list(expected)
    assert [len(value.rpartition(".")[2]) for _, value in lines[:2]] == [4, 4]
    # The last digit is rounded, of sums in another order.
    for (_, value), exact in zip(lines, expected.values()):
        assert float(value) == pytest.approx(exact, abs=2e-4)


def test_data_takes_the_models_form_unless_another_is_asked_for(other_model, capsys):
    flag = f"--model={other_model}"
    call(evaluate, flag, "--dataset=digits")
    assert "images              180 (8x8x3, 5 levels)" in capsys.readouterr().out
    with pytest.raises(ValueError, match=r"of 5 levels.* have 4\..*num_levels out"):
        call(evaluate, flag, "--dataset=digits", "--num_levels=4")
    with pytest.raises(ValueError, match=r"\(8, 8, 3\).* have \(8, 8, 1\)"):
        call(evaluate, flag, "--dataset=digits", "--color_mode=grayscale")
    with pytest.raises(ValueError, match=r"\(8, 8, 3\).* have \(9, 9, 3\)"):
        call(evaluate, flag, "--dataset=digits", "--image_size=9")


@pytest.mark.parametrize("size", ["x", "8,x", "8,8,1"])
def test_a_wrong_image_size_is_told(model_path, size):
    with pytest.raises(flags.IllegalFlagValueError, match="must be height,width"):
        call(
            evaluate,
            f"--model={model_path}",
            "--dataset=digits",
            f"--image_size={size}",
        )


# What programs say of themselves.


@pytest.mark.parametrize(
    "name", [*console.programs().values(), "benchmarks.run", "benchmarks.gpu"]
)
def test_the_commands_of_docstrings_can_be_pasted(name):
    """Once some went on in a second line that a shell takes for another command."""
    module = importlib.import_module(name)
    if hasattr(module, "__path__"):  # a package that runs as a program
        module = importlib.import_module(f"{name}.__main__")
    text = inspect.cleandoc(module.__doc__).replace("\\\n", " ")
    parts = [part for part in text.split("\n\n") if part.lstrip().startswith("python")]
    assert parts
    for line in "\n".join(parts).splitlines():
        words = shlex.split(line)
        assert words[:2] == ["python", "-m"], line
        check_program(words)


def test_only_strategies_that_a_program_takes_are_explained():
    for program, takes in ((train, True), (compare, False)):
        values = flags.FlagValues()
        program.define_flags(values)
        assert ("TF_CONFIG" in values["strategy"].help) == takes
