"""TrainingLoop: trains, validates, and keeps the best model, with exact resumption."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
import tqdm

from keras_pixelcnn.callbacks import NonFiniteLossError
from keras_pixelcnn.checks import check_integer
from keras_pixelcnn.training import strategies
from keras_pixelcnn.training.checkpoint_store import CheckpointStore
from keras_pixelcnn.training.data_order import TrainingImages
from keras_pixelcnn.training.evaluation import Evaluation
from keras_pixelcnn.training.objective import LikelihoodObjective, Objective
from keras_pixelcnn.training.preemption import Preemption
from keras_pixelcnn.training.recipe import Recipe
from keras_pixelcnn.training.run_logger import RunLogger
from keras_pixelcnn.training.run_state import RunState, VariableSnapshot
from keras_pixelcnn.training.train_step import StepResult, TrainStep

ON_NONFINITE = ("stop", "skip")


@dataclasses.dataclass(frozen=True)
class LoopOptions:
    """Options of a training loop that do not change the weights.

    Args:
        checkpoint_every: steps between checkpoints, beside those at the ends of epochs.
            0: only those.
        log_every: steps between lines of the history.
        on_nonfinite: "stop", or "skip" a step whose loss or gradient is not finite.
        validation_batch_size: images scored at once, over all devices. Default: as many
            as a step takes.
        validate_every: epochs between validations, at which the best weights are
            saved and samples drawn.

    Raises:
        ValueError: when an option is not as said.
    """

    checkpoint_every: int = 1000
    log_every: int = 10
    on_nonfinite: str = "stop"
    validation_batch_size: int | None = None
    validate_every: int = 1

    def __post_init__(self) -> None:
        """Checks the options."""
        check_integer("checkpoint_every", self.checkpoint_every, least=0)
        check_integer("log_every", self.log_every)
        check_integer("validate_every", self.validate_every)
        if self.validation_batch_size is not None:
            check_integer("validation_batch_size", self.validation_batch_size)
        if self.on_nonfinite not in ON_NONFINITE:
            raise ValueError(
                f"on_nonfinite must be one of {ON_NONFINITE}. "
                f"Received: {self.on_nonfinite!r}"
            )


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
        sample: called by the chief at the end of an epoch, with the weights that are
            validated in place, with the epoch counted from 1, the step and the
            logger; writes pictures of samples.
        preemption: what tells that the run shall stop. Default: nothing does.
        objective: what is minimised. Default: bits per dimension.

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
        sample: Callable[[int, int, RunLogger], None] = lambda *arguments: None,
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
        self._sample = sample
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
        self._snapshot = VariableSnapshot({"model": variables, **self._step.state()})
        self._store = CheckpointStore(self._folder / "checkpoints")
        self._logger = RunLogger(self._folder, self._is_chief, self._objective.name)
        self._state = RunState()
        self._has_begun = not self._is_chief

    def run(self) -> RunState:
        """Trains to the end, or until it shall stop.

        Returns:
            How far it came; `state.is_stopped` if it was asked to stop.

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
                with tqdm.tqdm(
                    total=self._recipe.steps,
                    initial=self._state.step,
                    disable=None,  # where nobody looks on
                    leave=False,
                ) as self._bar:
                    while self._state.step < self._recipe.steps:
                        if not self._train_epoch():
                            break
                return self._state
            finally:
                self._state.seconds = self._logger.seconds
                self._logger.close()

    # Going on.

    def _resume(self) -> None:
        saved = self._store.latest()
        if saved is None:
            self._store.check_empty()
        else:
            self._state = RunState.from_facts(saved.step, saved.facts)
            self._rewrite_best()
            self._snapshot.restore(saved.arrays)
        strategies.check_agreement(self._strategy, self._state.step)
        self._logger.begin(self._state, self._recipe.batch_size)
        self._logger.cut(self._state.step)  # also of a run killed before it saved
        if saved is None:
            return
        self._say(f"Going on after step {self._state.step} of {self._recipe.steps}")
        if self._state.is_validation_due:
            self._end_epoch()

    def _rewrite_best(self) -> None:
        """Writes model.keras anew, as steps after the checkpoint do not count.

        Where the best checkpoint is damaged, an older one must not replace the model.
        """
        best = self._store.best()
        is_whole = best is not None and best.step == self._state.best_step
        if is_whole and self._is_chief:
            self._snapshot.restore(best.arrays)
            with self._averaged():
                self._logger.write_model(self._model)

    # One epoch.

    def _train_epoch(self) -> bool:
        """Trains to the end of an epoch. Returns whether to go on."""
        length = self._images.steps_per_epoch
        epoch, first = divmod(self._state.step, length)
        for batch in self._images.batches(epoch, first):
            result = self._step(batch, self._preemption.asked)
            self._take_in(result)
            if not self._has_begun:
                self._has_begun = True
                self._on_first_step()
            is_last = self._state.step == self._recipe.steps
            is_due = self._state.step % (length * self._options.validate_every) == 0
            self._state.is_validation_due = is_last or is_due
            if not self._state.is_validation_due:
                self._log_and_save()
            if result.stop_asked:
                self._stop()
                return False
            if is_last:
                break
        if self._state.is_validation_due:
            self._end_epoch()
        return True

    def _take_in(self, result: StepResult) -> None:
        state = self._state
        if result.is_applied:
            state.add(result.loss)
            state.gradient_norm = result.gradient_norm
        else:
            if not result.is_rescaled:
                self._refuse_or_skip(result)
            self._step.skip()
        state.step += 1
        state.learning_rate = result.learning_rate
        loss = f"{state.epoch_loss:.3f} {self._objective.unit}"
        self._bar.set_postfix_str(loss, refresh=False)
        self._bar.update()

    def _refuse_or_skip(self, result: StepResult) -> None:
        step = self._state.step + 1
        if self._options.on_nonfinite == "skip":
            self._state.num_skipped += 1
            number = self._state.num_skipped
            self._say(
                f"Step {step} skipped: its loss is {result.loss:.4g}, the norm of its "
                f"gradient {result.gradient_norm:.4g}. Skipped so far: {number}"
            )
            return
        if self._has_begun:
            self._step.undo()
            self._save()
        epoch, batch = divmod(step - 1, self._images.steps_per_epoch)
        raise NonFiniteLossError(
            "The loss and its gradient must be finite. The loss is "
            f"{result.loss:.4g} and the gradient's norm {result.gradient_norm:.4g} "
            f"at step {step}, batch {batch + 1} of epoch {epoch + 1}. Lower the "
            f"learning rate (here {result.learning_rate:.3g}), clip the gradient, look "
            "for what is unusual in the data, or leave such steps out: "
            f"on_nonfinite=skip.{self._kept()}"
        )

    def _kept(self) -> str:
        saved, model = self._store.latest(), self._folder / "model.keras"
        if saved is None:
            return " Nothing had been saved yet."
        best = f" The best model so far is kept: {model}" if model.exists() else ""
        return f" The state after step {saved.step} is saved.{best}"

    def _log_and_save(self) -> None:
        step = self._state.step
        if step % self._options.log_every == 0:
            self._logger.measure(step)
            self._logger.write_row(self._state, self._images.steps_per_epoch)
        every = self._options.checkpoint_every
        if every and step % every == 0:
            self._save()

    def _stop(self) -> None:
        self._save()
        self._state.is_stopped = True
        self._say(
            f"Stopped by {self._preemption.signal_name} after step {self._state.step} "
            f"of {self._recipe.steps}, which is saved. The same command goes on."
        )

    # The end of an epoch.

    def _end_epoch(self) -> None:
        state, length = self._state, self._images.steps_per_epoch
        epoch = -(-state.step // length)
        self._logger.measure(state.step)
        state.validation = self._evaluation.score(self._validation())
        state.validation_ema = None
        with self._averaged():
            if self._step.average is not None:
                state.validation_ema = self._evaluation.score(self._validation())
            is_best = state.update_best(epoch)
            if self._is_chief:
                if is_best:
                    self._logger.write_model(self._model)
                self._sample(epoch, state.step, self._logger)
        self._logger.write_row(state, length, is_validated=True)
        epochs = -(-self._recipe.steps // length)
        self._say(state.line(epoch, epochs, self._objective.name))
        state.begin_epoch()
        self._save(is_best)

    def _averaged(self) -> contextlib.AbstractContextManager[None]:
        """Puts the averaged weights in place, if there are any."""
        average = self._step.average
        return contextlib.nullcontext() if average is None else average.in_place()

    def _save(self, is_best: bool = False) -> None:
        if not self._is_chief:
            return
        self._logger.flush()
        self._store.save(
            self._state.step,
            self._snapshot.to_arrays(),
            self._state.to_facts(self._logger.seconds),
            best=is_best,
        )

    def _say(self, line: str) -> None:
        if self._is_chief:
            with tqdm.tqdm.external_write_mode():
                print(line, flush=True)
