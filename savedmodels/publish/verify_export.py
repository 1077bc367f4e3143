"""Verification of an export: its warm-up requests, compared with the model."""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

import keras_pixelcnn as kp
from savedmodels.publish.expected_outputs import decode_outputs, expected_outputs
from savedmodels.publish.warmup import WARMUP_FILE, Request, read_requests

_SCORES = {
    *("log_prob", "log_prob_per_value", "bits_per_dim", "elbo", "elbo_bits_per_dim"),
    *("latent", "probabilities"),
}
_TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}
"""Of scores: graphs may be arranged otherwise once they are loaded."""


def verify_export(model: kp.AutoregressiveImageModel, export: pathlib.Path) -> int:
    """Checks that an export answers its warm-up requests as the model does.

    Images must be those of the model, which is asked for as many at once (between batch
    sizes, a draw on the very edge of two levels may flip). Scores must be as near as
    float32 allows.

    Args:
        model: what was exported.
        export: the folder of the export.

    Returns:
        The number of requests.

    Raises:
        FileNotFoundError: when the export holds no requests.
        ModuleNotFoundError: when tensorflow-serving-api is not installed.
        ValueError: when a request is damaged or fails, when an answer is not the
            model's, or when a signature has no request.
    """
    requests = read_requests(export / WARMUP_FILE)
    signatures = tf.saved_model.load(str(export)).signatures
    missing = sorted(set(signatures) - {request.signature for request in requests})
    if missing:
        raise ValueError(
            "Every signature must have a warm-up request. Missing: "
            f"{', '.join(missing)}"
        )
    for request in requests:
        answer = _run(signatures, request)
        check_outputs(request, answer, expected_outputs(model, export, request))
    return len(requests)


def _run(signatures: Mapping[str, Any], request: Request) -> dict[str, Any]:
    if request.signature not in signatures:
        raise ValueError(
            "A warm-up request must name a signature of the export. "
            f"Received: {request.signature!r}"
        )
    try:
        inputs = {name: tf.constant(x) for name, x in request.inputs.items()}
        return decode_outputs(signatures[request.signature](**inputs))
    except (tf.errors.OpError, TypeError, ValueError) as error:
        raise ValueError(
            f"The export fails on the warm-up {_name(request)}, and a server would not "
            f"load it: {error}"
        ) from error


def _name(request: Request) -> str:
    return f"request to {request.signature!r} of {request.num_rows} rows"


def check_outputs(
    request: Request, answer: Mapping[str, Any], expected: Mapping[str, Any]
) -> None:
    """Checks that the outputs of an export are those of the model.

    Args:
        request: what was asked.
        answer: arrays by the names of the signature's outputs.
        expected: the same of the model.

    Raises:
        ValueError: when they differ: images at all, scores by more than float32 allows.
    """
    names = sorted({*answer, *expected})
    wrong = [name for name in names if not _agree(name, answer, expected)]
    if wrong:
        raise ValueError(
            "The outputs of an export must be the Python model's. Received: another "
            f"{' and '.join(wrong)} for the warm-up {_name(request)}. Export the model "
            "with the library that it was made with, and report it if that differs, "
            "too."
        )


def _agree(name: str, answer: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
    if name not in answer or name not in expected:
        return False
    if np.shape(answer[name]) != np.shape(expected[name]):
        return False
    if name == "label":  # each must be as likely as the likeliest
        probabilities = np.asarray(expected["probabilities"])
        chosen = np.take_along_axis(probabilities, answer[name][:, None], axis=-1)
        return np.allclose(chosen[:, 0], probabilities.max(axis=-1), **_TOLERANCE)
    if name in _SCORES:
        return np.allclose(answer[name], expected[name], **_TOLERANCE)
    return np.array_equal(answer[name], expected[name])
