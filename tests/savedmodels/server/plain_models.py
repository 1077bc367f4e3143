"""SavedModels of a few operations, which are written and loaded in no time."""

import atexit
import contextlib
import functools
import pathlib
import shutil
import tempfile
import uuid

import tensorflow as tf

from savedmodels.server import LocalServer


class Plain(tf.Module):
    """Multiplies by its factor, so that an answer tells which version gave it."""

    def __init__(self, factor):
        super().__init__()
        self.factor = tf.Variable(factor, dtype=tf.float32)

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="x")])
    def scale(self, x):
        wrong = tf.boolean_mask(x, x >= 100)[:1]
        check = tf.debugging.Assert(
            tf.size(wrong) == 0, ["x must be below 100.", "Received:", wrong]
        )
        with tf.control_dependencies([check]):
            return {"y": x * self.factor}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None], tf.bool, name="flag"),
            tf.TensorSpec([None], tf.uint8, name="level"),
            tf.TensorSpec([None], tf.float64, name="precise"),
            tf.TensorSpec([None], tf.string, name="word"),
        ]
    )
    def repeat(self, flag, level, precise, word):
        return {
            "flag": flag,
            "level": level,
            "precise": precise,
            "word": word,
            "word_bytes": word,
        }

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32, name="row")])
    def total(self, row):
        return {"total": tf.reduce_sum(row)}


def save_plain(base, version, factor=1.0):
    """Writes a version, which appears whole; returns its folder."""
    part = pathlib.Path(base) / f".{uuid.uuid4().hex}"
    shutil.copytree(_saved(factor), part)
    return part.rename(part.with_name(str(version)))


@functools.cache
def _saved(factor):
    """A folder that is copied: many tests serve the same."""
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    module = Plain(factor)
    signatures = {
        "serving_default": module.scale,
        "repeat": module.repeat,
        "total": module.total,
    }
    tf.saved_model.save(module, folder.name, signatures=signatures)
    return folder.name


@contextlib.contextmanager
def started(base, **options):
    """Serves the versions of a folder as the model "m", once there is one."""
    with LocalServer({"m": base}, **options) as server:
        server.wait_until_available("m")
        yield server
