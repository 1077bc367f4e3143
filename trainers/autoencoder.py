"""Trains an auto-encoder with a PixelCNN as its decoder, and the paper's baseline.

python -m trainers.autoencoder --config=autoencoder_digits --workdir=runs/autoencoder

It measures both on the test split, and says whether the decoder uses the latent. Flags
and interruptions are those of `trainers.train`.
"""

from absl import flags

from keras_pixelcnn import programs
from trainers import train

define_flags = train.define_flags


def main(flag_values: flags.FlagValues) -> None:
    """Trains as the flags say."""
    from trainers.autoencoding.training import train_autoencoder

    train.start(flag_values, train_autoencoder)


if __name__ == "__main__":
    programs.run(main, define_flags)
