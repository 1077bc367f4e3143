"""Choice of what a config leaves open, by the images and a time budget."""

import contextlib
import functools
import inspect
import io
import math
import os
import tempfile
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from keras_pixelcnn import datasets
from keras_pixelcnn.files import read_json
from keras_pixelcnn.pretrained import find_preset, load_model_or_preset
from keras_pixelcnn.training import ImagesInMemory, LoopOptions, Recipe, TrainingLoop
from trainers.image_models.picture_facts import ImageFacts, look_at
from trainers.planning.planned_data import num_images
from trainers.runs import model_classes
from trainers.runs.config import ABOVE_ZERO, check_values
from trainers.runs.data import as_arrays, load_split
from trainers.runs.run import make_repeatable
from trainers.runs.run_folder import RunFolder

NETWORKS = ((24, 4), (36, 6), (48, 8), (66, 10), (96, 12), (126, 15))
"""Filters, which 3 divides for colours, and blocks, from the smallest."""

_STEPS_WANTED = 2500
"""A larger network is chosen only where so many steps fit into the time."""

_ALWAYS_AS_STORED = 32
"""Pixels of a side up to which images that all have one size keep it."""

_LARGEST_SIDES = {10: 16, 20: 24, math.inf: 32}
"""Pixels of a side, without an accelerator, by the minutes that end below."""

_LARGEST_SIDE_OF_GPU = 64
_MOST_BATCH, _LEAST_BATCH = 64, 8
_MOST_EPOCHS = 400
MOST_CHOSEN_BY = 500
"""Images that the likelihood is chosen by."""

DRAWINGS = 0.5
"""Share of the values that equal the one to their left, above which images are drawn.

Photographs have less.
"""

_OF_DRAWINGS = "gated_pixelcnn_emoji"
"""What few drawings in colour begin with: it knows flat areas and smooth edges."""

_FEW = 10_000

_STEPS_OF_TRAINED = 500
"""Steps that a preset needs to learn other pictures; a tenth of them draws nothing.

In less time a small network of its own learns more.
"""

_FEW_EPOCHS = 60
"""In so few nothing is learnt by heart, and dropout would only slow it down."""

_OWN_BY_DATA = {
    *("image_shape", "num_levels", "num_classes", "embedding_dim", "spatial_shape"),
    *("condition_dropout", "dropout_rate", "dtype", "name", "trainable"),
}
"""Arguments of an initial model that are not taken from it."""

_TRIAL_STEPS = 4
_RESULTS_IN_FIRST_STEPS = 4.0
"""How long the results at the end take, in times of tracing and the first step."""

_VALIDATION_SHARE = 0.1
"""Of the time, which scoring and saving between the epochs may take."""

_say = functools.partial(print, flush=True)


class Choice(NamedTuple):
    """A field of the config, its value, and why it is that."""

    name: str
    value: Any
    reason: str


class Timing(NamedTuple):
    """Seconds of a network: its first step, each further one, the end of an epoch."""

    first: float
    step: float
    epoch_end: float


def complete(
    config: Mapping[str, Any], folder: RunFolder, strategy: tf.distribute.Strategy
) -> dict[str, Any]:
    """Chooses what a config with "minutes" leaves open, and prints it as a table.

    A run that has begun keeps what was chosen for it.

    Args:
        config: fields that are None are open. One without "minutes" is returned as it
            is.
        folder: the run's.
        strategy: where it trains.

    Raises:
        ValueError: when the dataset is not named, or several machines train: each would
            measure another time.
        FileNotFoundError: when there are no images.
    """
    if config.get("minutes") is None:
        return dict(config)
    check_values("config", config, {"minutes": ABOVE_ZERO})
    if not config["dataset"]:
        raise ValueError(
            "config.dataset must name your pictures: --config.dataset=folder:PATH, "
            "where PATH/<class>/<image> or PATH/<image> exists. Received: None"
        )
    there = read_json(folder.config) if folder.config.exists() else None
    if isinstance(there, dict):
        return _chosen(_filled(config, there), [])
    if "TF_CONFIG" in os.environ:
        raise ValueError(
            "config.minutes is measured on one machine. For several, set what the "
            "config leaves open, config.minutes=None and config.steps."
        )
    began, budget = time.monotonic(), 60 * config["minutes"]
    _say(f"Looking at the sizes, colours and classes of {config['dataset']}")
    facts = look_at(config)
    name = config["initial_model"]
    choices = choose_initial(name) if name else []
    choices += choose_form(_chosen(config, choices), facts)
    formed = _chosen(config, choices)
    if config["dataset"].startswith("patches:"):  # the smaller, the more of them
        facts = facts._replace(num_images=num_images(formed))
    make_repeatable(formed)
    size = "x".join(map(str, formed["image_size"]))
    _say(f"Reading pictures, at {size}, to choose the likelihood")
    images = as_arrays(load_split(formed, formed["validation_split"]))
    images = images.choose(MOST_CHOSEN_BY)
    choices += choose_likelihood(formed, images.image)
    smallest = _chosen(
        config,
        [
            *choices,
            *_network(NETWORKS[0], "to begin with"),
            Choice("model.dropout_rate", 0.1, "to begin with"),
        ],
    )
    _say("Measuring the first steps of a network, which are prepared for a while")
    timing = _measure(smallest, images._asdict(), strategy)
    if config["batch_size"] is None:
        choices, timing = with_batch_in_time(choices, timing, budget)
    if name is None and _may_begin_as_emoji(config, facts):
        choices = choose_preset(timing, budget) + choices
    choices += choose_network(
        facts,
        timing,
        budget,
        batch_size=_chosen(config, choices)["batch_size"],
        is_categorical=_chosen(config, choices)["model"]["likelihood"] == "categorical",
    )
    chosen = _chosen(config, choices)
    if _size(chosen) != _size(smallest):
        _say("Measuring those of the network that fits pictures and time")
        timing = _measure(chosen, images._asdict(), strategy)
    left = budget - (time.monotonic() - began)
    choices += choose_length(chosen, facts, timing, left)
    chosen = _chosen(config, choices)
    _say(_table(config, chosen, choices))
    return chosen


def choose_preset(timing: Timing, budget: float) -> list[Choice]:
    """Chooses whether drawings in colour begin with a preset: where the time is enough.

    Args:
        timing: of the smallest network.
        budget: seconds.
    """
    model = find_preset(_OF_DRAWINGS).config["model"]
    growth = _growth(NETWORKS[0], (model["filters"], model["num_blocks"]))
    if timing.step * growth * _STEPS_OF_TRAINED > budget:
        why = f"{_OF_DRAWINGS} would take too few steps in the time"
        return [Choice("initial_model", "", why)]
    why = "drawings in colour learn from others; '' for none"
    return [
        Choice("initial_model", _OF_DRAWINGS, why),
        *choose_initial(_OF_DRAWINGS),
    ]


def choose_initial(name: str) -> list[Choice]:
    """Chooses the network, colours and levels of the model that a run begins with.

    Args:
        name: a `.keras` file, or a preset's name.
    """
    model, why = load_model_or_preset(name), f"as in {name}"
    others = {*inspect.signature(type(model)).parameters} - _OWN_BY_DATA
    color_mode = {1: "grayscale", 3: "rgb"}.get(model.image_shape[-1])
    return [
        Choice("color_mode", color_mode, why),
        Choice("num_levels", model.num_levels, why),
        Choice("learning_rate", 1.5e-3, "for a network that was trained before"),
        Choice("model.dropout_rate", 0.1, "little, as it was trained before"),
        *(
            Choice(f"model.{argument}", value, why)
            for argument, value in model.get_config().items()
            if argument in others and value is not None
        ),
    ]


def _may_begin_as_emoji(config: Mapping[str, Any], facts: ImageFacts) -> bool:
    model = config["model"]
    is_open = all(
        model.get(choice.name.removeprefix("model.")) is None
        for choice in [*_network(NETWORKS[0], ""), Choice("likelihood", None, "")]
    )
    return (
        is_open
        and model_classes.name_of(config) == "GatedPixelCNN"
        and config["num_levels"] in (None, 256)
        and config["color_mode"] in (None, "rgb")
        and not facts.is_grey
        and facts.flat > DRAWINGS
        and facts.num_images < _FEW
    )


def choose_form(config: Mapping[str, Any], facts: ImageFacts) -> list[Choice]:
    """Chooses size, colours, levels, classes and batch of the images.

    Args:
        config: with what the user has set.
        facts: of `look_at`.
    """
    model = config["model"]
    levels = datasets.native_num_levels(config["dataset"], config["data_dir"])
    count = facts.num_images
    wanted = max(min(count // 16, _MOST_BATCH), min(4, count), 1)
    batch_size = 2 ** int(math.log2(wanted))
    choices = [
        Choice(
            "color_mode",
            "grayscale" if facts.is_grey else "rgb",
            "no picture has colours" if facts.is_grey else "there are colours",
        ),
        _size_of(facts.sizes, config["minutes"], config["dataset"]),
        Choice("num_levels", levels, "as stored"),
        Choice("batch_size", batch_size, "the fewer images, the less"),
    ]
    names = facts.label_names or ()
    classes, why = len(names) if len(names) > 1 else 0, "there are no class folders"
    if classes:
        why = ", ".join(names[:6]) + (", ..." if classes > 6 else "")
    choices.append(Choice("model.num_classes", classes, why))
    if classes or model.get("num_classes"):
        why = "so that it can do without the label, too"
        choices.append(Choice("model.condition_dropout", 0.1, why))
        why = "so that it knows what a label has where"
        choices.append(Choice("model.vector_map", True, why))
    return choices


def _size_of(sizes: np.ndarray, minutes: float, dataset: str) -> Choice:
    name, largest = "image_size", _LARGEST_SIDE_OF_GPU
    if not tf.config.list_physical_devices("GPU"):
        largest = next(side for end, side in _LARGEST_SIDES.items() if minutes < end)
    if dataset.startswith("patches:"):
        side = min(largest, _ALWAYS_AS_STORED)
        return Choice(name, (side, side), "of squares cut out of the pictures")
    is_small = sizes.max() <= max(largest, _ALWAYS_AS_STORED)
    if is_small and len(np.unique(sizes, axis=0)) == 1:
        return Choice(name, tuple(map(int, sizes[0])), "as stored")
    usual = np.median(sizes, axis=0)
    scale = min(1.0, largest / usual.max())
    height, width = (max(8, 4 * round(side * scale / 4)) for side in usual)
    stored = "x".join(f"{side:.0f}" for side in usual)
    why = f"usual pictures are {stored}; they are cut to one form"
    if scale < 1:
        why += " and made smaller, so that the time is enough"
    return Choice(name, (height, width), why)


def with_batch_in_time(
    choices: list[Choice], timing: Timing, budget: float
) -> tuple[list[Choice], Timing]:
    """Halves the batch as long as a step of the smallest network takes too long.

    Args:
        choices: with the batch of `choose_form`.
        timing: of the smallest network, at that batch.
        budget: seconds.

    Returns:
        The choices, and about the timing at the batch among them.
    """
    batch = given = next(each.value for each in choices if each.name == "batch_size")
    while batch > _LEAST_BATCH and timing.step * _STEPS_WANTED > budget:
        batch, timing = batch // 2, timing._replace(step=timing.step / 2)
    if batch == given:
        return choices, timing
    smaller = Choice("batch_size", batch, "so that more steps fit into the time")
    chosen = [smaller if each.name == "batch_size" else each for each in choices]
    return chosen, timing


def choose_likelihood(config: Mapping[str, Any], images: np.ndarray) -> list[Choice]:
    """Chooses the likelihood of images: integers (n, height, width, channels)."""
    flat = float(np.mean(images[:, :, 1:] == images[:, :, :-1]))
    if config["num_levels"] < 64 or flat > DRAWINGS:
        why = f"{flat:.0%} of the values equal the one to their left, as in drawings"
        if config["num_levels"] < 64:
            why = "there are few levels"
        return [Choice("model.likelihood", "categorical", why)]
    why = "neighbouring levels are alike, as in photographs"
    return [Choice("model.likelihood", "logistic_mixture", why)]


def choose_network(
    facts: ImageFacts,
    timing: Timing,
    budget: float,
    batch_size: int,
    is_categorical: bool,
) -> list[Choice]:
    """Chooses the network, and how it is trained.

    Args:
        facts: of `look_at`.
        timing: of the smallest network.
        budget: seconds.
        batch_size: images of a step.
        is_categorical: whether the likelihood is, which bears the highest rates.
    """
    most = 2 if facts.num_images < 1000 else 3 if facts.num_images < 10_000 else 5
    chosen = NETWORKS[0]
    for network in NETWORKS[1 : most + 1]:
        step = timing.step * _growth(chosen, network)
        if step * _STEPS_WANTED > budget:
            break
        chosen, timing = network, timing._replace(step=step)
    if most < 5 and chosen == NETWORKS[most]:
        why = f"{facts.num_images:,} images are too few for a larger one"
    else:
        why = f"the largest that takes {_STEPS_WANTED:,} steps in the time"
    rate = 2e-3 if chosen[0] <= 48 else 1e-3
    if is_categorical and chosen == NETWORKS[0]:
        rate = 4e-3
    dropout, of_dropout = 0.1, "the fewer images, the more of it"
    if budget / timing.step * batch_size < _FEW_EPOCHS * facts.num_images:
        dropout, of_dropout = 0.0, "each image is seen too rarely to be learnt by heart"
    elif facts.num_images < 1000:
        dropout = 0.3
    return [
        *_network(chosen, why),
        Choice("learning_rate", rate, "the wider, the lower"),
        Choice("model.dropout_rate", dropout, of_dropout),
    ]


def _growth(network: tuple[int, int], other: tuple[int, int]) -> float:
    """Returns about how much longer a step of the other network takes."""
    return math.prod((other[0], *other)) / math.prod((network[0], *network))


def _network(network: tuple[int, int], why: str) -> list[Choice]:
    filters, num_blocks = network
    return [
        Choice("model.filters", filters, why),
        Choice("model.num_blocks", num_blocks, "grows with the filters"),
        Choice("model.kernel_size", 3, "the usual one"),
        Choice("model.first_kernel_size", 7, "the usual one"),
        Choice("model.positions", True, "so that it knows where it is"),
        Choice(
            "model.vertical_gain", 2.2, "so that rows above are heard from the start"
        ),
    ]


def choose_length(
    config: Mapping[str, Any], facts: ImageFacts, timing: Timing, left: float
) -> list[Choice]:
    """Chooses how long to train, and how often to look at the result.

    Args:
        config: with the choices so far.
        facts: of `look_at`.
        timing: of the network.
        left: seconds that training and results may take.
    """
    steps_per_epoch = max(facts.num_images // config["batch_size"], 1)
    epoch = steps_per_epoch * timing.step
    # Scoring an image costs a third of training on it.
    ending = timing.epoch_end + epoch / 24
    every = max(1, math.ceil(ending / (_VALIDATION_SHARE * epoch)))
    seconds = left - timing.first * (1 + _RESULTS_IN_FIRST_STEPS)
    epochs = int(seconds / (epoch + ending / every))
    told = f"{1000 * timing.step:,.0f} ms a step of {config['batch_size']} images"
    if epochs > _MOST_EPOCHS:
        epochs, told = _MOST_EPOCHS, f"more would learn the pictures by heart; {told}"
    every = min(every, max(epochs, 1))
    if config["validate_every"] is not None:
        every = config["validate_every"]
    return [
        Choice("epochs", max(epochs, 1), told),
        Choice("validate_every", every, "in epochs"),
        Choice("sample_every", every * max(1, epochs // (5 * every)), "in epochs"),
    ]


def _measure(
    config: Mapping[str, Any],
    rows: Mapping[str, np.ndarray],
    strategy: tf.distribute.Strategy,
) -> Timing:
    """Trains a network for two short epochs, which leave nothing behind."""
    batch_size = config["batch_size"]
    count = batch_size * _TRIAL_STEPS
    rows = {
        name: np.resize(value, (count, *value.shape[1:]))
        for name, value in rows.items()
    }
    moments = [time.monotonic()]

    def note() -> None:
        moments.append(time.monotonic())

    def validation() -> list[dict[str, np.ndarray]]:
        note()
        return [{name: value[:batch_size] for name, value in features.items()}]

    with (
        tempfile.TemporaryDirectory() as folder,
        strategy.scope(),
        contextlib.redirect_stdout(io.StringIO()),  # of epochs that do not count
    ):
        model = model_classes.find(model_classes.name_of(config))(
            rows["image"].shape[1:],
            config["num_levels"],
            **config["model"],
        )
        features = model.prepare_features(rows)
        features = {name: np.asarray(value) for name, value in features.items()}
        TrainingLoop(
            model,
            Recipe(2 * _TRIAL_STEPS, batch_size, clip_norm=config["clip_norm"]),
            ImagesInMemory(features, batch_size=batch_size, seed=0),
            validation,
            folder,
            strategy=strategy,
            options=LoopOptions(checkpoint_every=0),
            on_first_step=note,
        ).run()
        note()
    start, first, first_end, second_end, end = moments
    step = (first_end - first) / (_TRIAL_STEPS - 1)
    return Timing(first - start, step, end - second_end)


def _chosen(config: Mapping[str, Any], choices: list[Choice]) -> dict[str, Any]:
    """Returns the config with the choices for what it leaves open."""
    config = {**config, "model": dict(config["model"])}
    known = model_classes.arguments_of(model_classes.name_of(config))
    for choice in choices:
        fields, name = _place(config, choice.name)
        if fields.get(name) is None and (fields is config or name in known):
            fields[name] = choice.value
    model = config["model"]
    if model.get("num_classes") == 0:
        model |= {"num_classes": None, "condition_dropout": 0.0}
        if "vector_map" in model:
            model["vector_map"] = False
    left = {name for name, value in model.items() if value is None}
    for name in left - known:
        del model[name]  # which another class of models does not have
    return config


def _place(config: Mapping[str, Any], name: str) -> tuple[dict[str, Any], str]:
    group, _, field = name.rpartition(".")
    return (config[group] if group else config), field


def _table(
    given: Mapping[str, Any], chosen: Mapping[str, Any], choices: list[Choice]
) -> str:
    """Returns the choices as a table, and which of them the user had made."""
    rows, first = [], {}
    for choice in choices:
        first.setdefault(choice.name, choice)
    for choice in first.values():
        fields, name = _place(given, choice.name)
        reason = choice.reason if fields.get(name) is None else "as you have set it"
        fields, name = _place(chosen, choice.name)
        if name in fields:
            rows.append((choice.name, str(fields[name]), reason))
    names, values = (
        max(map(len, column)) for column in list(zip(*rows, strict=True))[:2]
    )
    return "\n".join(
        [
            f"Chosen by the pictures and for {given['minutes']:g} minutes; "
            "--config.NAME=VALUE sets another:",
            *(
                f"  {name:{names}}  {value:{values}}  {why}"
                for name, value, why in rows
            ),
        ]
    )


def _size(config: Mapping[str, Any]) -> tuple[Any, ...]:
    model = config["model"]
    return config["batch_size"], model.get("filters"), model.get("num_blocks")


def _filled(config: Mapping[str, Any], there: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the config with what a run's own says of the fields that are open."""
    filled = {**there, **{k: v for k, v in config.items() if v is not None}}
    if isinstance(config.get("model"), Mapping):
        filled["model"] = _filled(config["model"], there["model"])
    return filled
