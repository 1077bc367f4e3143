"""Trains several models under one budget, and compares them.

python -m trainers.compare --config=compare_digits --workdir=runs/compare

Each model is a run of its own below the workdir, as trainers.train makes it. At the end
there is a table as the paper's table 1: bits/dim of the models and of baselines,
parameters, times; as text, as comparison.json, and with curves and samples as
comparison.html. The same command goes on with a comparison that was interrupted, and
trains what was added to its models. Any field of the config can be set:
--config.epochs=4 --config.models.pixelcnn.model.filters=32.
"""

from absl import flags

from keras_pixelcnn import programs
from trainers.command_line import flag_groups


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    flag_groups.define_run_flags(flag_values, ("auto", "one", "mirrored"))


def main(flag_values: flags.FlagValues) -> None:
    """Compares as the flags say."""
    from keras_pixelcnn.training import make_strategy
    from trainers.comparison.comparing import compare

    compare(
        flag_values.config,
        flag_values.workdir,
        make_strategy(flag_values.strategy),
        flag_values.on_nonfinite,
    )


if __name__ == "__main__":
    programs.run(main, define_flags)
