"""Estimates memory, arithmetic, hours and devices of a run before it is trained.

python -m trainers.plan --config=imagenet64 --num_devices=32

Any field of the config can be set, as for `trainers.train`. Nothing is loaded,
allocated or computed: the figures are read from the model's graph.
"""

from absl import flags

from keras_pixelcnn import programs
from trainers.command_line import flag_groups

_SHARE = 0.58
_SHARE_SOURCE = (
    "what training a 32x32x3 model reached on a CPU (benchmarks/README.md, table e); "
    "on accelerators not measured"
)


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    define = programs.FlagDefiner(flag_values)
    flag_groups.define_config_flag(flag_values)
    define.float("device_memory_gib", 80.0, "GiB of one device's memory.")
    define.float(
        "device_tflops",
        60.0,
        "TFLOP/s of one device's own matrix products, in the precision of the run.",
    )
    define.float(
        "device_share",
        None,
        f"Share of that rate which training reaches, in (0, 1]. Default: {_SHARE}, "
        f"{_SHARE_SOURCE}.",
    )
    define.count("num_devices", 1, "Devices that share each batch.")
    define.float(
        "hours",
        60.0,
        "Hours in which the run shall be done: how many devices that takes is told. "
        "Default: about the paper's.",
    )
    define.required(["config"])
    define.check("hours", lambda hours: hours > 0, "must be above 0")


def main(flag_values: flags.FlagValues) -> None:
    """Prints the plan."""
    from trainers.planning.plan_table import format_plan
    from trainers.planning.planning import Device, make_plan

    share, source = flag_values.device_share, "--device_share"
    if share is None:
        share, source = _SHARE, _SHARE_SOURCE
    device = Device(
        flag_values.device_memory_gib * 2**30,
        flag_values.device_tflops * 1e12,
        share,
        flag_values.num_devices,
    )
    plan = make_plan(flag_values.config)
    plan.check_divisible(device.count)
    print(format_plan(plan, device, flag_values.hours, source))


if __name__ == "__main__":
    programs.run(main, define_flags)
