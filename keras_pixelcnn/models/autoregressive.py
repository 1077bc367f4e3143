"""AutoregressiveImageModel: scoring and sampling, which all models here share."""

import functools
import os
from typing import Any

import tensorflow as tf

from keras_pixelcnn.models import arguments
from keras_pixelcnn.models.likelihood_model import LikelihoodModel
from keras_pixelcnn.samplers import (
    ScanSteps,
    ancestral_scan,
    example_uniforms,
    raster_scan,
)

SAMPLERS = ("incremental", "ancestral")


class AutoregressiveImageModel(LikelihoodModel):
    """p(x) as the product of every channel of every pixel, given those before it.

    A subclass wires a functional graph from its named inputs, of which "image" is
    always one, to the parameters of the likelihood, and passes it on; see
    `LikelihoodModel` for the arguments. A subclass that can also be run step by step
    overrides `scan_steps`; others are sampled by whole passes.
    """

    def scan_steps(self) -> ScanSteps | None:
        """The model step by step with the weights as they stand, None if it cannot."""
        return None

    def _score(self, image: tf.Tensor) -> tf.Tensor:
        image, batch_size = _at_least_one(image)
        return self._image_log_prob(self(image, training=False), image)[:batch_size]

    @functools.cached_property
    def _compiled_score(self) -> Any:
        images = tf.TensorSpec([None, *self.image_shape], tf.int32)
        return tf.function(self._score, input_signature=[images], autograph=False)

    def log_prob(
        self, image: Any, batch_size: int = 128, validate_args: bool = True
    ) -> tf.Tensor:
        """The exact log probability of each image.

        Inside a `tf.function` the images are scored in one pass and not checked.

        Args:
            image: integers in [0, num_levels), (batch, height, width, channels).
            batch_size: images scored in one pass; bounds the memory. Default 128.
            validate_args: whether values that are no level are refused; else such an
                image gets -inf, as in a `tf.function`. Default True.

        Returns:
            float32 tensor (batch,), in nats. `keras_pixelcnn.bits_per_dim` converts.

        Raises:
            ValueError: when the images are not as said.
        """
        if not tf.executing_eagerly():
            return self._score(image)
        if validate_args:
            image = self._check_images(image)
        images = self._likelihood.as_levels(tf.convert_to_tensor(image))
        if batch_size < 1:
            raise ValueError(
                f"batch_size must be at least 1. Received: batch_size={batch_size}"
            )
        starts = range(0, max(len(images), 1), batch_size)
        scores = [self._compiled_score(images[i : i + batch_size]) for i in starts]
        return tf.concat(scores, axis=0)

    def distribution(self) -> Any:
        """The model as a TensorFlow Probability distribution.

        Returns:
            A `PixelCNNDistribution` with event shape (height, width, channels).
        """
        from keras_pixelcnn.distributions import PixelCNNDistribution

        return PixelCNNDistribution(self)

    # Sampling.

    def sample(
        self,
        num_samples: int = 1,
        seed: Any = None,
        temperature: Any = 1.0,
        sampler: str | None = None,
    ) -> tf.Tensor:
        """Draws images, one channel of one pixel after the other.

        The same seed gives the same image, whatever the batch around it. (Logits may
        differ in the last digits between batch sizes or devices: a draw that falls on
        the very edge between two levels may then flip.)

        Args:
            num_samples: number of images. Default 1.
            seed: one integer for the call, or one per image, (num_samples,), any
                int64. Default: drawn from Python's `random`.
            temperature: divides the logits; a number above 0, or one per image.
            sampler: "incremental" computes every activation once; "ancestral" runs
                the whole network for every channel of every pixel. Default: the
                first where the model has steps.

        Returns:
            Integers in [0, num_levels), (num_samples, height, width, channels), uint8
            where they fit, else int32.

        Raises:
            ValueError: when an argument is out of its range.
        """
        num_samples = arguments.prepare_num_samples(num_samples)
        seeds = arguments.prepare_seeds(seed, num_samples)
        temperature = arguments.prepare_temperature(temperature, num_samples)
        if sampler not in (None, *SAMPLERS):
            raise ValueError(
                f"sampler must be one of {SAMPLERS}. Received: sampler={sampler!r}"
            )
        if not tf.executing_eagerly():
            return self._draw(seeds, temperature, sampler)
        return self._compiled_draw[sampler](seeds, temperature)

    @functools.cached_property
    def _compiled_draw(self) -> Any:
        examples = [tf.TensorSpec([None], tf.int64), tf.TensorSpec([None], tf.float32)]
        return {
            sampler: tf.function(
                functools.partial(self._draw, sampler=sampler),
                input_signature=examples,
                autograph=False,
            )
            for sampler in (None, *SAMPLERS)
        }

    def _draw(
        self, seeds: tf.Tensor, temperature: tf.Tensor, sampler: str | None
    ) -> tf.Tensor:
        steps = None if sampler == "ancestral" else self.scan_steps()
        if steps is None and sampler == "incremental":
            raise ValueError(
                f"{type(self).__name__} cannot be run step by step. Use "
                'sampler="ancestral", which is slower.'
            )
        seeds, batch_size = _at_least_one(seeds)
        temperature, _ = _at_least_one(temperature)
        uniforms = example_uniforms(seeds, self.image_shape)
        positions = tf.transpose(uniforms, [1, 2, 3, 0])

        def draw(
            row: tf.Tensor, column: tf.Tensor, channel: int, parameters: tf.Tensor
        ) -> tf.Tensor:
            noise = positions[row, column, channel]
            return self._likelihood.sample(parameters, noise, temperature)

        # Loops ask that shapes known before them stay known inside.
        rows = seeds.shape[0] or tf.shape(seeds)[0]
        if steps is None:
            whole = functools.partial(self, training=False)
            images = ancestral_scan(whole, draw, self.image_shape, rows)
        else:
            images = raster_scan(steps, draw, self.image_shape, rows)
        dtype = tf.uint8 if self.num_levels <= 256 else tf.int32
        return tf.cast(images[:batch_size], dtype)

    # Export.

    def export(
        self,
        filepath: str | os.PathLike[str],
        format: str = "tf_saved_model",
        verbose: bool = True,
    ) -> None:
        """Writes a SavedModel that TF Serving runs as it is.

        Args:
            filepath: a directory that does not exist, for TF Serving
                `<base>/<version number>`. It appears whole or not at all.
            format: "tf_saved_model", the only one.
            verbose: whether to say what was written. Default True.

        Raises:
            FileExistsError: when something stands there.
            ValueError: when another format is asked for.
        """
        if format != "tf_saved_model":
            raise ValueError(
                f'format must be "tf_saved_model". Received: format={format!r}'
            )
        from keras_pixelcnn.export import export_saved_model

        export_saved_model(self, filepath, verbose=verbose)


def _at_least_one(batch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor | int]:
    """Gives an empty batch a row of ones, since some kernels refuse it.

    Returns:
        The batch, and how many of its rows count.
    """
    if batch.shape[0]:
        return batch, batch.shape[0]
    size = tf.shape(batch)[0]
    padding = tf.ones([tf.maximum(1 - size, 0), *batch.shape[1:]], batch.dtype)
    return tf.concat([batch, padding], axis=0), size
