"""WarmupThenDecay: the learning-rate schedule of a run."""

import math
from typing import Any

import keras
import tensorflow as tf

from keras_pixelcnn.checks import check_integer, check_number

DECAYS = ("constant", "cosine", "step")


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class WarmupThenDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A learning-rate schedule with a linear warm-up and a decay.

    Args:
        peak: the rate at the end of the rise, above 0.
        steps: number of all steps; what comes after has the last one's rate.
        warmup_steps: the steps of the rise. Default 0: none.
        decay: "constant"; "cosine", to zero as half a cosine; or "step", multiplied by
            `decay_factor` after each of the `decay_shares` of all steps.
        decay_shares: in (0, 1), for "step".
        decay_factor: above 0, for "step".
    """

    def __init__(
        self,
        peak: float,
        steps: int,
        warmup_steps: int = 0,
        decay: str = "cosine",
        decay_shares: tuple[float, ...] = (),
        decay_factor: float = 0.1,
    ) -> None:
        if decay not in DECAYS:
            raise ValueError(f"decay must be one of {DECAYS}. Received: {decay!r}")
        check_number("peak", peak, "above 0", lambda rate: 0 < rate < math.inf)
        check_integer("steps", steps)
        check_integer("warmup_steps", warmup_steps, least=0)
        check_number("decay_factor", decay_factor, "above 0", lambda x: x > 0)
        for share in decay_shares:
            check_number("decay_shares", share, "in (0, 1)", lambda x: 0 < x < 1)
        self.peak = peak
        self.steps = steps
        self.warmup_steps = warmup_steps
        self.decay = decay
        self.decay_shares = tuple(decay_shares)
        self.decay_factor = decay_factor

    def __call__(self, step: Any) -> tf.Tensor:
        """Returns the rate of a step, counted from 0."""
        step = tf.cast(tf.convert_to_tensor(step), tf.float32)
        warmed = tf.minimum((step + 1) / max(self.warmup_steps, 1), 1.0)
        return self.peak * warmed * self._share_left(step)

    def _share_left(self, step: tf.Tensor) -> tf.Tensor:
        if self.decay == "cosine":
            length = max(self.steps - self.warmup_steps, 1)
            done = tf.clip_by_value((step - self.warmup_steps) / length, 0.0, 1.0)
            return 0.5 * (1 + tf.cos(math.pi * done))
        share = tf.ones([])
        if self.decay == "step":
            for boundary in self.decay_shares:
                is_over = step >= boundary * self.steps
                share *= tf.where(is_over, tf.constant(self.decay_factor), 1.0)
        return share

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            "peak": self.peak,
            "steps": self.steps,
            "warmup_steps": self.warmup_steps,
            "decay": self.decay,
            "decay_shares": list(self.decay_shares),
            "decay_factor": self.decay_factor,
        }
