"""The shape of the package that no linter sees: sizes, and what an import loads.

What may import what is in pyproject.toml, and `lint-imports` checks it.
"""

import pathlib
import subprocess
import sys

import pytest

import keras_pixelcnn

ROOT = pathlib.Path(__file__).parent.parent
FOLDERS = ["keras_pixelcnn", "trainers", "savedmodels", "benchmarks", "docs", "tests"]
MOST_LINES = 600
HEAVY = [
    *("tensorflow_datasets", "tensorflow_probability", "tf_keras", "tensorboard"),
    *("matplotlib", "PIL", "sklearn", "scipy", "ml_collections", "constriction"),
    *("keras_pixelcnn.codecs", "keras_pixelcnn.datasets", "keras_pixelcnn.export"),
    "keras_pixelcnn.training",
]


def test_modules_are_short():
    """A reader keeps one module in mind at a time."""
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    assert len(paths) > 300
    lengths = {path: path.read_text(encoding="utf-8").count("\n") for path in paths}
    assert {path: n for path, n in lengths.items() if n > MOST_LINES} == {}


def test_importing_the_package_loads_nothing_that_only_some_need():
    program = f"""
import sys
import keras, tensorflow  # whatever these load by themselves is not ours
before = set(sys.modules)
import keras_pixelcnn
found = set(sys.modules) - before
print([name for name in {HEAVY} if name in found])
"""
    output = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "[]"


def test_public_names_are_there():
    for name in keras_pixelcnn.__all__:
        assert getattr(keras_pixelcnn, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        keras_pixelcnn.nothing  # noqa: B018


def test_the_package_says_that_it_is_typed():
    assert (ROOT / "keras_pixelcnn" / "py.typed").is_file()
