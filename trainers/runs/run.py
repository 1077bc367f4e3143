"""Run: the state that all models of a run share, and how it trains them."""

import dataclasses
import functools
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from keras_pixelcnn.datasets.errors import shorten
from keras_pixelcnn.training import (
    LoopOptions,
    Preemption,
    Recipe,
    RunState,
    TrainingImages,
    TrainingLoop,
    strategies,
)
from trainers.runs import environment
from trainers.runs.run_folder import RunFolder, write_json


class RunStopped(Exception):
    """Raised when a run was asked to stop, and its state is saved."""


@dataclasses.dataclass(frozen=True)
class Run:
    """The config, data, folder and devices of a run in progress.

    Attributes:
        config: its config, a plain dict.
        data: what its kind loads.
        folder: its workdir.
        strategy: where it trains.
        on_nonfinite: "stop" at a step whose loss or gradient is not finite, or "skip".
        preemption: what tells that it shall stop.
    """

    config: dict[str, Any]
    data: Any
    folder: RunFolder
    strategy: tf.distribute.Strategy
    on_nonfinite: str
    preemption: Preemption

    def fit(
        self,
        model: Any,
        recipe: Recipe,
        images: TrainingImages,
        validation: Callable[[], Any],
        folder: str | pathlib.Path = "",
        validation_batch_size: int | None = None,
        **options: Any,
    ) -> RunState:
        """Trains a model, or goes on with it, and keeps the best.

        Args:
            model: made in the strategy's scope.
            recipe: how it is trained.
            images: what it is trained on.
            validation: makes the batches of all validation images, anew each time.
            folder: the model's, inside the run's. Default: the run's.
            validation_batch_size: see `LoopOptions`.
            **options: `objective` and `sample` of `TrainingLoop`.

        Raises:
            RunStopped: when the run was asked to stop.
            ValueError, OSError, NonFiniteLossError: as `TrainingLoop.run` does.
        """
        print(
            f"{type(model).__name__}: {model.count_params():,} parameters, "
            f"{recipe.steps} steps of {recipe.batch_size} images",
            flush=True,
        )
        names = getattr(model, "label_names", None)
        if names:  # folders that are no classes are seen here
            print(f"Labels from 0: {shorten(names)}", flush=True)
        print("Preparing the first step; later the end of an epoch is told", flush=True)
        state = TrainingLoop(
            model,
            recipe,
            images,
            validation,
            self.folder.path / folder,
            strategy=self.strategy,
            options=LoopOptions(
                self.config["checkpoint_every"],
                self.config["log_every"],
                self.on_nonfinite,
                validation_batch_size,
                self.config.get("validate_every", 1),
            ),
            on_first_step=functools.partial(self._claim, None if folder else recipe),
            preemption=self.preemption,
            **options,
        ).run()
        if state.is_stopped:
            raise RunStopped
        strategies.wait_for_all(self.strategy)  # for the file that the chief writes
        self.preemption.stop_if_asked()  # in the last validation
        return state

    def _claim(self, recipe: Recipe | None) -> None:
        self.folder.claim(self.config)
        if recipe is not None:
            facts = {
                "steps": recipe.steps,
                "strategy": type(self.strategy).__name__.lstrip("_"),
                "replicas": self.strategy.num_replicas_in_sync,
            }
            write_json(self.folder.environment, facts | environment.describe())


def make_repeatable(config: Mapping[str, Any]) -> None:
    """Seeds everything, and makes operations deterministic where the config says so."""
    keras.utils.set_random_seed(config["seed"])
    if config["deterministic"]:
        tf.config.experimental.enable_op_determinism()


def make_recipe(config: Mapping[str, Any], steps_per_epoch: int) -> Recipe:
    """Returns the part of a config that says how the weights are trained."""
    steps = config["steps"]
    if steps is None:
        steps = config["epochs"] * steps_per_epoch
    return Recipe(
        steps=steps,
        batch_size=config["batch_size"],
        optimizer=config["optimizer"],
        learning_rate=config["learning_rate"],
        warmup_steps=int(config["warmup_share"] * steps),
        decay=config["decay"],
        decay_shares=tuple(config["decay_shares"]),
        decay_factor=config["decay_factor"],
        weight_decay=config["weight_decay"],
        clip_norm=config["clip_norm"],
        ema_momentum=config["ema_momentum"],
        gradient_accumulation_steps=config["gradient_accumulation_steps"],
    )


def training_facts(
    config: Mapping[str, Any], steps_per_epoch: int, state: RunState
) -> dict[str, Any]:
    """Returns what metrics say of how and on what a model was trained."""
    return {
        "best_epoch": state.best_epoch,
        "epochs": -(-state.step // steps_per_epoch),
        "steps": state.step,
        "steps_skipped": state.num_skipped,
        "training_seconds": state.seconds,
        "seed": config["seed"],
        **environment.describe(),
    }
