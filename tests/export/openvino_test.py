"""Tests that OpenVINO draws Python's images from the same noise, without TensorFlow."""

import importlib.util
import subprocess
import sys

import numpy as np
import pytest

from keras_pixelcnn import GatedPixelCNN
from tests import served
from tests.test_case import randomize

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("openvino") is None, reason="OpenVINO is not installed."
)

SIGNATURE = "sample_from_noise"
BATCHES = (1, 20)
CASES = ("color", "all_conditions")

# Of every folder named: the images of its requests.
PROGRAM = """
import pathlib
import sys

import numpy as np
import openvino

core = openvino.Core()
for folder in map(pathlib.Path, sys.argv[1:]):
    model = core.compile_model(
        folder / "export", "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    for request in folder.glob("request_*.npz"):
        with np.load(request) as inputs:
            outputs = model(dict(inputs))
        answer = request.with_name(request.name.replace("request", "answer"))
        np.savez(answer, **{key.any_name: value for key, value in outputs.items()})
loaded = {"tensorflow", "keras"} & set(sys.modules)
sys.exit(f"It needs {loaded}." if loaded else 0)
"""


def _make_model(case):
    if case in served.KINDS:
        return served.make_model(case)
    # Several rows and pixels move on from step to step.
    model = GatedPixelCNN((4, 5, 3), 256, filters=6, num_blocks=2, kernel_size=7)
    return randomize(model)


@pytest.fixture(scope="module")
def models():
    return {case: _make_model(case) for case in CASES}


@pytest.fixture(scope="module")
def answers(models, tmp_path_factory):
    """By case and number of rows, what OpenVINO gives for the request of as many."""
    folders = {case: tmp_path_factory.mktemp(case) for case in CASES}
    for case, model in models.items():
        model.export(folders[case] / "export", verbose=False, signatures=[SIGNATURE])
        for rows in BATCHES:
            inputs = served.request(model, SIGNATURE, rows)
            np.savez(folders[case] / f"request_{rows}.npz", **inputs)
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, *folders.values()],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return {
        (case, rows): dict(np.load(folder / f"answer_{rows}.npz"))
        for case, folder in folders.items()
        for rows in BATCHES
    }


@pytest.mark.parametrize("rows", BATCHES)
@pytest.mark.parametrize("case", CASES)
def test_openvino_draws_the_images_of_python(models, answers, case, rows):
    model = models[case]
    inputs = served.request(model, SIGNATURE, rows)
    expected = served.answer(model, SIGNATURE, inputs)
    served.check(model, SIGNATURE, expected, answers[case, rows])
