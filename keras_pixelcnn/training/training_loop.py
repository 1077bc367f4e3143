"""The loop of a training run that goes on where it was."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from keras_pixelcnn.training import nonfinite, strategies
from keras_pixelcnn.training.checkpoint_store import CheckpointStore
from keras_pixelcnn.training.data_order import TrainingImages
from keras_pixelcnn.training.evaluation import Evaluation
from keras_pixelcnn.training.objective import LikelihoodObjective, Objective
from keras_pixelcnn.training.preemption import Preemption
from keras_pixelcnn.training.progress_bar import ProgressBar
from keras_pixelcnn.training.recipe import Recipe
from keras_pixelcnn.training.run_logger import RunRecords
from keras_pixelcnn.training.run_state import Progress
from keras_pixelcnn.training.train_step import StepResult, TrainStep
from keras_pixelcnn.training.variable_snapshot import TrainingState

ON_NONFINITE = ("stop", "skip")


@dataclasses.dataclass(frozen=True)
class LoopOptions:
    """What surrounds the steps.

    Args:
        checkpoint_every: steps between checkpoints, beside those at the ends of epochs.
            0: only those.
        log_every: steps between lines of the history.
        on_nonfinite: "stop", or "skip" a step whose loss or gradient is not finite.
        validation_batch_size: images scored at once, over all devices. Default: as many
            as a step takes.
    """

    checkpoint_every: int = 1000
    log_every: int = 10
    on_nonfinite: str = "stop"
    validation_batch_size: int | None = None


class TrainingLoop:
    """Trains a model, validates it at the ends of epochs, and keeps the best.

    Started again on the same folder, it goes on after the last checkpoint as if it had
    never been interrupted. Under several workers all read, and the chief writes.

    Args:
        model: a `LikelihoodModel`, or what the objective takes, made in the strategy's
            scope.
        recipe: how it is trained.
        images: what it is trained on.
        validation: makes the batches of all validation images, anew each time.
        folder: of the run: checkpoints/, history.jsonl, logs/ and model.keras, the best
            so far.
        strategy: where. Default: a single device.
        options: see `LoopOptions`.
        on_first_step: called when the first step has been taken, before anything is
            written.
        draw: called by the chief at the end of an epoch, with the weights that are
            validated in place, with the epoch counted from 1, the step and the
            records.
        preemption: what hears that the run shall stop. Default: nothing does.
        objective: what is made small. Default: bits per dimension.

    Raises:
        ValueError: when a batch cannot be dealt out to the devices.
    """

    def __init__(
        self,
        model: Any,
        recipe: Recipe,
        images: TrainingImages,
        validation: Callable[[], Iterable[Mapping[str, np.ndarray]]],
        folder: str | pathlib.Path,
        *,
        strategy: tf.distribute.Strategy | None = None,
        options: LoopOptions | None = None,
        on_first_step: Callable[[], None] = lambda: None,
        draw: Callable[[int, int, RunRecords], None] = lambda *arguments: None,
        preemption: Preemption | None = None,
        objective: Objective | None = None,
    ) -> None:
        self._model = model
        self._recipe = recipe
        self._images = images
        self._validation = validation
        self._folder = pathlib.Path(folder)
        self._strategy = strategy or tf.distribute.get_strategy()
        self._options = options or LoopOptions()
        self._on_first_step = on_first_step
        self._draw = draw
        self._preemption = preemption or Preemption()
        self._is_chief = strategies.is_chief(self._strategy)
        self._objective = objective or LikelihoodObjective()
        self._step = TrainStep(model, recipe, self._strategy, self._objective)
        variables = list(model.variables)
        with self._strategy.scope():  # so that what is saved can be trained further
            model.compile(self._step.optimizer, auto_scale_loss=False)
        self._evaluation = Evaluation(
            model,
            self._strategy,
            self._options.validation_batch_size or recipe.batch_size,
            self._objective,
        )
        self._state = TrainingState({"model": variables, **self._step.state()})
        self._store = CheckpointStore(self._folder / "checkpoints")
        self._records = RunRecords(self._folder, self._is_chief, self._objective.name)
        self._bar = ProgressBar(recipe.steps, unit=self._objective.unit)
        self._progress = Progress()
        self._has_begun = not self._is_chief

    def run(self) -> Progress:
        """Trains to the end, or until it shall stop.

        Returns:
            How far it came; `progress.is_stopped` if it was asked to stop.

        Raises:
            NonFiniteLossError: at the first step whose loss or gradient is not finite,
                unless such steps are skipped. The state before it is saved.
            ValueError: when the folder is another model's, or none of its checkpoints
                is whole.
            OSError: when the disk is full.
        """
        with self._preemption.deferred():
            try:
                self._resume()
                while self._progress.step < self._recipe.steps:
                    if not self._train_epoch():
                        return self._progress
                return self._progress
            finally:
                self._progress.seconds = self._records.seconds
                self._bar.clear()
                self._records.close()

    # Going on.

    def _resume(self) -> None:
        saved = self._store.latest()
        if saved is None:
            self._store.check_empty()
        else:
            self._progress = Progress.from_facts(saved.step, saved.facts)
            self._rewrite_best()
            self._state.restore(saved.arrays)
        strategies.check_agreement(self._strategy, self._progress.step)
        self._records.begin(self._progress, self._recipe.batch_size)
        self._records.cut(self._progress.step)  # also of a run killed before it saved
        if saved is None:
            return
        self._say(f"Going on after step {self._progress.step} of {self._recipe.steps}")
        if self._progress.is_validation_due:
            self._end_epoch()

    def _rewrite_best(self) -> None:
        """A model.keras of steps that will be taken again does not count.

        Where the best checkpoint is damaged, an older one must not replace the model.
        """
        best = self._store.best()
        is_whole = best is not None and best.step == self._progress.best_step
        if is_whole and self._is_chief:
            self._state.restore(best.arrays)
            with self._averaged():
                self._records.write_model(self._model)

    # One epoch.

    def _train_epoch(self) -> bool:
        """Trains to the end of an epoch. Returns whether to go on."""
        length = self._images.steps_per_epoch
        epoch, first = divmod(self._progress.step, length)
        for batch in self._images.batches(epoch, first):
            result = self._step(batch, self._preemption.asked)
            self._take_in(result)
            if not self._has_begun:
                self._has_begun = True
                self._on_first_step()
            is_last = self._progress.step == self._recipe.steps
            self._progress.is_validation_due = (
                is_last or self._progress.step % length == 0
            )
            if not self._progress.is_validation_due:
                self._log_and_save()
            if result.stop_asked:
                self._stop()
                return False
            if is_last:
                break
        self._end_epoch()
        return True

    def _take_in(self, result: StepResult) -> None:
        progress = self._progress
        if result.is_applied:
            progress.add(result.loss)
            progress.gradient_norm = result.gradient_norm
        else:
            if not result.is_rescaled:
                self._refuse_or_skip(result)
            self._step.skip()
        progress.step += 1
        progress.learning_rate = result.learning_rate
        self._bar.show(progress.step, progress.epoch_loss)

    def _refuse_or_skip(self, result: StepResult) -> None:
        step = self._progress.step + 1
        if self._options.on_nonfinite == "skip":
            self._progress.num_skipped += 1
            number = self._progress.num_skipped
            self._say(nonfinite.skipped_line(result, step, number))
            return
        if self._has_begun:
            self._step.undo()
            self._save()
        raise nonfinite.error(
            result, step, self._images.steps_per_epoch, self._folder, self._store
        )

    def _log_and_save(self) -> None:
        step = self._progress.step
        if step % self._options.log_every == 0:
            self._records.measure(step)
            self._records.write_row(self._progress, self._images.steps_per_epoch)
        every = self._options.checkpoint_every
        if every and step % every == 0:
            self._save()

    def _stop(self) -> None:
        self._save()
        self._progress.is_stopped = True
        self._say(
            f"Stopped by SIGTERM after step {self._progress.step} of "
            f"{self._recipe.steps}, which is saved. The same command goes on."
        )

    # The end of an epoch.

    def _end_epoch(self) -> None:
        progress, length = self._progress, self._images.steps_per_epoch
        epoch = -(-progress.step // length)
        self._records.measure(progress.step)
        progress.validation = self._evaluation.score(self._validation())
        progress.validation_ema = None
        with self._averaged():
            if self._step.average is not None:
                progress.validation_ema = self._evaluation.score(self._validation())
            is_best = self._validated(epoch)
        self._records.write_row(progress, length, is_validated=True)
        epochs = -(-self._recipe.steps // length)
        self._say(progress.line(epoch, epochs, self._objective.name))
        progress.begin_epoch()
        self._save(is_best)

    def _averaged(self) -> contextlib.AbstractContextManager[None]:
        """The model with the weights that count."""
        average = self._step.average
        return contextlib.nullcontext() if average is None else average.in_place()

    def _validated(self, epoch: int) -> bool:
        """With the weights in place that count. Returns whether they are the best."""
        is_best = self._progress.take_in_score(epoch)
        if self._is_chief:
            if is_best:
                self._records.write_model(self._model)
            self._draw(epoch, self._progress.step, self._records)
        return is_best

    def _save(self, is_best: bool = False) -> None:
        if not self._is_chief:
            return
        self._records.flush()
        self._store.save(
            self._progress.step,
            self._state.to_arrays(),
            self._progress.to_facts(self._records.seconds),
            best=is_best,
        )

    def _say(self, line: str) -> None:
        if self._is_chief:
            self._bar.clear()
            print(line, flush=True)
