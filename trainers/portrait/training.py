"""Trains an embedder, then a model that is conditioned on its embeddings."""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

import keras_pixelcnn as kp
from keras_pixelcnn.models import load_model
from keras_pixelcnn.training import (
    IdentityBatches,
    ImagesInMemory,
    RunState,
    TripletObjective,
)
from trainers.configs import portraits_glyphs
from trainers.portrait import results, retrieval_accuracy
from trainers.portrait.data import PortraitData, load_portraits
from trainers.runs import model_classes
from trainers.runs.config import (
    BOOLEAN,
    SAMPLING_RULES,
    SEED,
    check_config,
    check_guidance,
    check_images_are_kept,
    check_left_out,
    check_names,
    check_values,
    integer,
)
from trainers.runs.data import batches_of
from trainers.runs.run import Run, make_recipe
from trainers.runs.training import RunKind, train

_OWN_FIELDS = ("divide_identities", "embedder", "drawing")

_RECIPE_FIELDS = ("epochs", "learning_rate", "warmup_share", "weight_decay")
"""Fields of the embedder's training; all others are those of the model's."""

_RULES = {
    "embedder": {"identities": integer(2), "images_each": integer(2)},
    "drawing": {
        "rows": integer(1),
        "columns": integer(2),
        "group_size": integer(2),
        "sources": integer(1),
        "images_each": integer(1),
        "groups": integer(1),
        **SAMPLING_RULES,
    },
}


def check_portraits_config(config: Mapping[str, Any]) -> None:
    """Checks a config's names, and the values that the library would not check.

    Raises:
        ValueError: when a field is missing, unknown or out of its range.
    """
    missing = [name for name in _OWN_FIELDS if name not in config]
    if missing:
        raise ValueError(
            f"The config must have the fields {missing}. See "
            "trainers/configs/portraits_glyphs.py for all fields. A config of a single "
            "model is for trainers.train."
        )
    check_config(model_config(config))
    known = portraits_glyphs.get_config()
    for name, rules in _RULES.items():
        check_names(f"config.{name}", config[name], known[name])
        check_values(f"config.{name}", config[name], rules)
    check_guidance(config, "drawing")
    check_config(embedder_config(config))
    check_values("config", config, {"sample_seed": SEED, "divide_identities": BOOLEAN})
    check_images_are_kept(config, "the embedding")
    check_left_out(config, ["initial_model", "task", "sample_every"])


def model_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the model's part of a config, as `trainers.train` would take it."""
    return {name: value for name, value in config.items() if name not in _OWN_FIELDS}


def embedder_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the embedder's config: the model's, with its own fields."""
    embedder = config["embedder"]
    own = {name: embedder[name] for name in _RECIPE_FIELDS}
    return {
        **model_config(config),
        **own,
        "batch_size": embedder["identities"] * embedder["images_each"],
        "steps": None,
        # Triplets are mined in whole batches.
        "gradient_accumulation_steps": 1,
    }


def _load_data(config: Mapping[str, Any]) -> PortraitData:
    data = load_portraits(config)
    # Checked here, as it is needed only when both models are trained.
    retrieval_accuracy.check_group_size(
        data.test.label, config["drawing"]["group_size"]
    )
    return data


def _train(run: Run) -> tuple[RunState, RunState]:
    """Trains both models. Returns the states of the embedder and of the model."""
    of_embedder = _train_embedder(run)
    embedder = load_model(results.embedder_path(run.folder), kp.FaceEmbedder)
    return of_embedder, _train_model(run, embedder)


def _train_embedder(run: Run) -> RunState:
    data, fields = run.data, run.config["embedder"]
    # Validation has fewer identities, but as many on each device.
    _, counts = np.unique(data.validation.label, return_counts=True)
    there = min(fields["identities"], int(np.sum(counts > 1)))
    replicas = run.strategy.num_replicas_in_sync
    validated = max(there // replicas * replicas, min(there, 2))
    images, validation = (
        IdentityBatches(
            part._asdict(),
            identities=identities,
            images_each=fields["images_each"],
            seed=run.config["seed"],
        )
        for part, identities in (
            (data.train, fields["identities"]),
            (data.validation, validated),
        )
    )
    with run.strategy.scope():
        embedder = kp.FaceEmbedder(
            data.train.image.shape[1:],
            data.num_levels,
            **{name: fields[name] for name in results.EMBEDDER_FIELDS},
        )
    return run.fit(
        embedder,
        make_recipe(embedder_config(run.config), images.steps_per_epoch),
        images,
        lambda: validation.batches(epoch=0),
        results.embedder_path(run.folder).parent.name,
        validation_batch_size=validation.batch_size,
        objective=TripletObjective(),
    )


def _train_model(run: Run, embedder: kp.FaceEmbedder) -> RunState:
    config = run.config
    train, validation = (
        {"image": part.image, "embedding": embedder.embed(part.image)}
        for part in (run.data.train, run.data.validation)
    )
    images = ImagesInMemory(
        train,
        batch_size=config["batch_size"],
        seed=config["seed"],
        sampling=config["sampling"],
        horizontal_flips=False,  # whose embeddings would be others
        labels=run.data.train.label,
    )
    with run.strategy.scope():
        model = model_classes.find(model_classes.name_of(config))(
            run.data.train.image.shape[1:],
            run.data.num_levels,
            embedding_dim=embedder.embedding_dim,
            **config["model"],
        )
    recipe = make_recipe(config, images.steps_per_epoch)
    batches = batches_of(validation, config["batch_size"])
    return run.fit(model, recipe, images, batches)


PORTRAITS = RunKind(
    check_portraits_config,
    _load_data,
    _train,
    results.write_results,
    results.format_table,
    "identification",
)
"""Runs of an embedder and of a model that is told its embeddings.

At its end the folder holds the model as other runs do, the embedder's run in
`embedder`, `metrics.json`, `samples.png` and `interpolation.png`.
"""

train_portraits = functools.partial(train, kind=PORTRAITS)
"""Trains both models, samples identities that were never seen, and measures."""
