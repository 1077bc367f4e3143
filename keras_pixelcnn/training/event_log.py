"""TensorBoard's log of a run that may be interrupted: nothing stands in it twice."""

import os
import pathlib
from collections.abc import Iterator, Mapping

import numpy as np
import tensorflow as tf
from tensorflow.core.util import event_pb2

from keras_pixelcnn.files import replace_when_written


class EventLog:
    """Scalars and pictures, in a folder for each curve of a diagram.

    Args:
        folder: where the log lies; made with the first entry.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = pathlib.Path(folder)
        self._writers: dict[str, tf.summary.SummaryWriter] = {}

    def scalars(self, curve: str, values: Mapping[str, float], step: int) -> None:
        """Adds numbers.

        Args:
            curve: name of the folder inside the log, as "train".
            values: by the diagram's name.
            step: the training step.
        """
        with self._writer(curve).as_default():
            for name, value in values.items():
                tf.summary.scalar(name, value, step=step)

    def picture(self, curve: str, name: str, picture: np.ndarray, step: int) -> None:
        """Adds a picture, uint8 (height, width, channels)."""
        with self._writer(curve).as_default():
            tf.summary.image(name, picture[np.newaxis], step=step)

    def _writer(self, curve: str) -> tf.summary.SummaryWriter:
        if curve not in self._writers:
            path = str(self.folder / curve)
            self._writers[curve] = tf.summary.create_file_writer(path)
        return self._writers[curve]

    def flush(self) -> None:
        """Writes down what has been added."""
        for writer in self._writers.values():
            writer.flush()

    def close(self) -> None:
        """Writes down what has been added, and ends."""
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def cut(self, step: int) -> None:
        """Takes away what comes after a step, and a last entry that was half written.

        Args:
            step: the step that training goes on from.
        """
        for path in self.folder.rglob("*.tfevents.*"):
            if not path.name.startswith("."):
                _cut_file(path, step)


def _cut_file(path: pathlib.Path, step: int) -> None:
    records = list(_whole_records(path))
    kept = [
        record for record in records if event_pb2.Event.FromString(record).step <= step
    ]
    with replace_when_written(path) as part:
        with tf.io.TFRecordWriter(str(part)) as writer:
            for record in kept:
                writer.write(record)


def _whole_records(path: pathlib.Path) -> Iterator[bytes]:
    try:
        yield from tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    except tf.errors.DataLossError:  # the writer was killed
        return
