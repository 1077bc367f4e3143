"""The plan of a run as a table with units."""

from collections.abc import Iterable

from trainers.planning.planning import USABLE_SHARE, Device, Plan, Variant
from trainers.planning.training_memory import MEASURED_RATIO

_GIB = 2**30
_MIB = 2**20
_HEADINGS = (
    "way to train",
    "MiB an image",
    "GiB a device",
    "images that fit",
    "TFLOP an image",
    "hours",
    "devices",
)


def format_plan(plan: Plan, device: Device, hours: float, share_source: str) -> str:
    """Returns the plan as a table."""
    model = plan.configured.model
    shape = "x".join(map(str, plan.image_shape))
    gib = plan.weight_bytes() / sum(plan.numbers_per_weight.values()) / _GIB
    network = [
        ("images", shape, "height x width x channels"),
        ("levels", f"{plan.num_levels:,}", "values of a channel"),
        ("parameters", f"{model.num_parameters:,}", "trainable numbers"),
        ("a pass", f"{model.flops / 1e9:,.2f}", "GFLOP an image (model.flops())"),
        *(
            (name, f"{gib * count:,.3f}", "GiB on each device")
            for name, count in plan.numbers_per_weight.items()
        ),
    ]
    parts = f" in {plan.parts} parts" if plan.parts > 1 else ""
    at_once = plan.images_at_once(device.count)
    run = [
        ("steps", f"{plan.steps:,}", "updates of the weights"),
        ("batch", f"{plan.batch_size:,}", f"images a step, over all devices{parts}"),
        ("images in all", f"{plan.images:,}", "images, counted as often as they come"),
        ("at once", f"{at_once:,}", f"images on each of {device.count} devices"),
    ]
    assumed = [
        ("device's rate", f"{device.flops / 1e12:,.1f}", "TFLOP/s of matrix products"),
        ("share of it", f"{device.share:.2f}", f"of that rate: {share_source}"),
        ("device's memory", f"{device.memory_bytes / _GIB:,.1f}", "GiB"),
        ("usable", f"{USABLE_SHARE:.2f}", "of that memory: assumed"),
    ]
    rows = [_row(plan, variant, device, hours) for variant in plan.variants]
    return "\n".join(
        [
            *_lines(network),
            "",
            *_lines(run),
            "",
            *_lines(assumed),
            "",
            *_columns([_HEADINGS, *rows]),
            "",
            *_explained(plan, device, hours),
        ]
    )


def _row(plan: Plan, variant: Variant, device: Device, hours: float) -> list[str]:
    needed = plan.devices_for(variant, device, hours)
    takes = plan.bytes_at_once(variant, device.count)
    fits = takes <= USABLE_SHARE * device.memory_bytes
    return [
        variant.name + (" (the config's)" if variant.is_configured else ""),
        f"{variant.model.example_bytes / _MIB:,.1f}",
        f"{takes / _GIB:,.2f}" + ("" if fits else " (too much)"),
        f"{plan.largest_batch(variant, device):,}",
        f"{variant.training_flops / 1e12:,.3f}",
        f"{plan.hours(variant, device, device.count):,.2f}",
        "none" if needed is None else f"{needed:,}",
    ]


def _explained(plan: Plan, device: Device, hours: float) -> list[str]:
    at_once = plan.images_at_once(device.count)
    words = {
        "MiB an image": "what each image of a batch takes in a training step, read "
        f"from its graph and times {MEASURED_RATIO}; in float32 on a CPU that was 11 % "
        "too low to 16 % too high, else it was not measured",
        "GiB a device": f"that of {at_once:,} images at once, and all for the weights",
        "images that fit": "the largest batch of one device",
        "TFLOP an image": "of a training step: 3 passes, with checkpointing 4",
        "hours": f"on {device.count} devices that wait for nothing: reading, exchange, "
        "validation and samples come on top",
        "devices": f"the fewest that are done in {hours:g} hours, of those that divide "
        "a batch evenly: others are refused",
    }
    return [f"{name:17}{explained}" for name, explained in words.items()]


def _lines(rows: Iterable[tuple[str, str, str]]) -> list[str]:
    return [f"{name:24}{value:>16}  {unit}" for name, value, unit in rows]


def _columns(rows: list[Iterable[str]]) -> list[str]:
    """Aligns names to the left and numbers to the right."""
    rows = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [row[0].ljust(widths[0])]
            + [cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True)]
        )
        for row in rows
    ]
