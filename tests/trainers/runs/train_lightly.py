"""`trainers.train`, but what it trained is not exported: most of a tiny run's time.

What it exports is for the tests of `finished` to say.
"""

import pathlib

from keras_pixelcnn.models import AutoregressiveImageModel


def export(model, filepath, **options):
    """An empty folder in place of a SavedModel, and like it only where none is."""
    pathlib.Path(filepath).mkdir(parents=True)


if __name__ == "__main__":
    from keras_pixelcnn import programs
    from trainers import train

    AutoregressiveImageModel.export = export
    programs.run(train.main, train.define_flags)
