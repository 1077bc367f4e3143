"""Trains a VQ-VAE, then a prior over its codes, and draws images with both.

python -m trainers.vq_prior --config=CONFIG --workdir=runs/vq_prior

with CONFIG such as trainers/configs/vq_prior_fashion_mnist.py.

The auto-encoder turns images into small maps of codes, whose distribution a
GatedPixelCNN learns; what that draws is decoded. At the end there are metrics.json and
samples.png: originals, what the auto-encoder makes of them, and samples. The same
command goes on with a run that was interrupted. Any field of the config can be set:
--config.epochs=4 --config.vq_vae.num_codes=128.
"""

from absl import flags
from ml_collections import config_flags

from trainers.command_line import programs


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    define = {"flag_values": flag_values}
    config_flags.DEFINE_config_file(
        "config",
        help_string="Python file with the run's settings, as "
        "trainers/configs/vq_prior_*.py.",
        **define,
    )
    flags.DEFINE_string(
        "workdir", None, "Folder of the run: its results and checkpoints.", **define
    )
    flags.mark_flags_as_required(["config", "workdir"], flag_values)


def main(flag_values: flags.FlagValues) -> None:
    """Trains and draws as the flags say."""
    # Here, so that a mistyped flag is told before TensorFlow loads.
    from trainers.vq.running import train_vq_prior

    train_vq_prior(flag_values.config, flag_values.workdir)


if __name__ == "__main__":
    programs.run(main, define_flags)
