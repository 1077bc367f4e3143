"""Trains a model.

python -m trainers.train --config=digits --workdir=runs/digits

Any field of the config can be set: --config.epochs=4 --config.model.filters=32. The
same command goes on with a run that was interrupted, at the step where it was. On
several machines it is started on each, with TF_CONFIG in the environment and the
workdir on storage that they share.
"""

from collections.abc import Callable
from typing import Any

from absl import flags

from keras_pixelcnn import programs
from trainers.command_line import flag_groups


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    define = programs.FlagDefiner(flag_values)
    flag_groups.define_run_flags(flag_values)
    define.count(
        "num_logical_cpus",
        None,
        "Divides the processors into so many devices, to try out --strategy=mirrored.",
    )


def main(flag_values: flags.FlagValues) -> None:
    """Trains as the flags say."""
    from trainers.image_models.training import train_and_evaluate

    start(flag_values, train_and_evaluate)


def start(flag_values: flags.FlagValues, train: Callable[..., Any]) -> None:
    """Calls a function that trains with the values of the flags.

    Args:
        flag_values: of `define_flags`, parsed.
        train: a function of the config, the workdir, the strategy and what to do at
            losses that are not finite.
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
