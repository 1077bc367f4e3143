"""Tests of the comparison of an export's answers with the model's."""

import numpy as np
import pytest

from savedmodels.publish.verify_export import check_outputs
from savedmodels.publish.warmup import Request

REQUEST = Request("sign", {"seed": np.arange(2)})

ANSWER = {
    "image": np.array([[1, 2], [3, 4]], "uint8"),
    "image_bytes": np.array([[257, 0], [3, 4]], "uint16"),
    "log_prob": np.array([-100.0, -3.0], "float32"),
    "bits_per_dim": np.array([2.0, 3.0], "float32"),
    "probabilities": np.array([[0.5, 0.5], [0.9, 0.1]], "float32"),
    "label": np.array([0, 0], "int32"),
    "metadata": [{"num_levels": 5}] * 2,
}


def test_the_same_answer_passes():
    check_outputs(REQUEST, ANSWER, ANSWER)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("log_prob", ANSWER["log_prob"] * (1 + 1e-6)),
        ("bits_per_dim", ANSWER["bits_per_dim"] * (1 + 1e-6)),
        ("probabilities", ANSWER["probabilities"] + np.float32(1e-6)),
        ("label", np.array([1, 0], "int32")),  # as likely
    ],
)
def test_scores_are_as_near_as_float32_allows(name, values):
    check_outputs(REQUEST, {**ANSWER, name: values}, ANSWER)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("image", ANSWER["image"] + np.eye(2, dtype="uint8")),
        ("image", ANSWER["image"][:1]),
        ("image_bytes", ANSWER["image_bytes"] + np.eye(2, dtype="uint16")),
        ("log_prob", ANSWER["log_prob"] + np.float32(0.1)),
        ("log_prob", ANSWER["log_prob"][:1]),
        ("log_prob", ANSWER["log_prob"] * np.nan),
        ("bits_per_dim", ANSWER["bits_per_dim"] + np.float32(0.01)),
        ("probabilities", ANSWER["probabilities"] + np.float32(0.001)),
        ("label", np.array([0, 1], "int32")),
        ("label", np.array([0], "int32")),
        ("metadata", [{"num_levels": 5}, {"num_levels": 6}]),
        ("metadata", [{"num_levels": 5}]),
    ],
)
def test_another_answer_is_refused(name, values):
    message = f"Received: another {name} for the warm-up request to 'sign' of 2 rows"
    with pytest.raises(ValueError, match=message):
        check_outputs(REQUEST, {**ANSWER, name: values}, ANSWER)


def test_outputs_are_the_same():
    less = {name: values for name, values in ANSWER.items() if name != "image"}
    for answer, expected in ((less, ANSWER), (ANSWER, less)):
        with pytest.raises(ValueError, match="Received: another image for"):
            check_outputs(REQUEST, answer, expected)
