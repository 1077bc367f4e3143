"""What two logical CPUs and one do, side by side, in one process; told as JSON."""

import json
import math
import sys

import keras
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
logical = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, logical)

import keras_pixelcnn as kp  # noqa: E402
from keras_pixelcnn.training import Evaluation, Recipe, TrainStep  # noqa: E402

SHAPE, LEVELS = (4, 4, 1), 4
IMAGES = np.random.default_rng(0).integers(0, LEVELS, (64, *SHAPE)).astype("uint8")
ONE = tf.distribute.get_strategy()
TWO = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def new_model(strategy, optimizer=None, **arguments):
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = kp.GatedPixelCNN(SHAPE, LEVELS, filters=2, num_blocks=1, **arguments)
        if optimizer is not None:
            # Of one device a graph takes longer to make than all its steps.
            model.compile(optimizer(), run_eagerly=strategy is ONE)
    return model


def largest_difference(ours, theirs):
    pairs = zip(ours, theirs, strict=True)
    return max(float(np.max(np.abs(a - b))) for a, b in pairs)


def train(strategy, steps=20, parts=1, **arguments):
    """Weights, averages and the norms of the gradients after some steps."""
    model = new_model(strategy, **arguments)
    recipe = Recipe(
        steps,
        16,
        learning_rate=0.02,
        warmup_steps=3,
        weight_decay=0.01,
        clip_norm=0.03,
        ema_momentum=0.9,
        gradient_accumulation_steps=parts,
    )
    step = TrainStep(model, recipe, strategy)
    batches = [{"image": np.roll(IMAGES, 5 * i, axis=0)[:16]} for i in range(steps)]
    results = [step(batch) for batch in batches]
    averages = [value.numpy() for value in step.average.values]
    return model, averages, [result.gradient_norm for result in results]


def same_as_one_device():
    one, averages, norms = train(ONE)
    found = {"norms": norms}
    for name, arguments in (
        ("two", {"strategy": TWO}),
        ("two in parts", {"strategy": TWO, "parts": 2}),
        (
            "one device strategy in parts",
            {"strategy": tf.distribute.OneDeviceStrategy("CPU:1"), "parts": 4},
        ),
    ):
        model, others, other_norms = train(**arguments)
        found[name] = {
            "weights": largest_difference(one.get_weights(), model.get_weights()),
            "averages": largest_difference(averages, others),
            "norms": largest_difference(norms, other_norms),
        }
    found["moved"] = largest_difference(one.get_weights(), new_model(ONE).get_weights())
    found["average lags"] = largest_difference(
        averages, [weight.numpy() for weight in one.trainable_variables]
    )
    return found


def dropout():
    with TWO.scope():
        layer = kp.layers.dropout.StatelessDropout(0.5)
    drop = lambda: layer(tf.ones([64]), training=True)  # noqa: E731
    first, second = TWO.run(drop).values
    again = TWO.run(drop).values[0]
    return {
        "replicas differ": bool(np.any(first != second)),
        "steps differ": bool(np.any(first != again)),
    }


def evaluation():
    """Uneven numbers of images, down to fewer than devices."""
    model = new_model(TWO)
    by_hand = model.log_prob(IMAGES).numpy().astype("float64")
    found, evaluate = {}, Evaluation(model, TWO, 5 + 1)
    for count in (1, 7, 64):
        batches = [{"image": IMAGES[:count][i : i + 6]} for i in range(0, count, 6)]
        score = evaluate.score(batches)
        expected = -by_hand[:count].mean() / (math.prod(SHAPE) * math.log(2))
        found[count] = abs(score - expected)
    return found


class Fitted:
    """A model that is trained again and again from where it began."""

    def __init__(self, strategy, optimizer):
        self._model = new_model(strategy, optimizer)
        self._initial = self._model.get_weights()

    def score(self, count):
        """The score of so many images by the initial weights."""
        self._model.set_weights(self._initial)
        return self._model.evaluate(IMAGES[:count], verbose=0)[0]

    def __call__(self, count, batch_size=8):
        """Weights and the last score after two epochs of so many images."""
        self._model.set_weights(self._initial)
        history = self._model.fit(
            IMAGES[:count], batch_size=batch_size, epochs=2, shuffle=False, verbose=0
        )
        return self._model.get_weights(), history.history["bits_per_dim"][-1]


def fit():
    """Keras's own loop, with what it gets wrong on several devices by itself."""
    ways = {  # two have last batches of 3 images, or of 1: fewer than devices
        "clipnorm, ema": (
            lambda: keras.optimizers.Adam(
                0.01, clipnorm=0.02, use_ema=True, ema_momentum=0.9
            ),
            {"count": 27},
        ),
        "global_clipnorm": (
            lambda: keras.optimizers.SGD(0.5, global_clipnorm=0.05),
            {"count": 25},
        ),
        "clipvalue": (
            lambda: keras.optimizers.SGD(0.5, clipvalue=0.01),
            {"count": 21, "batch_size": 7},
        ),
    }
    found, weights = {}, {}
    for name, (optimizer, given) in ways.items():
        one, two = (Fitted(each, optimizer)(**given) for each in (ONE, TWO))
        found[name] = largest_difference(one[0], two[0])
        found[f"score with {name}"] = abs(one[1] - two[1])
        weights[name] = two[0]
    sgd = lambda: keras.optimizers.SGD(0.5)  # noqa: E731
    plain = [Fitted(each, sgd) for each in (ONE, TWO)]
    for count in (1, 3):  # a batch that the devices share unevenly
        scores = [fitted.score(count) for fitted in plain]
        found[f"score of {count} images"] = abs(scores[0] - scores[1])
    one, two = (fitted(25) for fitted in plain)  # of its gradients, the size counts
    found["last batch of 1"] = largest_difference(one[0], two[0])
    found["clipping matters"] = largest_difference(weights["global_clipnorm"], two[0])
    return found


def refusals():
    adam = keras.optimizers.Adam

    def compiled_outside():
        new_model(TWO).compile("adam")

    def optimizer_outside():
        model = new_model(TWO)
        optimizer = adam()
        with TWO.scope():
            model.compile(optimizer)

    def model_outside():
        model = new_model(ONE, adam)
        with TWO.scope():
            model.fit(IMAGES, verbose=0)

    def compile_with(**arguments):
        model = new_model(TWO)
        with TWO.scope():
            model.compile("adam", **arguments)

    def accumulate():
        new_model(TWO, lambda: adam(gradient_accumulation_steps=2))

    def overwrite():
        new_model(TWO, lambda: adam(use_ema=True, ema_overwrite_frequency=2))

    def uneven_batches():
        TrainStep(new_model(TWO), Recipe(10, 15), TWO)

    tries = {
        "compiled outside": compiled_outside,
        "optimizer outside": optimizer_outside,
        "model outside": model_outside,
        "jit_compile": lambda: compile_with(jit_compile=True),
        "steps_per_execution": lambda: compile_with(steps_per_execution=2),
        "gradient_accumulation_steps": accumulate,
        "ema_overwrite_frequency": overwrite,
        "batch_size": uneven_batches,
    }
    found = {}
    for name, attempt in tries.items():
        try:
            attempt()
        except ValueError as error:
            found[name] = str(error)
        else:
            found[name] = "taken"
    return found


def mixed_precision():
    """Losses in 16 bits on two devices, and a loss scale that overflows at first."""
    model = new_model(TWO, dtype="mixed_float16")
    step = TrainStep(model, Recipe(10, 16, learning_rate=0.02), TWO)
    batch = {"image": IMAGES[:16]}
    before = model.get_weights()
    (factor, _) = step.state()["loss_scale"]
    factor.assign(1e30)
    first = step(batch)
    found = {
        "rescaled": first.is_rescaled and not first.is_applied,
        "left alone": largest_difference(before, model.get_weights()) == 0,
        "halved": abs(factor.numpy() / 0.5e30 - 1) < 1e-6,
    }
    factor.assign(2.0**10)
    results = [step(batch) for _ in range(9)]
    found["applied"] = all(result.is_applied for result in results)
    found["improved"] = results[-1].loss < results[0].loss
    reference = TrainStep(new_model(ONE), Recipe(10, 16, learning_rate=0.02), ONE)
    found["norm"] = abs(reference(batch).gradient_norm / results[0].gradient_norm - 1)
    return found


if __name__ == "__main__":
    parts = (same_as_one_device, dropout, evaluation, fit, refusals, mixed_precision)
    found = {part.__name__: part() for part in parts}
    json.dump(found, sys.stdout, default=lambda value: value.item())
