"""Ways to run the loader, and a SavedModel of its own kind, saved once."""

import re
import subprocess

import pytest

from savedmodels.loader.process import ENVIRONMENT
from tests.savedmodels.loader.hand_made import save_hand_made


@pytest.fixture(scope="session")
def hand_made(tmp_path_factory):
    return save_hand_made(tmp_path_factory.mktemp("hand_made") / "1")


@pytest.fixture(scope="session")
def run(loader):
    """Runs the loader without any environment, so without a PATH to a Python."""

    def run(*arguments, **options):
        command = [loader, *(str(argument) for argument in arguments)]
        options = {"stdout": subprocess.PIPE, **options}
        return subprocess.run(
            command,
            env=ENVIRONMENT,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
            **options,
        )

    return run


@pytest.fixture(scope="session")
def run_each(run):
    """Runs requests, each a list of arguments, in one process.

    Gives what they print on stdout, all together, and for each request what the loader
    says on stderr.
    """

    def run_each(export, requests):
        arguments = [argument for request in requests for argument in ("--", *request)]
        result = run(export, *arguments[1:])
        said = [""] * len(requests)
        # What comes before the first sentence is TensorFlow's. One request alone has
        # no number.
        begin = re.compile(r"^loader: (?:request (\d+), )?", re.MULTILINE)
        parts = begin.split(result.stderr)
        for number, sentence in zip(parts[1::2], parts[2::2]):
            said[int(number or 1) - 1] += f"loader: {sentence}"
        assert result.returncode == any(said), result.stderr
        return result.stdout, said

    return run_each
