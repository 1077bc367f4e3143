"""Training from the input pipeline against training from memory.

An epoch of `fit` on the trainers' own data (decoded, cut, cached, shuffled, batched)
against as many steps on one batch that lies in memory; and, from TensorFlow's profile
of an epoch, the share of the steps that passes in waiting for the next batch.
"""

import pathlib
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

import keras_pixelcnn as kp
from benchmarks.report import Record, Row
from benchmarks.timing import median_seconds
from trainers.configs import digits, photos
from trainers.runs.data import load_training_data

CONFIGS = {"digits": digits.get_config, "photos": photos.get_config}
"""Training runs whose data needs no download."""

_STEP = "training_step"
_WAITING = ("IteratorGetNext", "IteratorGetNextAsOptional")


def measure(
    runs: int,
    names: Sequence[str] = tuple(CONFIGS),
    model: Mapping[str, Any] | None = None,
) -> list[Record]:
    """Measures a step from the pipeline and from memory, and the share of waiting.

    Args:
        runs: counted runs of each alternative, epochs of training.
        names: keys of `CONFIGS`.
        model: arguments of `GatedPixelCNN`. Default: the config's.
    """
    records = []
    for name in names:
        config = CONFIGS[name]().to_dict()
        data = load_training_data(config)
        steps = data.steps_per_epoch
        network = kp.GatedPixelCNN(
            data.image_shape, data.num_levels, **(model or config["model"])
        )
        network.compile("adam")
        batches = (
            data.train.cache()
            .shuffle(len(data.train), seed=0)
            .batch(config["batch_size"], drop_remainder=True)
            .prefetch(tf.data.AUTOTUNE)
        )
        *_, batch = batches  # all of them: the cache is full before anything counts
        in_memory = tf.data.Dataset.from_tensors(batch).repeat(steps)
        seconds = median_seconds(
            {
                "pipeline": lambda m=network, d=batches: _train(m, d),
                "memory": lambda m=network, d=in_memory: _train(m, d),
            },
            runs,
        )
        records.append(
            {
                "config": name,
                "images": "x".join(map(str, data.image_shape)),
                "batch_size": config["batch_size"],
                "steps": steps,
                "pipeline_seconds": seconds["pipeline"] / steps,
                "memory_seconds": seconds["memory"] / steps,
                "pipeline / memory": seconds["pipeline"] / seconds["memory"],
                "waiting / step": waiting_share(network, batches),
            }
        )
    return records


def _train(
    model: keras.Model,
    batches: tf.data.Dataset,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> list[float]:
    history = model.fit(batches, verbose=0, callbacks=list(callbacks))
    return history.history["loss"]


def waiting_share(model: keras.Model, batches: tf.data.Dataset) -> float:
    """Measures the share of an epoch's steps that waits for the next batch.

    Args:
        model: a compiled model that was trained before: nothing is traced or compiled
            while the profile is taken.
        batches: training data.

    Raises:
        ValueError: when the profile holds no steps or no fetching of batches.
    """
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder)
        try:
            _train(model, batches, [_MarkSteps()])
        finally:
            tf.profiler.experimental.stop()
        events = list(_events(pathlib.Path(folder)))
    steps = [seconds for name, seconds in events if name == _STEP]
    waits = [
        seconds
        for name, seconds in events
        if name.removesuffix("Op::DoCompute") in _WAITING
    ]
    if not steps or not waits:
        raise ValueError(
            "The profile must hold steps and the fetching of their batches. "
            f"Received: {len(steps)} steps, {len(waits)} batches"
        )
    return sum(waits) / sum(steps)


class _MarkSteps(keras.callbacks.Callback):
    """Marks each training step, the fetching of its batch included, in the profile."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self._mark = tf.profiler.experimental.Trace(_STEP, step_num=batch, _r=1)
        self._mark.__enter__()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        float(logs["loss"])  # a step has ended when its result is there
        self._mark.__exit__(None, None, None)


def _events(folder: pathlib.Path) -> Iterable[tuple[str, float]]:
    """Yields names and seconds of all events of the profiles in a folder."""
    # Imported here: most programs of this package never read a profile.
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    for path in folder.rglob("*.xplane.pb"):
        space = xplane_pb2.XSpace.FromString(path.read_bytes())
        for plane in space.planes:
            names = plane.event_metadata
            for line in plane.lines:
                for event in line.events:
                    yield names[event.metadata_id].name, event.duration_ps / 1e12


ROW = Row(
    "Training from the input pipeline against training from memory",
    measure,
    {
        "config": "{config}",
        "images": "{images}",
        "batch": "{batch_size}",
        "step from the pipeline": "{pipeline_seconds:.4f} s",
        "step from memory": "{memory_seconds:.4f} s",
        "pipeline / memory": "{pipeline / memory:.2f}",
        "share of a step spent waiting": "{waiting / step:.1%}",
    },
)
