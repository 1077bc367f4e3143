"""Loading of models, and checks of what a file asks for before anything is built.

A `.keras` file is a ZIP archive of a configuration, JSON, and of weights, HDF5. Either
may name what Keras would make, import or follow, and may ask for far more memory than
the file has bytes. A file passes here that holds numbers, and asks for no more than it
holds.
"""

import contextlib
import io
import json
import math
import os
import pathlib
import re
import textwrap
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

import h5py
import keras
import ml_dtypes
import numpy as np
import tensorflow as tf

from keras_pixelcnn.models.base.autoregressive import AutoregressiveImageModel

_Model = TypeVar("_Model", bound=keras.Model)

CONFIG, WEIGHTS = "config.json", "model.weights.h5"

_MOST_CONFIG_BYTES = 2**20
_LEAST_LIMIT = 2**26
_MOST_EXPANSION = 10
"""Unpacked, a file may take 64 MiB, or ten times its bytes; Keras compresses none."""

_MOST_PIXELS = 2**24
"""Keras looks at all attributes: the order of so many pixels takes two seconds."""

_KERAS_MODULES = {
    "keras.activations",
    "keras.constraints",
    "keras.dtype_policies",
    "keras.initializers",
    "keras.losses",
    "keras.metrics",
    "keras.optimizers",
    "keras.optimizers.schedules",
    "keras.regularizers",
}
"""Whose classes do arithmetic. Others read files, fetch them, or run what they hold."""

_PLAIN = {"DTypePolicy", "__bool__", "__bytes__", "__ellipsis__", "__numpy__"}
_PLAIN |= {"__slice__", "__tensor__", "__tuple__"}

_NO_WEIGHTS = re.compile("/(seed_generator|optimizer)/")
"""Of layers, too: one may be a model that was compiled."""

_NUMBERS_OF_LAYERS = ("num_blocks", "num_layers", "num_resolutions", "context_blocks")
_NUMBERS_KEPT = 4
"""For each weight: itself, two of an optimizer, and an average."""


def load_model(
    filepath: str | os.PathLike[str],
    model_class: type[_Model] = AutoregressiveImageModel,
) -> _Model:
    """Loads a model that `model.save` wrote.

    Before anything is built, the file is looked at: it must not hold or ask for more
    than its bytes account for, must need no classes but those that do arithmetic or
    that you have registered, and its weights must lie in it and be finite. Keras's safe
    mode stays on as well. `keras.models.load_model` loads the same files, and others.

    Args:
        filepath: a `.keras` file.
        model_class: what the model must be. Default: any model of images.

    Returns:
        The model, compiled as it was when saved.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it is damaged, or not as said above, or holds another kind of
            model.
    """
    path = pathlib.Path(filepath)
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} must be a .keras file, as model.save writes it. There is none."
        )
    if not zipfile.is_zipfile(path):  # Keras would say that it does not exist
        raise ValueError(
            f"{path} must be a .keras file, as model.save writes it. Received: another "
            "kind of file, or the beginning of one. Save or copy it again."
        )
    try:
        stored = check_model_file(path, model_class)
        with at_most(stored):
            model = keras.models.load_model(path)
        # Keras takes what the network asks for, and leaves the rest unread.
        wanted = sum(
            len(layer._trainable_variables) + len(layer._non_trainable_variables)
            for layer in model._flatten_layers()
        )
        if stored.num_layer_arrays > wanted:
            raise ValueError(
                f"Its network must have {wanted} arrays of weights, as this version "
                f"makes it of its config. Received: {stored.num_layer_arrays}. Load it "
                "by the version that wrote it, or train anew."
            )
        return model
    except Exception as error:  # whatever the first damaged part raises
        reason = str(error)
        if not isinstance(error, ValueError):
            reason = f"{type(error).__name__}: {error}"
        reason = textwrap.shorten(reason, 500)
        raise ValueError(f"{path} cannot be loaded. {reason}") from error


class StoredWeights(NamedTuple):
    """The size of the weights that a file holds.

    Attributes:
        num_arrays: how many arrays there are.
        num_values: how many numbers, in all of them.
        num_layer_arrays: how many of the arrays are of layers, not of an optimizer.
    """

    num_arrays: int
    num_values: int
    num_layer_arrays: int


def check_model_file(path: pathlib.Path, model_class: type) -> StoredWeights:
    """Checks a `.keras` file before a model is built of it.

    Args:
        path: the file, which exists.
        model_class: what the model must be.

    Returns:
        What `at_most` takes.

    Raises:
        ValueError: when the file is damaged; when it would take far more memory than it
            has bytes; when its model is of another class or needs one that is not
            registered, or of Keras's the ones that do more than arithmetic; when its
            weights lie elsewhere, or are not finite; or when a number of layers is
            larger than that of its weights' arrays.
    """
    limit = max(_LEAST_LIMIT, _MOST_EXPANSION * path.stat().st_size)
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = [member.file_size for member in archive.infolist()]
            if sum(sizes) > limit:
                raise ValueError(
                    f"Its members must take at most {limit:,} bytes, unpacked. "
                    f"Received: {sum(sizes):,}"
                )
            if missing := {CONFIG, WEIGHTS} - set(archive.namelist()):
                raise ValueError(f"It lacks {', '.join(sorted(missing))}.")
            if (size := archive.getinfo(CONFIG).file_size) > _MOST_CONFIG_BYTES:
                raise ValueError(
                    f"{CONFIG} must have at most {_MOST_CONFIG_BYTES:,} bytes. "
                    f"Received: {size:,}"
                )
            config = json.loads(archive.read(CONFIG))
            weights = archive.read(WEIGHTS)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        # Another method of packing, a password, lists nested too deep.
        raise ValueError(f"It is damaged. {type(error).__name__}: {error}") from error
    _check_model_class(config, model_class)
    _check_classes(config)
    stored = _check_weights(weights, limit)
    _check_sizes(config["config"], stored)
    return stored


@contextlib.contextmanager
def at_most(stored: StoredWeights) -> Iterator[None]:
    """Refuses, in a context, to build a model far larger than the file's weights.

    Raises:
        ValueError: before a variable is made that is too large.
    """
    limit = 2**20 + _NUMBERS_KEPT * stored.num_values
    made = 0

    def make(next_creator: Any, **arguments: Any) -> Any:
        nonlocal made
        made += _num_values(arguments["initial_value"])
        if made > limit:
            raise ValueError(
                "The file's config asks for more weights than the file has: "
                f"{stored.num_values:,}."
            )
        return next_creator(**arguments)

    with tf.variable_creator_scope(make):
        yield


def _num_values(initial_value: Any) -> int:
    """Tells how many numbers a variable will have, before any of them is there."""
    if not callable(initial_value):
        return int(np.size(initial_value))
    try:
        with tf.Graph().as_default():  # in which nothing is computed
            return math.prod(tf.convert_to_tensor(initial_value()).shape)
    except RuntimeError:  # it takes tensors that are there already; this is slower
        graph = tf.function(initial_value).get_concrete_function()
        return math.prod(graph.structured_outputs.shape)


def _check_model_class(config: Any, model_class: type) -> None:
    if not isinstance(config, dict) or not isinstance(config.get("config"), dict):
        raise ValueError(f"{CONFIG} must tell of a model. It is damaged.")
    name = config.get("class_name")
    registered = keras.saving.get_registered_object(_registered_name(config))
    if registered is None and str(config.get("module")).split(".")[0] != "keras":
        raise ValueError(
            f"Its model is of class {name!r}, which is not registered here. Import the "
            "module that defines it first."
        )
    if not (isinstance(registered, type) and issubclass(registered, model_class)):
        kind = model_class.__name__
        raise ValueError(
            f"It must hold a model of keras_pixelcnn, or one registered by you, of the "
            f"class {kind} or derived from it; load_model(path, model_class) says "
            f"which class is wanted. Received: {name}"
        )


def _registered_name(config: Mapping[str, Any]) -> str:
    return str(config.get("registered_name") or config.get("class_name"))


def _check_classes(config: Any) -> None:
    """Checks all that Keras would make of a configuration, however deep."""
    parts = [config]
    while parts:
        part = parts.pop()
        if isinstance(part, list):
            parts.extend(part)
        if not isinstance(part, dict):
            continue
        parts.extend(part.values())
        name = part.get("class_name")
        if name is None or name in _PLAIN or part.get("module") in _KERAS_MODULES:
            continue
        if keras.saving.get_registered_object(_registered_name(part)) is None:
            raise ValueError(
                f"Its config must name classes that are registered, or of "
                f"{', '.join(sorted(_KERAS_MODULES))}. Received: "
                f"{part.get('module')}.{name}. keras.models.load_model reads the file "
                "all the same: use it if you trust who wrote it."
            )


def _check_weights(content: bytes, limit: int) -> StoredWeights:
    """Visits all arrays: not by a call for each level, of which there may be many."""
    num_arrays = num_values = num_bytes = num_layer_arrays = 0
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            seen, groups = set(), [file["/"]]
            while groups:
                group = groups.pop()
                for name in group:
                    link = group.get(name, getlink=True)
                    if not isinstance(link, h5py.HardLink):
                        raise ValueError(
                            f"Its weights must lie in the file. Received: {name!r}, "
                            f"which leads elsewhere ({type(link).__name__})"
                        )
                    part = group[name]
                    place = h5py.h5o.get_info(part.id).addr
                    if place in seen:
                        continue
                    seen.add(place)
                    if isinstance(part, h5py.Group):
                        groups.append(part)
                        continue
                    if not isinstance(part, h5py.Dataset):
                        raise ValueError(
                            f"Its weights must be arrays. Received: {part.name}"
                        )
                    num_arrays, num_values = num_arrays + 1, num_values + part.size
                    if not _NO_WEIGHTS.search(part.name):
                        num_layer_arrays += part.name.startswith("/layers/")
                    num_bytes += part.nbytes
                    if num_bytes > limit:
                        raise ValueError(
                            f"Its arrays must take at most {limit:,} bytes, unpacked."
                        )
                    _check_array(part)
    except (OSError, RuntimeError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"Its weights are damaged. {error}") from error
    return StoredWeights(num_arrays, num_values, num_layer_arrays)


def _check_array(array: h5py.Dataset) -> None:
    if array.external or array.is_virtual:
        raise ValueError(
            f"Its weights must lie in the file. Received: {array.name}, which is read "
            "from another one"
        )
    values = array[()]
    if array.attrs.get("dtype") == "bfloat16":
        values = values.view(ml_dtypes.bfloat16).astype(np.float32)
    if values.dtype.kind not in "biuf":
        raise ValueError(
            f"Its weights must be numbers. Received: {array.name}, of {array.dtype}"
        )
    if not np.isfinite(values).all():
        raise ValueError(
            f"Its weights must be finite. Received: {array.name}, with "
            f"{np.count_nonzero(~np.isfinite(values))} that are not. The training that "
            "wrote it has failed: use an earlier checkpoint."
        )


def _check_sizes(config: Mapping[str, Any], stored: StoredWeights) -> None:
    for name in _NUMBERS_OF_LAYERS:
        numbers = _items(config.get(name))
        total = sum(number for number in numbers if isinstance(number, int))
        if total > stored.num_arrays:
            raise ValueError(
                f"{name} must be at most the number of the file's arrays, "
                f"{stored.num_arrays}. Received: {total}"
            )
    for name in ("image_shape", "spatial_shape"):
        shape = _items(config.get(name) or ())
        is_plain = all(type(x) is int for x in shape)
        if is_plain and math.prod(shape) > _MOST_PIXELS:
            raise ValueError(
                f"{name} must have at most {_MOST_PIXELS:,} values. Received: {shape}"
            )


def _items(value: Any) -> list[Any]:
    """Returns what a list holds, or a tuple as Keras writes it, or the value alone."""
    if isinstance(value, dict):
        value = value.get("items")
    return list(value) if isinstance(value, list | tuple) else [value]
