"""Recipe: the optimizer, its learning rate, clipping, averaging and accumulation."""

import dataclasses

import keras

from keras_pixelcnn.checks import check_integer, check_number, check_share
from keras_pixelcnn.schedules import WarmupThenDecay

OPTIMIZERS = {"adam": keras.optimizers.Adam, "adamw": keras.optimizers.AdamW}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """The hyperparameters that a model is trained by.

    Args:
        steps: number of updates of the weights.
        batch_size: images in an update, over all devices together.
        optimizer: "adam" or "adamw".
        learning_rate: at its peak.
        warmup_steps, decay, decay_shares, decay_factor: see `WarmupThenDecay`.
        weight_decay: what AdamW takes off the weights, times the learning rate.
        clip_norm: the gradient of the whole batch, over all devices and parts, is
            shortened to this norm before it is applied. Default None: never.
        ema_momentum: what a running average of the weights keeps of itself in a step,
            at most; less in the first steps. Default None: no average.
        gradient_accumulation_steps: parts that a device computes its share of a batch
            in, one after the other: less memory, the same step. Default 1.

    Raises:
        ValueError: when a number is out of its range.
    """

    steps: int
    batch_size: int
    optimizer: str = "adamw"
    learning_rate: float = 1e-3
    warmup_steps: int = 0
    decay: str = "cosine"
    decay_shares: tuple[float, ...] = ()
    decay_factor: float = 0.1
    weight_decay: float = 0.0
    clip_norm: float | None = None
    ema_momentum: float | None = None
    gradient_accumulation_steps: int = 1

    def __post_init__(self) -> None:
        """Checks the numbers, all but those that make the schedule."""
        for name in ("steps", "batch_size", "gradient_accumulation_steps"):
            check_integer(name, getattr(self, name))
        check_number("weight_decay", self.weight_decay, "at least 0", lambda x: x >= 0)
        if self.clip_norm is not None:
            check_number("clip_norm", self.clip_norm, "above 0", lambda x: x > 0)
        if self.ema_momentum is not None:
            check_share("ema_momentum", self.ema_momentum, "the average that is kept")

    def make_optimizer(self) -> keras.optimizers.Optimizer:
        """Returns the optimizer with its schedule; the loop clips and averages.

        Raises:
            ValueError: when there is no such optimizer or schedule.
        """
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(
                f"optimizer must be one of {tuple(OPTIMIZERS)}. "
                f"Received: {self.optimizer!r}"
            )
        schedule = WarmupThenDecay(
            self.learning_rate,
            self.steps,
            self.warmup_steps,
            self.decay,
            self.decay_shares,
            self.decay_factor,
        )
        decay = {"weight_decay": self.weight_decay}
        return OPTIMIZERS[self.optimizer](
            schedule, **(decay if self.optimizer == "adamw" else {})
        )

    def check_divisible(self, replicas: int) -> None:
        """Checks that a batch can be dealt out to the replicas, in equal parts.

        Raises:
            ValueError: when it cannot.
        """
        parts = replicas * self.gradient_accumulation_steps
        if self.batch_size % parts:
            raise ValueError(
                "batch_size must be a multiple of the number of devices times "
                "gradient_accumulation_steps, so that all parts of a batch count "
                f"alike. Received: batch_size={self.batch_size}, {replicas} devices, "
                f"gradient_accumulation_steps={self.gradient_accumulation_steps}"
            )
