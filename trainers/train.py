"""Trains a model.

python -m trainers.train --config=trainers/configs/digits.py --workdir=runs/digits

Any field of the config can be set: --config.epochs=4 --config.model.filters=32. The
same command goes on with a run that was interrupted.
"""

from absl import flags
from ml_collections import config_flags

from trainers import programs


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
    flags.mark_flags_as_required(["config", "workdir"], flag_values)


def main(flag_values: flags.FlagValues) -> None:
    """Trains as the flags say."""
    # Here, so that a mistyped flag is told before TensorFlow loads.
    from trainers.training import train_and_evaluate

    train_and_evaluate(flag_values.config, flag_values.workdir)


if __name__ == "__main__":
    programs.run(main, define_flags)
