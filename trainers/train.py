"""Trains a model.

python -m trainers.train --config=trainers/configs/digits.py --workdir=runs/digits

Any field of the config can be set: --config.epochs=4 --config.model.filters=32. The
same command goes on with a run that was interrupted, at the step where it was. On
several machines it is started on each, with TF_CONFIG in the environment and the
workdir on storage that they share.
"""

from collections.abc import Callable
from typing import Any

from absl import flags
from ml_collections import config_flags

from trainers.command_line import programs


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    config_flags.DEFINE_config_file(
        "config",
        help_string="Python file with the run's settings, as trainers/configs/*.py.",
        flag_values=flag_values,
    )
    flags.DEFINE_string(
        "workdir",
        None,
        "Folder of the run: its results, checkpoints and logs.",
        flag_values=flag_values,
    )
    flags.DEFINE_enum(
        "strategy",
        "auto",
        ["auto", "one", "mirrored", "multi_worker", "parameter_server"],
        "Which devices train: one; mirrored, all GPUs of this machine; multi_worker, "
        "those of the machines that TF_CONFIG names; auto, as many as there are. "
        "parameter_server is refused.",
        flag_values=flag_values,
    )
    flags.DEFINE_integer(
        "num_logical_cpus",
        None,
        "Divides the processors into so many devices, to try out --strategy=mirrored.",
        lower_bound=1,
        flag_values=flag_values,
    )
    flags.DEFINE_enum(
        "on_nonfinite",
        "stop",
        ["stop", "skip"],
        "What to do at a step whose loss or gradient is not a finite number.",
        flag_values=flag_values,
    )
    flags.mark_flags_as_required(["config", "workdir"], flag_values)


def main(flag_values: flags.FlagValues) -> None:
    """Trains as the flags say."""
    # Here, so that a mistyped flag is told before TensorFlow loads.
    from trainers.runs.training import train_and_evaluate

    start(flag_values, train_and_evaluate)


def start(flag_values: flags.FlagValues, train: Callable[..., Any]) -> None:
    """Calls what trains with what the flags say.

    Args:
        flag_values: of `define_flags`, parsed.
        train: takes the config, the workdir, the strategy and what to do at losses that
            are not finite.
    """
    from keras_pixelcnn.training import make_strategy

    train(
        flag_values.config,
        flag_values.workdir,
        # Before anything else that TensorFlow does: workers must meet first.
        make_strategy(flag_values.strategy, flag_values.num_logical_cpus),
        flag_values.on_nonfinite,
    )


if __name__ == "__main__":
    programs.run(main, define_flags)
