"""Models that begin with the weights of others, as far as these fit."""

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import keras

_CONDITIONS = re.compile("condition")
"""In the paths of weights that belong to conditions."""

_ENDS = re.compile("encoding|block_0/|context/convolution_0/|first_|parameters")
"""In those of layers that see the image itself, or give a pixel's parameters."""


class Transfer(NamedTuple):
    """The weights that a model took from another, and the others.

    Attributes:
        taken: paths of the weights that are the other's.
        anew: paths of those that the other lacks, or has in another shape.
        left: paths of the other's that the model has no use for.
    """

    taken: list[str]
    anew: list[str]
    left: list[str]

    def __str__(self) -> str:
        """Tells it in a sentence."""
        told = f"{len(self.taken)} weights were taken over"
        if self.anew:
            told += f", {len(self.anew)} begin anew ({_layers(self.anew)})"
        if self.left:
            told += f", {len(self.left)} were left aside ({_layers(self.left)})"
        return told


def _layers(paths: Iterable[str]) -> str:
    """Names the layers of some weights, those of all blocks together."""
    names = dict.fromkeys(path.rpartition("/")[0] for path in paths)
    words = dict.fromkeys(
        "/".join(re.sub(r"_\d+$", "", part) for part in name.split("/"))
        for name in names
    )
    return ", ".join(words)


def take_weights(model: keras.Model, trained: keras.Model, name: str) -> Transfer:
    """Copies the weights of a trained model to those of the same paths and shapes.

    What belongs to conditions may be missing or have other shapes: another number of
    labels, or none, or another image size. So may the first and the last layer where
    the models have other channels, levels or likelihoods.

    Args:
        model: changed in place.
        trained: whose weights are taken.
        name: what errors call it.

    Raises:
        ValueError: when the networks differ elsewhere; nothing is changed then.
    """
    here, there = (getattr(each, "first_channel", None) for each in (model, trained))
    if here != there:
        raise ValueError(
            f"A model that begins with {name} must have its first_channel, {there}, "
            f"of which its networks are. Received: first_channel={here}"
        )
    own = {weight.path: weight for weight in model.weights}
    given = {weight.path: weight for weight in trained.weights}
    fits = {p for p in given if p in own and own[p].shape == given[p].shape}
    may_differ = [_CONDITIONS, *([] if _ends(model) == _ends(trained) else [_ENDS])]
    for path, weight in given.items():
        if path not in fits and not any(each.search(path) for each in may_differ):
            shape = f"{tuple(own[path].shape)}" if path in own else "absent"
            raise ValueError(
                f"A model that begins with {name} must have its network: filters, "
                "blocks and kernels; labels, image size and, where the likelihood "
                'takes all channels of a pixel at once ("logistic_mixture"), channels '
                f"may be others.{_about_colors(model, trained)} Received: {path} is "
                f"{tuple(weight.shape)} there, and {shape} here"
            )
    for path in fits:
        own[path].assign(given[path].numpy())
    return Transfer(
        [path for path in own if path in fits],
        [path for path in own if path not in fits],
        [path for path in given if path not in own],
    )


def _ends(model: Any) -> tuple[Any, ...]:
    likelihood = getattr(model, "likelihood", None)
    return model.image_shape[-1], model.num_levels, repr(likelihood)


def _about_colors(model: Any, trained: Any) -> str:
    here, there = model.image_shape[-1], trained.image_shape[-1]
    if here == there:
        return ""
    return (
        f" With {here} channels in place of {there} a softmax for each channel puts "
        "all features into other groups, and nothing could be kept: begin anew, or "
        "convert the images."
    )


def changed(model: Any, changes: Mapping[str, Any], name: str) -> tuple[Any, Transfer]:
    """Makes a model with other arguments, and the weights of one as far as they fit.

    Args:
        model: a trained one.
        changes: arguments of its class, or "label_names".
        name: what errors call it.

    Returns:
        The new model, and what it took.

    Raises:
        ValueError: when the class has no such arguments, or as `take_weights`.
    """
    known = {*inspect.signature(type(model)).parameters}
    if "num_classes" in known:
        known.add("label_names")
    unknown = sorted(set(changes) - known)
    if unknown:
        raise ValueError(
            f"{type(model).__name__} has the arguments {', '.join(sorted(known))}. "
            f"Received: {', '.join(unknown)}"
        )
    config = {**model.get_config(), "name": None}
    names = changes.get("label_names")
    if names is not None:
        changes = {"num_classes": len(names), **changes}
    num_classes = getattr(model, "num_classes", None)
    if changes.get("num_classes", num_classes) != num_classes:
        config.pop("label_names", None)
        if changes["num_classes"] is None:
            config |= {"condition_dropout": 0.0, "vector_map": False}
    config = {key: value for key, value in config.items() if key in known}
    new = type(model).from_config({**config, **changes})
    return new, take_weights(new, model, name)
