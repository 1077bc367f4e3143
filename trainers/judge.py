"""The earlier name of `trainers.sample_accuracy`, which it runs."""

from keras_pixelcnn import programs
from trainers.sample_accuracy import define_flags, main

__all__ = ["define_flags", "main"]

if __name__ == "__main__":
    programs.run(main, define_flags)
