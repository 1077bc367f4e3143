"""What is said of a step whose loss or gradient is infinite or not a number."""

import pathlib

from keras_pixelcnn.callbacks import NonFiniteLossError
from keras_pixelcnn.training.checkpoint_store import CheckpointStore
from keras_pixelcnn.training.train_step import StepResult


def skipped_line(result: StepResult, step: int, number: int) -> str:
    """Tells of a step that was left out.

    Args:
        result: of the step.
        step: counted from 1.
        number: how many have been left out, this one included.
    """
    return (
        f"Step {step} skipped: its loss is {result.loss:.4g}, the norm of its "
        f"gradient {result.gradient_norm:.4g}. Skipped so far: {number}"
    )


def error(
    result: StepResult,
    step: int,
    steps_per_epoch: int,
    folder: pathlib.Path,
    store: CheckpointStore,
) -> NonFiniteLossError:
    """The error that ends a run; it names the step and what is kept.

    Args:
        result: of the step.
        step: counted from 1.
        steps_per_epoch: to name the epoch.
        folder: of the run.
        store: of its checkpoints.
    """
    epoch, batch = divmod(step - 1, steps_per_epoch)
    return NonFiniteLossError(
        "The loss and its gradient must be finite. The loss is "
        f"{result.loss:.4g} and the gradient's norm {result.gradient_norm:.4g} "
        f"at step {step}, batch {batch + 1} of epoch {epoch + 1}. Lower the learning "
        f"rate (here {result.learning_rate:.3g}), clip the gradient, look for what is "
        "unusual in the data, or leave such steps out: on_nonfinite=skip."
        f"{_kept(folder, store)}"
    )


def _kept(folder: pathlib.Path, store: CheckpointStore) -> str:
    saved, model = store.latest(), folder / "model.keras"
    if saved is None:
        return " Nothing had been saved yet."
    best = f" The best model so far is kept: {model}" if model.exists() else ""
    return f" The state after step {saved.step} is saved.{best}"
