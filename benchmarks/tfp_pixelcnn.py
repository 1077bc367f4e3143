"""`tfp.distributions.PixelCNN`, with about as many parameters, against our model.

Theirs is a PixelCNN++: another network and likelihood, of about the same size. It runs
on tf_keras, the Keras 2 that TensorFlow Probability is written for, beside Keras 3 in
one process; everything is in a `tf.function`. Its sampler runs the network once a
pixel, and is measured whole, on a smaller batch.
"""

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from benchmarks.report import Record, Row
from benchmarks.timing import (
    compiled_step,
    image_shape,
    median_seconds,
    new_model,
    num_parameters,
    random_images,
)

ARGUMENTS = {
    # As in the example of its documentation but for the filters, which make it as
    # large as ours.
    "num_resnet": 1,
    "num_hierarchies": 2,
    "num_filters": 23,
    "num_logistic_mix": 5,
    "dropout_p": 0.0,  # ours has none here
    "use_weight_norm": False,  # its documentation: works in eager mode only
}
VERBS = ("log_prob", "train", "sample")


def measure(
    runs: int,
    name: str = "28x28x1",
    batch_size: int = 64,
    sample_batch_size: int = 16,
    arguments: Mapping[str, Any] = ARGUMENTS,
) -> list[Record]:
    """Measures scoring, a training step and sampling, theirs and ours.

    Args:
        runs: counted runs of each alternative.
        name: a key of `benchmarks.timing.MODELS`.
        batch_size: images that are scored, and of a training step.
        sample_batch_size: images that are sampled.
        arguments: of `tfp.distributions.PixelCNN`.
    """
    ours = new_model(name)
    ours.compile("adam", jit_compile=False)
    images = random_images(name, batch_size)
    theirs, values = their_model(name, arguments), tf.cast(images, tf.float32)
    seconds = median_seconds(
        {
            "our log_prob": lambda: ours.log_prob(images, batch_size=batch_size),
            "their log_prob": tf.function(
                lambda: theirs.log_prob(values, training=False), autograph=False
            ),
            "our train": compiled_step(ours, images),
            "their train": their_training_step(theirs, images),
            "our sample": lambda: ours.sample(sample_batch_size, seed=1),
            "their sample": tf.function(
                lambda: theirs.sample(sample_batch_size, training=False),
                autograph=False,
            ),
        },
        runs,
    )
    return [
        {
            "images": name,
            "verb": verb,
            "batch_size": sample_batch_size if verb == "sample" else batch_size,
            "our_parameters": num_parameters(ours.trainable_weights),
            "tfp_parameters": num_parameters(theirs.network.trainable_weights),
            "our_seconds": seconds[f"our {verb}"],
            "tfp_seconds": seconds[f"their {verb}"],
            "tfp / ours": seconds[f"their {verb}"] / seconds[f"our {verb}"],
        }
        for verb in VERBS
    ]


def their_model(name: str, arguments: Mapping[str, Any]) -> Any:
    """Makes a `tfp.distributions.PixelCNN` for images of a size."""
    # Imported here: it brings a second Keras, which no other row needs.
    from tensorflow_probability import distributions as tfd

    return tfd.PixelCNN(tf.TensorShape(image_shape(name)), **arguments)


def their_training_step(distribution: Any, images: tf.Tensor) -> Callable[[], Any]:
    """Returns a compiled step of Adam on the mean log probability.

    The masks of its kernels are constraints, which its optimiser applies.
    """
    import tf_keras

    values = tf.cast(images, tf.float32)
    weights = distribution.network.trainable_weights
    optimizer = tf_keras.optimizers.Adam()
    optimizer.build(weights)

    @tf.function(autograph=False)
    def step() -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(distribution.log_prob(values, training=True))
        gradients = tape.gradient(loss, weights)
        optimizer.apply_gradients(zip(gradients, weights, strict=True))
        return loss

    return step


ROW = Row(
    "Against tfp.distributions.PixelCNN",
    measure,
    {
        "": "{verb}",
        "batch": "{batch_size}",
        "ours": lambda row: (
            f"{row['our_seconds']:.3f} s, {row['our_parameters']:,} parameters"
        ),
        "tfd.PixelCNN": lambda row: (
            f"{row['tfp_seconds']:.3f} s, {row['tfp_parameters']:,} parameters"
        ),
        "tfd.PixelCNN / ours": "{tfp / ours:.2f}",
    },
)
