"""Trains a VQ-VAE, then a prior over its codes, and samples images from both.

python -m trainers.vq_prior --config=vq_prior_digits --workdir=runs/vq_prior

The auto-encoder turns images into small maps of codes, whose distribution a
GatedPixelCNN learns; its samples are decoded. At the end there are metrics.json and
samples.png: originals, what the auto-encoder makes of them, and samples. The same
command goes on with a run that was interrupted. Any field of the config can be set:
--config.epochs=4 --config.vq_vae.num_codes=128.
"""

from absl import flags

from keras_pixelcnn import programs
from trainers.command_line import flag_groups


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    flag_groups.define_run_flags(flag_values, strategies=())


def main(flag_values: flags.FlagValues) -> None:
    """Trains and samples as the flags say."""
    from trainers.vq.training import train_vq_prior

    train_vq_prior(flag_values.config, flag_values.workdir)


if __name__ == "__main__":
    programs.run(main, define_flags)
