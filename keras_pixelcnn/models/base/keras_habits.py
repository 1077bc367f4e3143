"""Replacements for Keras features: frozen layers in configs, HDF5, quantisation.

Keras keeps of a model whether it is trainable as a whole, and forgets layers and
weights: what was frozen would train again in the model that is loaded. So a model's
config holds what was set. The other functions refuse what Keras would do, and no one
could use.
"""

import collections
import inspect
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, NoReturn

import keras

from keras_pixelcnn.checks import check_finite_weights


def trainable_by_layer(model: keras.Model) -> dict[str, bool]:
    """Returns `trainable` of layers and weights where it differs from their layer's.

    Args:
        model: any; its own `trainable` is told by its config.

    Returns:
        `trainable` by the path, such as "GatedPixelCNNBlock:1/StackConv2D:0/kernel:0":
        the classes on the way, and a weight's name, with their counts, since names of
        layers differ from process to process. Empty where nothing was set by hand.
    """
    return {
        path: part.trainable
        for path, part, around in _parts_with_paths(model)
        if part.trainable != around.trainable
    }


def set_trainable_by_layer(model: keras.Model, trainable: Mapping[str, bool]) -> None:
    """Sets what `trainable_by_layer` returned for a model of the same layers.

    Raises:
        ValueError: when a layer or weight is not there: the model is another.
    """
    missing = dict(trainable)
    for path, part, _ in _parts_with_paths(model):  # what is around comes first
        if path in missing:
            part.trainable = missing.pop(path)
    if missing:
        raise ValueError(
            "The config tells of layers whether they are trainable, and the model has "
            f"no such layers: {list(missing)}. Another version of the package wrote "
            'it; without "trainable_by_layer" in the config all of them are trained.'
        )


def _parts_with_paths(
    layer: keras.layers.Layer, path: str = ""
) -> Iterator[tuple[str, keras.layers.Layer | keras.Variable, keras.layers.Layer]]:
    """Visits the weights and layers of a layer: path, part, and what it is part of."""
    counts: collections.Counter[str] = collections.Counter()
    inner: Iterable[Any] = layer._flatten_layers(include_self=False, recursive=False)
    # Those that were trainable when they were made, whatever they are now.
    for part in (*layer._trainable_variables, *inner):
        is_layer = isinstance(part, keras.layers.Layer)
        kind = type(part).__name__ if is_layer else part.name
        own = f"{path}{kind}:{counts[kind]}"
        counts[kind] += 1
        yield own, part, layer
        if is_layer:
            yield from _parts_with_paths(part, f"{own}/")


def check_saving(model: keras.Model, filepath: Any) -> None:
    """Checks that what a model is saved to, and holds, can be loaded again.

    Raises:
        ValueError: when the file is one of HDF5, which Keras does not load by itself,
            or a weight is not finite.
    """
    if str(filepath).endswith((".h5", ".hdf5")):
        raise ValueError(
            "A whole model must be saved to a .keras file: from HDF5 Keras loads it "
            "only where its class is passed as custom_objects. For the weights alone "
            "use save_weights, with a name that ends in .weights.h5. "
            f"Received: filepath={str(filepath)!r}"
        )
    optimizer = model.optimizer.variables if model.compiled else ()
    check_finite_weights([*model.variables, *optimizer])


def refuse_quantisation(model: keras.Model, mode: Any) -> NoReturn:
    """Refuses `quantize`: the layers of these models have no quantised form.

    Raises:
        NotImplementedError: always.
    """
    raise NotImplementedError(
        f"{type(model).__name__} cannot be quantised: Keras has no quantised form of "
        "masked convolutions, and exact likelihoods need all digits. Make the model "
        f'with dtype="mixed_bfloat16" instead. Received: mode={mode!r}'
    )


# `keras.models.clone_model` runs a model's graph with new layers, and makes a model of
# what comes out: one of the same class where the constructor takes inputs and outputs,
# as `keras.Model` does, else one without our verbs. So constructors say that they do,
# and the graph gives word of the model instead of its outputs.


class Clone(NamedTuple):
    """Stands for the outputs of a clone: the model that it is to be one of."""

    model: keras.Model


def prepare_clone(
    model: keras.Model, inputs: Any, operation_fn: Any = None, call_fn: Any = None
) -> Any:
    """Returns what the model's class makes a clone of.

    Args:
        model: whose graph is run.
        inputs: what Keras runs it on.
        operation_fn: what Keras runs it for.
        call_fn: what Keras runs it by.

    Raises:
        ValueError: when the clone is to have other layers or inputs than the model: a
            model of its class is made from its config alone.
    """
    function = operation_fn
    while (
        _is_of_cloning(function) and "clone_function" in function.__code__.co_freevars
    ):
        function = inspect.getclosurevars(function).nonlocals["clone_function"]
    is_same = [
        isinstance(given._keras_history.operation, keras.layers.InputLayer)
        and (given.name, given.shape, given.dtype) == (own.name, own.shape, own.dtype)
        for given, own in zip(keras.tree.flatten(inputs), model.inputs, strict=True)
    ]
    if call_fn is not None or not _is_of_cloning(function) or not all(is_same):
        name = type(model).__name__
        raise ValueError(
            f"keras.models.clone_model makes a {name} of a {name}, from its config "
            "alone. Leave out input_tensors, clone_function and call_function, or use "
            f"{name}.from_config with a config that is changed."
        )
    return Clone(model)


def _is_of_cloning(function: Any) -> bool:
    return getattr(function, "__module__", "").endswith(".models.cloning")
