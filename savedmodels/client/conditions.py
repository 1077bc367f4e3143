"""The conditions of a call: those that are given, and what stands for the others."""

import string
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from savedmodels.client.errors import InvalidRequestError
from savedmodels.tensor_spec import TensorSpec

HAS_CONDITION = "has_condition"
"""An input of models without labels that can do without their conditions."""


def complete_conditions(
    given: Mapping[str, Any],
    inputs: Mapping[str, TensorSpec],
    others: Collection[str],
    can_do_without: Callable[[], bool] | None,
) -> dict[str, Any]:
    """Completes the conditions that a user gave to all that a signature takes.

    Args:
        given: by name, None where left out.
        inputs: of the signature.
        others: inputs that are no conditions.
        can_do_without: whether the model was trained to; asked only where it matters.
            None where the signature itself stands for one of the conditions, so that
            the others are needed.

    Returns:
        A value for each condition, one for all rows where all were left out.

    Raises:
        InvalidRequestError: when one is unknown, or missing.
    """
    given = {name: value for name, value in given.items() if value is not None}
    takes = [name for name in inputs if name not in others]
    needed = [name for name in takes if name != HAS_CONDITION]
    unknown = [name for name in given if name not in takes]
    if unknown:
        words = f"the conditions {needed}" if needed else "no conditions"
        hint = ""
        if unknown == [HAS_CONDITION] and "label" in takes:
            hint = ". Where there is none, pass the label -1"
        raise InvalidRequestError(
            f"The served model takes {words}. Received: {unknown}{hint}"
        )
    missing = [name for name in needed if name not in given]
    if not missing:
        present = {HAS_CONDITION: 1} if HAS_CONDITION in takes else {}
        return {**present, **given}
    rule = f"The served model needs the conditions {needed}. Missing: {missing}."
    if can_do_without is None:
        raise InvalidRequestError(rule)
    if not can_do_without():
        raise InvalidRequestError(
            f"{rule} Only a model trained with condition_dropout above 0 can do "
            "without."
        )
    if len(missing) < len(needed):
        raise InvalidRequestError(
            f"{rule} Leave out all of them for the unconditional model, or none."
        )
    return {  # what stands in a row for a condition that there is none of
        name: np.full(
            [size or 0 for size in inputs[name].example_shape],
            -1 if name == "label" else 0,
            inputs[name].dtype,
        )
        for name in takes
    }


def is_text(condition: Any) -> bool:
    """Tells whether a caption or label is text, or are several, and no numbers."""
    values = np.asarray(condition, object)
    return values.size > 0 and isinstance(values.flat[0], str | bytes)


def label_numbers(label: Any, document: Mapping[str, Any]) -> np.ndarray:
    """Numbers the classes that are called by name.

    Args:
        label: a name, or a number in digits, or an array of them.
        document: the metadata, which hold the names of the model's labels.

    Returns:
        int64, of the shape of the labels.

    Raises:
        InvalidRequestError: when the model has no such label.
    """
    names, values = document["label_names"] or [], np.asarray(label, object)
    numbers = []
    try:
        for name in values.flat:
            text = name.decode() if isinstance(name, bytes) else str(name)
            numbers.append(names.index(text) if text in names else int(text))
        return np.array(numbers, np.int64).reshape(values.shape)
    except (ValueError, OverflowError):
        takes = f"one of {names}, or a number" if names else "a number"
        raise InvalidRequestError(
            f"label must be {takes}. Received: {label!r}"
        ) from None


def word_numbers(caption: Any, document: Mapping[str, Any]) -> np.ndarray:
    """Numbers the words of sentences, as the model itself does.

    Args:
        caption: a sentence, or an array of them.
        document: the metadata, which tell of the model's captions.

    Returns:
        int32 (*shape of the sentences, length): 0 after the last word, 1 for words that
        the model does not know, which it may refuse.

    Raises:
        InvalidRequestError: when a sentence is too long, or the model makes words of
            sentences in another way than usual.
    """
    condition = document["conditions"]["caption"]
    if not condition.get("is_plain", True):
        raise InvalidRequestError(
            "caption must be the numbers of words: the served model makes words of "
            "sentences in a way of its own. Received: sentences"
        )
    (length,), values = condition["shape"], np.asarray(caption, object)
    places = {word.encode(): place for place, word in enumerate(condition["words"])}
    numbers = np.zeros([values.size, length], np.int32)
    for row, text in zip(numbers, values.flat, strict=True):
        # Of bytes, as TensorFlow does it: else letters beyond ASCII had a case, too.
        plain = text.encode() if isinstance(text, str) else text
        plain = plain.lower().translate(None, string.punctuation.encode())
        found = [places.get(word, 1) for word in plain.split()]
        if len(found) > length:
            raise InvalidRequestError(
                f"caption must hold sentences of at most {length} words. "
                f"Received: {text!r}"
            )
        row[: len(found)] = found
    return numbers.reshape(*values.shape, length)
