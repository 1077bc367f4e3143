"""Rows of images on the way from one embedding to another, as inputs."""

import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np

from savedmodels.client.arguments import cast
from savedmodels.client.errors import InvalidRequestError
from savedmodels.tensor_spec import TensorSpec

METHODS = ("linear", "spherical")


def spec_of_ends(signature: str, inputs: Mapping[str, TensorSpec]) -> TensorSpec:
    """Finds what a model takes for the embeddings at both ends.

    Args:
        signature: its name.
        inputs: of the signature.

    Raises:
        InvalidRequestError: when it goes from image to image, as auto-encoders do.
    """
    if "embedding_a" not in inputs:
        names = ", ".join(f"{name}=..." for name in sorted(inputs))
        raise InvalidRequestError(
            "interpolate must be asked of a model that takes embeddings. This one's "
            f"signature takes others: predict({signature!r}, {names}), with a position "
            "from 0 to 1 for each image. "
            f"Received: embedding_a for inputs {sorted(inputs)}"
        )
    return inputs["embedding_a"]


def prepare_ends(a: Any, b: Any, spec: TensorSpec) -> tuple[np.ndarray, np.ndarray]:
    """Makes arrays of the embeddings at both ends of each row.

    Args:
        a: floats (d,) or (rows, d).
        b: the same shape.
        spec: of the signature's embeddings.

    Returns:
        Two float32 arrays of the shape that came.

    Raises:
        InvalidRequestError: when the shapes are others.
    """
    ends = cast("embedding_a", a, spec), cast("embedding_b", b, spec)
    same = ends[0].shape == ends[1].shape
    if not same or ends[0].shape[-1:] != spec.example_shape or ends[0].ndim > 2:
        (size,) = spec.example_shape
        raise InvalidRequestError(
            f"The two embeddings must have one shape, ({size},) or (rows, {size}). "
            f"Received: {ends[0].shape} and {ends[1].shape}"
        )
    return ends


def check_steps(steps: Any, method: Any) -> None:
    """Checks how many images a row has, and which way it takes.

    Raises:
        InvalidRequestError: when it cannot be.
    """
    if not isinstance(steps, numbers.Integral) or steps < 2:
        raise InvalidRequestError(
            "steps must be an integer of at least 2, both ends included. "
            f"Received: steps={steps!r}"
        )
    if method not in METHODS:
        raise InvalidRequestError(
            f"method must be one of {METHODS}. Received: {method!r}"
        )
