"""Conditions in a stream: labels are coded, larger ones only checked.

Each image has a code: 0 for one without a condition where a model can do without, then
the labels; or 1 where a model without labels has a condition. All codes are coded as
equally likely. Of embeddings and maps a checksum travels, and whoever decodes passes
them again.
"""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from keras_pixelcnn.codecs.errors import DamagedStreamError, WrongModelError
from keras_pixelcnn.codecs.fingerprint import digest
from keras_pixelcnn.codecs.range_coder import (
    MOST_UNIFORM_VALUES,
    ValueDecoder,
    ValueEncoder,
    least_bits_of_uniform,
)

_TRAVEL = ("label", "has_condition")

_HASHED_TOGETHER = 1024
"""Images whose conditions are made arrays together, where one stands for all."""


class CodedConditions(NamedTuple):
    """The conditions of images as a stream holds them."""

    codes: bytes
    others_digest: bytes


class ImageConditions:
    """The conditions of images; the model's inputs are made for a batch at a time.

    Args:
        conditions: of the model.
        given: by name, one for all images or one for each.
        num_images: how many images there are.

    Raises:
        ValueError: when a condition is missing, unknown or not as the model takes it.
    """

    def __init__(
        self, conditions: Any, given: Mapping[str, Any], num_images: int
    ) -> None:
        conditions.check_names(given)
        conditions.check_complete(given)
        self._conditions = conditions
        self._values = {}
        for name, value in given.items():
            if value is not None:
                self._values[name] = self._checked(name, value, num_images)

    def _checked(self, name: str, value: Any, num_images: int) -> np.ndarray:
        if name in self._conditions.shapes:
            value = self._conditions.check_value(name, value)
        value, own = np.asarray(value), self._own_shape(name)
        if name == "has_condition" and not np.isin(value, (0, 1)).all():
            raise ValueError(
                "has_condition must hold True or False (or 1 and 0), one for all "
                f"images or one for each. Received: {value!r}"
            )
        if value.shape not in (own, (num_images, *own)):
            raise ValueError(
                f"{name} must be one for all images, of shape {own}, or one for each "
                f"of the {num_images} images. Received: {name} of shape {value.shape}"
            )
        return value

    def _own_shape(self, name: str) -> tuple[int, ...]:
        return self._conditions.shapes.get(name, ())

    def inputs(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the model's inputs beside some images.

        Args:
            images: int (n,), numbers of the images.

        Returns:
            Arrays that lead with n, by name.

        Raises:
            ValueError: when a value is not as the model takes it.
        """
        own = {
            name: value[images] if value.ndim > len(self._own_shape(name)) else value
            for name, value in self._values.items()
        }
        inputs = self._conditions.prepare(own, len(images))
        return {name: np.asarray(value) for name, value in inputs.items()}

    def codes(self, num_images: int) -> np.ndarray:
        """Returns the code of each image, int32 (num_images,), 0 for no condition."""
        label = self._values.get("label", np.int32(0))
        if self._conditions.optional:
            is_given = any(name in self._values for name in self._conditions.shapes)
            has_condition = self._values.get("has_condition", np.int32(1))
            label = np.where(is_given & (has_condition > 0), label + 1, 0)
        return np.broadcast_to(label, [num_images]).astype(np.int32)

    def others_digest(self, num_images: int) -> bytes:
        """Returns a checksum of the conditions that are not coded."""
        others = sorted(name for name in self._values if name not in _TRAVEL)
        if not others:
            return b""
        parts = (self._parts(name, num_images) for name in others)
        return digest(itertools.chain.from_iterable(parts))

    def _parts(self, name: str, num_images: int) -> Iterator[np.ndarray]:
        value = self._values[name]
        each = np.broadcast_to(value, (num_images, *self._own_shape(name)))
        for start in range(0, num_images, _HASHED_TOGETHER):
            yield each[start : start + _HASHED_TOGETHER]


def encode(
    conditions: Any, given: Mapping[str, Any], num_images: int
) -> tuple[CodedConditions, ImageConditions]:
    """Encodes the conditions of images.

    Args:
        conditions: of the model.
        given: by name, as a user passed them.
        num_images: how many images there are.

    Raises:
        ValueError: when a condition is missing, unknown or not as the model takes it,
            or the model has more labels than can be coded.
    """
    codes = ImageConditions(conditions, given, num_images).codes(num_images)
    if conditions.optional and not codes.any():
        none = ImageConditions(conditions, {}, num_images)
        return CodedConditions(b"", b""), none
    data = b""
    if _num_codes(conditions) > 1:
        encoder = ValueEncoder()
        encoder.encode_uniform(codes, _num_codes(conditions))
        data = encoder.finish()
    given = {**given, **_as_inputs(conditions, codes)}
    images = ImageConditions(conditions, given, num_images)
    return CodedConditions(data, images.others_digest(num_images)), images


def decode(
    conditions: Any, coded: CodedConditions, given: Mapping[str, Any], num_images: int
) -> ImageConditions:
    """Decodes the conditions of a stream's images.

    Args:
        conditions: of the model.
        coded: as `encode` gave it.
        given: those that do not travel, by name, as a user passed them.
        num_images: how many images there are.

    Raises:
        ValueError: when `given` is not what the model takes beside that.
        WrongModelError: when it is not what was given to the encoder.
        DamagedStreamError: when the codes are none.
    """
    known = [name for name in _TRAVEL if given.get(name) is not None]
    if known:
        raise ValueError(
            "Labels travel in the stream, and cannot be given. Received: "
            f"{', '.join(known)}"
        )
    conditions.check_names(given)
    if conditions.optional and not coded.codes:
        return ImageConditions(conditions, {}, num_images)
    codes = _decoded(coded.codes, _num_codes(conditions), num_images)
    all_given = {**given, **_as_inputs(conditions, codes)}
    images = ImageConditions(conditions, all_given, num_images)
    if images.others_digest(num_images) != coded.others_digest:
        raise WrongModelError(
            "The conditions must be those that the images were compressed with. "
            f"Received: others, of {sorted(given)}"
        )
    return images


def _num_codes(conditions: Any) -> int:
    labels = conditions.num_classes if "label" in conditions.shapes else 1
    num_codes = labels + bool(conditions.optional)
    if num_codes > MOST_UNIFORM_VALUES:
        raise ValueError(
            f"A model must have at most {MOST_UNIFORM_VALUES:,} labels, none included, "
            f"or they cannot be coded. Received: {num_codes:,}"
        )
    return num_codes


def _as_inputs(conditions: Any, codes: np.ndarray) -> dict[str, np.ndarray]:
    inputs = {}
    if conditions.optional:
        inputs["has_condition"] = (codes > 0).astype(np.int32)
        codes = codes - 1
    if "label" in conditions.shapes:
        inputs["label"] = codes.astype(np.int32)
    return inputs


def _decoded(data: bytes, num_codes: int, num_images: int) -> np.ndarray:
    """Decodes codes, int32 (num_images,), or () where there is only one."""
    if num_codes == 1 or not num_images:
        return np.zeros(() if num_images else (0,), np.int32)
    least_bits = num_images * least_bits_of_uniform(num_codes)
    if len(data) % 4 or least_bits > 8 * len(data) + 64:
        raise DamagedStreamError("The stream is damaged: its conditions are cut.")
    try:
        return ValueDecoder(data).decode_uniform(num_images, num_codes)
    except Exception as error:
        raise DamagedStreamError(
            f"The stream is damaged: its conditions make no sense: {error}"
        ) from error
