"""Trains an image model as a config says, and evaluates it."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn import datasets
from keras_pixelcnn.pretrained import load_model_or_preset
from keras_pixelcnn.pretrained.fine_tuning import Transfer, take_weights
from keras_pixelcnn.training import LikelihoodObjective, Objective, RunLogger, RunState
from trainers.image_models import results
from trainers.image_models.choosing import complete
from trainers.runs import model_classes
from trainers.runs.config import check_config
from trainers.runs.data import (
    TrainingData,
    load_training_data,
    training_images,
    validation_batches,
)
from trainers.runs.run import Run, make_recipe
from trainers.runs.training import RunKind, train
from trainers.sampling.pictures import sample_pictures

_MOST_COUNTED = 1000
"""Images whose levels are counted."""


def train_model(
    run: Run,
    make_model: Callable[[Mapping[str, Any], TrainingData], Any],
    sample: Callable[..., None],
    make_objective: Callable[[Mapping[str, Any]], Objective],
) -> RunState:
    """Trains the one model of a run.

    Args:
        run: whose data is as `load_training_data` loads it.
        make_model: makes a model for a config and its data.
        sample: draws pictures of a model as it learns; see `pictures.sample_pictures`.
        make_objective: returns what a model of a config is trained on.
    """
    config, data = run.config, run.data
    recipe = make_recipe(config, data.steps_per_epoch)
    recipe.check_divisible(run.strategy.num_replicas_in_sync)
    with run.strategy.scope():
        model = make_model(config, data)
        if config.get("initial_model"):
            warm_start(model, config["initial_model"])
        elif config.get("minutes") is not None:  # which it would take to learn that
            begin_with_frequencies(model, data.train)

    def sample_at_epochs(epoch: int, step: int, logger: RunLogger) -> None:
        every = config["sample_every"]
        if every and epoch % every == 0:
            sample(model, data.validation, config, step, logger)

    return run.fit(
        model,
        recipe,
        training_images(config, data, model.prepare_features),
        validation_batches(config, data, model.prepare_features),
        objective=make_objective(config),
        sample=sample_at_epochs,
    )


def warm_start(model: keras.Model, initial_model: str) -> Transfer:
    """Begins with the weights of a trained model, as far as they fit, and tells of it.

    Args:
        model: changed in place. An auto-encoder begins with an auto-encoder, or its
            decoder with what draws images by itself.
        initial_model: a `.keras` file, or the name of a preset.

    Raises:
        FileNotFoundError: when there is no such model.
        ValueError: as `take_weights`; nothing is changed then.
    """
    trained = load_model_or_preset(initial_model, keras.Model)
    is_decoder = isinstance(trained, kp.GatedPixelCNN)
    if is_decoder and isinstance(model, kp.PixelCNNAutoencoder):
        model = model.decoder
    transfer = take_weights(model, trained, initial_model)
    print(f"Of {initial_model} {transfer}.", flush=True)
    return transfer


def begin_with_frequencies(model: keras.Model, examples: tf.data.Dataset) -> None:
    """Makes levels as probable from the start as they are in images.

    Only where a level has a logit of its own, and a layer called "parameters" gives it.

    Args:
        model: changed in place: the bias of its last layer.
        examples: single examples of {"image", ...}, of which some are looked at.
    """
    layer = getattr(model, "parameters", None)
    likelihood = getattr(model, "pixel_likelihood", None)
    if layer is None or getattr(likelihood, "name", None) != "categorical":
        return
    counts = np.ones(likelihood.pixel_shape)
    for example in examples.take(_MOST_COUNTED).as_numpy_iterator():
        values = example["image"].reshape(-1, len(counts))
        for channel, row in enumerate(counts):
            row += np.bincount(values[:, channel], minlength=len(row))
    logits = np.log(counts)
    layer.bias.assign((logits - logits.mean(axis=1, keepdims=True)).reshape(-1))


def _make_model(config: Mapping[str, Any], data: TrainingData) -> Any:
    make = model_classes.find(model_classes.name_of(config))
    arguments = model_classes.arguments_for(config, data.image_shape)
    model = make(data.image_shape, data.num_levels, **arguments)
    names = None
    if model.conditions.num_classes:
        names = datasets.label_names(
            config["dataset"], config["data_dir"], config.get("label_feature")
        )
    if names is not None and len(names) == model.conditions.num_classes:
        model.label_names = names
    return model


IMAGE_MODELS = RunKind(
    functools.partial(check_config, more_fields=["minutes"]),
    load_training_data,
    functools.partial(
        train_model,
        make_model=_make_model,
        sample=sample_pictures,
        make_objective=lambda config: LikelihoodObjective(),
    ),
    results.write_results,
    results.format_table,
    "test_bits_per_dim",
    complete,
)
"""Runs of one model that draws images from nothing, or from a label."""

train_and_evaluate = functools.partial(train, kind=IMAGE_MODELS)
"""Trains a model, and scores the weights that validate best on the test split."""
