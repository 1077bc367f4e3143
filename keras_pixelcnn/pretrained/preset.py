"""Trained models that come with the package."""

import dataclasses
import hashlib
import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any, TypeVar

import keras
from absl import logging

from keras_pixelcnn.checks import near_name
from keras_pixelcnn.models import AutoregressiveImageModel, load_model
from keras_pixelcnn.pretrained.fine_tuning import changed

_Model = TypeVar("_Model", bound=keras.Model)

PRETRAINED = pathlib.Path(__file__).parent
"""A folder for each preset, as `trainers.make_preset` writes it."""

MODEL_FILE = "model.keras"
RECORD_FILE = "preset.json"
CARD_FILE = "README.md"


@dataclasses.dataclass(frozen=True)
class Preset:
    """The record of a trained model, which is read without loading the model.

    Attributes:
        name: what `from_preset` takes.
        description: one sentence.
        model: the class of `keras_pixelcnn`.
        image_shape: (height, width, channels).
        num_levels: pixel values are integers in [0, num_levels).
        conditions: names of what the model is given beside the image.
        label_names: names of the classes, if it takes labels.
        num_parameters: number of weights.
        dataset: what it was trained on.
        test_images: size of the test set, all of which was scored.
        test_bits_per_dim: bits/dim on it, given the conditions.
        test_bits_per_dim_unconditional: the same without them; None for a model that
            has none, or does not do without.
        baselines: bits/dim of simpler models and of general-purpose codecs on it.
        config: all settings of the training run.
        commit: of this package's source, with which it was trained.
        training_hours: wall-clock time.
        machine: what it was trained on.
        versions: of Python and of the packages that decide the numbers.
        model_bytes: size of the file.
        model_sha256: its checksum.
        sampling: the guidance and the like under which it was found to draw best, as
            arguments of `sample`; its card shows what they give. Default: none.
    """

    name: str
    description: str
    model: str
    image_shape: tuple[int, int, int]
    num_levels: int
    conditions: tuple[str, ...]
    label_names: tuple[str, ...] | None
    num_parameters: int
    dataset: str
    test_images: int
    test_bits_per_dim: float
    test_bits_per_dim_unconditional: float | None
    baselines: Mapping[str, float]
    config: Mapping[str, Any]
    commit: str
    training_hours: float
    machine: str
    versions: Mapping[str, str]
    model_bytes: int
    model_sha256: str
    sampling: Mapping[str, float] = dataclasses.field(default_factory=dict)

    @property
    def folder(self) -> pathlib.Path:
        """The folder of the model, its card (`README.md`) and its samples."""
        return PRETRAINED / self.name


def presets() -> dict[str, Preset]:
    """Lists the trained models that come with the package.

    Returns:
        A `Preset` by name, in alphabetical order.

    Raises:
        ValueError: when the installation is damaged.

    Example:
        >>> for name, preset in kp.presets().items():
        ...     print(name, preset.test_bits_per_dim)
    """
    return {name: _read_record(PRETRAINED / name / RECORD_FILE) for name in _names()}


def from_preset(name: str, **changes: Any) -> AutoregressiveImageModel:
    """Loads a trained model that comes with the package.

    Args:
        name: one of `presets()`.
        **changes: arguments of the model's class that shall be others, to train it
            further: `num_classes`, `label_names`, `image_shape`, `condition_dropout`,
            `dropout_rate`. What cannot be kept begins anew; the log tells of it.

    Returns:
        The model, compiled with the default optimizer: ready for `sample`, `log_prob`,
        `complete`, `evaluate`, and for further training.

    Raises:
        ValueError: when there is no such preset, when its file is not the one that was
            published, or when nothing of the network would fit the changes.

    Example:
        >>> model = kp.from_preset("gated_pixelcnn_digits")
        >>> model.sample(4, seed=1).shape
        TensorShape([4, 8, 8, 1])
        >>> model = kp.from_preset("gated_pixelcnn_digits", num_classes=2)
        >>> model.fit(images, labels, epochs=4)
    """
    known = _names()
    if name not in known:
        raise ValueError(
            f"The name must be that of a preset: {', '.join(known)}. "
            f"Received: {name!r}{near_name(str(name), known)}"
        )
    preset = _read_record(PRETRAINED / name / RECORD_FILE)
    path = preset.folder / MODEL_FILE
    _check_is_published(path, preset)
    model = load_model(path)
    model.label_names = preset.label_names
    if changes:
        model, transfer = changed(model, changes, name)
        logging.info("Of %s %s.", name, transfer)
    model.compile()
    return model


def find_preset(name_or_path: str | os.PathLike[str]) -> Preset | None:
    """Finds the preset that programs mean by the model that they are given.

    Args:
        name_or_path: a file, or, where there is no such file, a preset's name.

    Returns:
        None for a file, and for the name of nothing.
    """
    if pathlib.Path(name_or_path).is_file():
        return None
    name = os.fspath(name_or_path)
    return _read_record(PRETRAINED / name / RECORD_FILE) if name in _names() else None


def load_model_or_preset(
    name_or_path: str | os.PathLike[str],
    model_class: type[_Model] = AutoregressiveImageModel,
) -> _Model:
    """Loads a model that `model.save` wrote, or a preset: what programs are given.

    Args:
        name_or_path: a `.keras` file, or, where there is no such file, a preset's name.
        model_class: what a file's model must be. Default: any model of images.

    Returns:
        The model.

    Raises:
        FileNotFoundError: when there is neither.
        ValueError: when the file is damaged, or holds no model of this package.
    """
    preset = find_preset(name_or_path)
    if preset is not None:
        return from_preset(preset.name)
    try:
        return load_model(name_or_path, model_class)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{error} Nor is it the name of a preset: {', '.join(_names())}."
        ) from error


def _names() -> list[str]:
    return sorted(path.parent.name for path in PRETRAINED.glob(f"*/{RECORD_FILE}"))


def _read_record(path: pathlib.Path) -> Preset:
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        for name in ("image_shape", "conditions", "label_names"):
            if fields[name] is not None:
                fields[name] = tuple(fields[name])
        return Preset(name=path.parent.name, **fields)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} must hold what is known of a preset, and is damaged "
            f"({type(error).__name__}: {error}). Install keras-pixelcnn again."
        ) from error


def _check_is_published(path: pathlib.Path, preset: Preset) -> None:
    content = path.read_bytes() if path.is_file() else b""
    checksum = hashlib.sha256(content).hexdigest()
    if checksum != preset.model_sha256:
        raise ValueError(
            f"{path} must be the published file of {preset.model_bytes:,} bytes and "
            f"SHA-256 {preset.model_sha256}. Received: {len(content):,} bytes, "
            f"{checksum}. Install keras-pixelcnn again."
        )
