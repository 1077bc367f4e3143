"""One tiny run through the program, which many tests look at."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
TINY = (
    "--config=trainers/configs/digits.py",
    "--config.epochs=2",
    "--config.model.filters=8",
    "--config.model.num_blocks=2",
    "--config.learning_rate=0.01",
    "--config.ema_momentum=0.9",
    "--config.sample_every=2",
)


def run_program(name, *arguments):
    """Runs `python -m trainers.<name>` as a user would."""
    return subprocess.run(
        [sys.executable, "-m", f"trainers.{name}", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="session")
def run():
    return run_program


@pytest.fixture(scope="session")
def train_tiny():
    """Trains the tiny run in a workdir, with further arguments."""
    return lambda workdir, *more: run_program(
        "train", *TINY, f"--workdir={workdir}", *more
    )


@pytest.fixture(scope="session")
def finished(tmp_path_factory, train_tiny):
    """The workdir of a finished run, and what it printed."""
    workdir = tmp_path_factory.mktemp("runs") / "digits"
    result = train_tiny(workdir)
    assert result.returncode == 0, result.stderr
    return workdir, result.stdout
