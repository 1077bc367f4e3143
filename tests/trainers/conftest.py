"""One tiny run through the program, which many tests look at."""

import pytest

from keras_pixelcnn.models import AutoregressiveImageModel
from tests.forked import Forked
from tests.made_once import made_once
from tests.trainers.runs.train_lightly import export, sample
from trainers.image_models import results

TINY = (
    "--config=trainers/configs/digits.py",
    "--config.epochs=2",
    "--config.model.filters=4",
    "--config.model.num_blocks=1",
    "--config.learning_rate=0.01",
    "--config.ema_momentum=0.9",
    "--config.sample_every=2",
)


def run_program(name, *arguments):
    """Runs `trainers.<name>` in a process of its own."""
    return Forked(f"trainers.{name}", *arguments).wait()


@pytest.fixture(scope="session")
def run():
    return run_program


@pytest.fixture(scope="session")
def train_tiny():
    """Trains the tiny run in a workdir, with further arguments."""
    return lambda workdir, *more: run_program(
        "train", *TINY, f"--workdir={workdir}", *more
    )


@pytest.fixture
def no_exports(monkeypatch):
    """Runs in this process leave an empty folder in place of their export."""
    monkeypatch.setattr(AutoregressiveImageModel, "export", export)


@pytest.fixture
def no_results(no_exports, monkeypatch):
    """Runs in this process draw nothing at their end either: that is for `finished`."""
    monkeypatch.setattr(AutoregressiveImageModel, "sample", sample)
    monkeypatch.setattr(results, "save_completions", lambda *args, **options: None)


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The workdir of a finished run, and what it printed: as a user runs it."""

    def train(folder):
        result = run_program("train", *TINY, f"--workdir={folder / 'digits'}")
        assert result.returncode == 0, result.stderr
        (folder / "stdout").write_text(result.stdout, "utf-8")

    folder = made_once(tmp_path_factory, "finished", train)
    return folder / "digits", (folder / "stdout").read_text("utf-8")
