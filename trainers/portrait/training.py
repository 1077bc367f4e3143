"""Trains an embedder, then a model that is told its embeddings."""

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn.models import load_model
from keras_pixelcnn.training import (
    IdentityBatches,
    ImagesInMemory,
    LoopOptions,
    Preemption,
    Progress,
    Recipe,
    TrainingImages,
    TrainingLoop,
    TripletObjective,
    strategies,
)
from trainers.portrait import results, retrieval_accuracy
from trainers.portrait.data import PortraitData, Portraits, load_portraits
from trainers.portrait.settings import check_portraits_config, embedder_config
from trainers.runs import environment, model_classes
from trainers.runs.run_folder import RunFolder, full_disk_explained, read_json
from trainers.runs.training import make_recipe, make_repeatable


class _Run(NamedTuple):
    """What both trainings share."""

    config: dict[str, Any]
    data: PortraitData
    folder: RunFolder
    strategy: tf.distribute.Strategy
    on_nonfinite: str
    preemption: Preemption


def train_and_draw(
    config: Mapping[str, Any],
    workdir: str | os.PathLike[str],
    strategy: tf.distribute.Strategy | None = None,
    on_nonfinite: str = "stop",
) -> dict[str, Any] | None:
    """Trains both models, draws identities that were never seen, and measures.

    A run that was interrupted goes on after its last checkpoint, of the embedder or of
    the model. A finished one is not trained again: its metrics are printed as they
    were.

    Args:
        config: an `ml_collections.ConfigDict` or a dict with the fields of
            `trainers.configs.portraits_glyphs`.
        workdir: the run's folder. At the end it holds the model as a workdir of
            `trainers.train` does, the embedder's run in `embedder`, `metrics.json`,
            `samples.png` and `interpolation.png`.
        strategy: where, as `keras_pixelcnn.training.make_strategy` makes it. Default: a
            single device.
        on_nonfinite: "stop" at a step whose loss or gradient is not finite, or "skip"
            it.

    Returns:
        The content of `metrics.json`. None when the run was asked to stop, and from
        workers that write nothing.

    Raises:
        ValueError: when a field of the config is wrong, the folder belongs to another
            config, the images have no identities, or the test split has too few for a
            group.
        keras_pixelcnn.datasets.DatasetUnavailableError: when the data is not there.
        OSError: when the disk is full. What was saved before stays.
        keras_pixelcnn.callbacks.NonFiniteLossError: when training diverges.
    """
    config = config.to_dict() if hasattr(config, "to_dict") else dict(config)
    check_portraits_config(config)
    strategy = strategy or tf.distribute.get_strategy()
    folder = RunFolder(workdir)
    folder.check(config)
    if folder.metrics.exists():
        print(f"{folder.path} holds this run, finished. Remove it to train anew.")
        return _tell(read_json(folder.metrics), folder)
    with Preemption() as preemption, full_disk_explained(workdir):
        make_repeatable(config)
        data = load_portraits(config)
        # Here, for else it would be told when both models are trained.
        retrieval_accuracy.check_group_size(
            data.test.label, config["drawing"]["group_size"]
        )
        run = _Run(config, data, folder, strategy, on_nonfinite, preemption)
        with strategies.losses_explained(strategy):
            progress = _train_both(run)
        if progress is None:
            return None
        preemption.stop_if_asked()
        metrics = None
        if strategies.is_chief(strategy):
            metrics = results.write_results(config, data, folder, *progress)
            _tell(metrics, folder)
        with strategies.losses_explained(strategy):
            strategies.wait_for_all(strategy)
    return metrics


def _tell(metrics: dict[str, Any], folder: RunFolder) -> dict[str, Any]:
    print(results.format_results(metrics))
    print(f"Everything is in {folder.path}")
    return metrics


def _train_both(run: _Run) -> tuple[Progress, Progress] | None:
    """How far both came; None if the run shall stop."""
    of_embedder = _embedder_loop(run).run()
    if of_embedder.is_stopped:
        return None
    strategies.wait_for_all(run.strategy)  # for the file that the chief writes
    run.preemption.stop_if_asked()
    embedder = load_model(results.embedder_path(run.folder), kp.FaceEmbedder)
    of_model = _model_loop(run, embedder).run()
    return None if of_model.is_stopped else (of_embedder, of_model)


# The embedder.


def _embedder_loop(run: _Run) -> TrainingLoop:
    config = embedder_config(run.config)
    train = _identity_batches(run.data.train, run, validates=False)
    validation = _identity_batches(run.data.validation, run, validates=True)
    recipe = make_recipe(config, train.steps_per_epoch)
    with run.strategy.scope():
        embedder = kp.FaceEmbedder(
            run.data.train.image.shape[1:],
            run.data.num_levels,
            **{name: run.config["embedder"][name] for name in results.EMBEDDER_FIELDS},
        )
    return _loop(
        run,
        embedder,
        recipe,
        train,
        lambda: validation.batches(epoch=0),
        results.embedder_path(run.folder).parent,
        validation_batch_size=validation.batch_size,
        objective=TripletObjective(),
    )


def _identity_batches(
    portraits: Portraits, run: _Run, *, validates: bool
) -> IdentityBatches:
    wanted = run.config["embedder"]["identities"]
    if validates:  # of fewer identities, but of as many on each device
        _, counts = np.unique(portraits.label, return_counts=True)
        replicas = run.strategy.num_replicas_in_sync
        there = min(wanted, int(np.sum(counts > 1)))
        wanted = max(there // replicas * replicas, min(there, 2))
    return IdentityBatches(
        portraits._asdict(),
        identities=wanted,
        images_each=run.config["embedder"]["images_each"],
        seed=run.config["seed"],
    )


# The model.


def _model_loop(run: _Run, embedder: kp.FaceEmbedder) -> TrainingLoop:
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
    recipe = make_recipe(config, images.steps_per_epoch)
    with run.strategy.scope():
        model = model_classes.make(
            model_classes.name_of(config),
            run.data.train.image.shape[1:],
            run.data.num_levels,
            embedding_dim=embedder.embedding_dim,
            **config["model"],
        )
    batches = _batches_of(validation, config["batch_size"])
    return _loop(run, model, recipe, images, batches, run.folder.path)


def _batches_of(
    features: Mapping[str, np.ndarray], size: int
) -> Callable[[], Iterator[dict[str, np.ndarray]]]:
    count = len(features["image"])

    def batches() -> Iterator[dict[str, np.ndarray]]:
        for start in range(0, count, size):
            rows = slice(start, start + size)
            yield {name: value[rows] for name, value in features.items()}

    return batches


def _loop(
    run: _Run,
    model: Any,
    recipe: Recipe,
    images: TrainingImages,
    validation: Callable[[], Iterator[dict[str, np.ndarray]]],
    path: os.PathLike[str],
    validation_batch_size: int | None = None,
    **options: Any,
) -> TrainingLoop:
    config = run.config

    def claim() -> None:
        run.folder.claim(config)
        run.folder.describe(environment.describe())

    print(
        f"{type(model).__name__}: {model.count_params():,} parameters, "
        f"{recipe.steps} steps of {recipe.batch_size} images",
        flush=True,
    )
    return TrainingLoop(
        model,
        recipe,
        images,
        validation,
        path,
        strategy=run.strategy,
        options=LoopOptions(
            config["checkpoint_every"],
            config["log_every"],
            run.on_nonfinite,
            validation_batch_size,
        ),
        on_first_step=claim,
        preemption=run.preemption,
        **options,
    )
