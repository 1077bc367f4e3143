"""`trainers.train`, but what it trained is neither exported nor drawn from at the end.

That is most of a tiny run's time, and for the tests of `finished` to look at.
"""

import pathlib

import tensorflow as tf

from keras_pixelcnn.models import AutoregressiveImageModel


def export(model, filepath, **options):
    """An empty folder in place of a SavedModel, and like it only where none is."""
    pathlib.Path(filepath).mkdir(parents=True)


def sample(model, num_samples, **options):
    """Black images in place of samples."""
    return tf.zeros([num_samples, *model.image_shape], tf.uint8)


if __name__ == "__main__":
    from keras_pixelcnn import programs
    from trainers import train
    from trainers.image_models import results

    AutoregressiveImageModel.export = export
    AutoregressiveImageModel.sample = sample
    results.save_completions = lambda *arguments, **options: None
    programs.run(train.main, train.define_flags)
