"""Estimates of a run's memory, arithmetic, hours and devices."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from keras_pixelcnn.training import Recipe
from trainers.planning.planned_data import image_format, num_steps
from trainers.planning.training_memory import SymbolicModel, describe
from trainers.runs import model_classes
from trainers.runs.config import check_config, to_dict

USABLE_SHARE = 0.9
"""Of a device's memory; the rest is for allocators and what convolutions work in."""

_PASSES = {False: 3, True: 4}
"""Passes that a training step takes in arithmetic, by gradient checkpointing."""

_COPIES = 5
"""Numbers for each weight while a step runs: its gradient, and what updates it.

Measured on a CPU, as peaks of processes that train large models on one image: weights,
moments and these together were 7.2 to 7.8 numbers for each weight.
"""

_BYTES_OF_NUMBER = 4
"""Weights, and all that is kept for each of them, are float32 in any precision."""


@dataclasses.dataclass(frozen=True)
class Device:
    """The memory and speed of the devices to plan for.

    Args:
        memory_bytes: of one device.
        flops: floating point operations a second of its own matrix products.
        share: of that rate, which training reaches.
        count: number of devices.

    Raises:
        ValueError: when a number is not above 0, or the share is above 1.
    """

    memory_bytes: float
    flops: float
    share: float
    count: int = 1

    def __post_init__(self) -> None:
        for name, value in dataclasses.asdict(self).items():
            if not value > 0 or not math.isfinite(value):
                raise ValueError(f"{name} must be above 0. Received: {name}={value}")
        if self.share > 1:
            raise ValueError(
                "share must be at most 1, the device's whole rate. "
                f"Received: share={self.share}"
            )


@dataclasses.dataclass(frozen=True)
class Variant:
    """One way to train the model: its precision, with or without checkpointing.

    Attributes:
        dtype: dtype policy.
        checkpointing: whether with gradient checkpointing.
        model: the model so made.
        is_configured: whether it is the config's own way.
    """

    dtype: str
    checkpointing: bool
    model: SymbolicModel
    is_configured: bool

    @property
    def name(self) -> str:
        """The name of the variant in tables."""
        return self.dtype + (", checkpointing" if self.checkpointing else "")

    @property
    def training_flops(self) -> int:
        """Operations of a training step for each image."""
        return _PASSES[self.checkpointing] * self.model.flops


@dataclasses.dataclass(frozen=True)
class Plan:
    """The estimates of a run.

    Attributes:
        image_shape: (height, width, channels).
        num_levels: levels of a pixel's channel.
        steps: of the whole run.
        batch_size: images of a step, over all devices.
        parts: in which a step's images are computed one after the other.
        numbers_per_weight: float32 numbers held for each weight, itself included.
        variants: ways to train; the config's own is among them.
    """

    image_shape: tuple[int, int, int]
    num_levels: int
    steps: int
    batch_size: int
    parts: int
    numbers_per_weight: Mapping[str, int]
    variants: tuple[Variant, ...]

    @property
    def configured(self) -> Variant:
        """The config's own way to train."""
        return next(variant for variant in self.variants if variant.is_configured)

    @property
    def images(self) -> int:
        """Images of all steps together."""
        return self.steps * self.batch_size

    def weight_bytes(self) -> int:
        """Returns what a device holds at any batch: weights, optimizer, gradients."""
        numbers = sum(self.numbers_per_weight.values())
        return numbers * _BYTES_OF_NUMBER * self.configured.model.num_parameters

    def largest_batch(self, variant: Variant, device: Device) -> int:
        """Returns the images that a device can compute at once; 0 where not one."""
        left = USABLE_SHARE * device.memory_bytes - self.weight_bytes()
        return max(int(left / variant.model.example_bytes), 0)

    def images_at_once(self, num_devices: int) -> int:
        """Returns the images that each of several devices computes at once."""
        return math.ceil(self.batch_size / (self.parts * num_devices))

    def bytes_at_once(self, variant: Variant, num_devices: int) -> int:
        """Returns the most that a device holds while it trains."""
        images = self.images_at_once(num_devices)
        return self.weight_bytes() + images * variant.model.example_bytes

    def hours(self, variant: Variant, device: Device, num_devices: int) -> float:
        """Returns the hours of training on so many devices that wait for nothing.

        The batch is dealt out in whole images: the devices with the most set the pace.
        """
        images = self.steps * self.parts * self.images_at_once(num_devices)
        rate = device.flops * device.share
        return images * variant.training_flops / rate / 3600

    def devices_for(self, variant: Variant, device: Device, hours: float) -> int | None:
        """Returns the fewest devices that are done in so many hours, or None.

        Only numbers that training takes: those that deal a batch out in equal parts.
        """
        images, rest = divmod(self.batch_size, self.parts)
        for count in range(1, images + 1):
            is_even = not rest and images % count == 0
            if is_even and self.hours(variant, device, count) <= hours:
                return count
        return None

    def check_divisible(self, num_devices: int) -> None:
        """Checks that a batch can be dealt out to the devices, as training does.

        Raises:
            ValueError: when it cannot.
        """
        recipe = Recipe(
            self.steps, self.batch_size, gradient_accumulation_steps=self.parts
        )
        recipe.check_divisible(num_devices)


def make_plan(config: Mapping[str, Any]) -> Plan:
    """Plans the run of a config, in float32 and bfloat16, checkpointed and not.

    Args:
        config: an `ml_collections.ConfigDict` or a dict with the fields of
            `trainers.configs.digits`.

    Raises:
        ValueError: when a field of the config is wrong, or the run's length unknown.
    """
    config = to_dict(config)
    check_config(config)
    steps = num_steps(config)
    image_shape, num_levels = image_format(config)
    numbers = {"weights": 1, "moments of Adam": 2, "gradients and copies": _COPIES}
    if config["ema_momentum"] is not None:
        numbers["average of the weights"] = 1
    if config["gradient_accumulation_steps"] > 1:
        numbers["accumulated gradients"] = 1
    name = model_classes.name_of(config)
    arguments = model_classes.arguments_for(config, image_shape)
    own_dtype = arguments.get("dtype") or "float32"
    own = own_dtype, bool(arguments.get("gradient_checkpointing"))
    knows_checkpointing = "gradient_checkpointing" in model_classes.arguments_of(name)
    variants = []
    for dtype in dict.fromkeys(["float32", "mixed_bfloat16", own_dtype]):
        for checkpointing in (False, True) if knows_checkpointing else (False,):
            changes = {"dtype": dtype}
            if knows_checkpointing:
                changes["gradient_checkpointing"] = checkpointing
            model = describe(image_shape, num_levels, name, **arguments | changes)
            is_own = (dtype, checkpointing) == own
            variants.append(Variant(dtype, checkpointing, model, is_own))
    return Plan(
        image_shape,
        num_levels,
        steps,
        config["batch_size"],
        config["gradient_accumulation_steps"],
        numbers,
        tuple(variants),
    )
