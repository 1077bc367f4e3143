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
        return self._image_log_prob(self(image, training=False), image)

    @functools.cached_property
    def _compiled_score(self) -> Any:
        images = tf.TensorSpec([None, *self.image_shape], tf.int32)
        return tf.function(self._score, input_signature=[images], autograph=False)

    def log_prob(self, image: Any, batch_size: int = 128) -> tf.Tensor:
        """The exact log probability of each image.

        Inside a `tf.function` the images are scored in one pass and not checked;
        values out of the range then get -inf.

        Args:
            image: integers in [0, num_levels), (batch, height, width, channels).
            batch_size: images scored in one pass; bounds the memory. Default 128.

        Returns:
            float32 tensor (batch,), in nats. `keras_pixelcnn.bits_per_dim` converts.

        Raises:
            ValueError: when the images are not as said.
        """
        if not tf.executing_eagerly():
            return self._score(image)
        images = self._check_images(image).astype("int32")
        if batch_size < 1:
            raise ValueError(
                f"batch_size must be at least 1. Received: batch_size={batch_size}"
            )
        starts = range(0, len(images), batch_size)
        scores = [self._compiled_score(images[i : i + batch_size]) for i in starts]
        return tf.concat([*scores, tf.zeros([0])], axis=0)

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
        if num_samples == 0:  # some kernels refuse an empty batch
            return tf.zeros([0, *self.image_shape], self._sample_dtype)
        return self._compiled_draw[sampler](seeds, temperature)

    @property
    def _sample_dtype(self) -> tf.DType:
        return tf.uint8 if self.num_levels <= 256 else tf.int32

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
        uniforms = example_uniforms(seeds, self.image_shape)
        positions = tf.transpose(uniforms, [1, 2, 3, 0])

        def draw(
            row: tf.Tensor, column: tf.Tensor, channel: int, parameters: tf.Tensor
        ) -> tf.Tensor:
            noise = positions[row, column, channel]
            return self._likelihood.sample(parameters, noise, temperature)

        # Loops ask that shapes known before them stay known inside.
        batch_size = seeds.shape[0]
        if batch_size is None:
            batch_size = tf.shape(seeds)[0]
        if steps is None:
            whole = functools.partial(self, training=False)
            images = ancestral_scan(whole, draw, self.image_shape, batch_size)
        else:
            images = raster_scan(steps, draw, self.image_shape, batch_size)
        return tf.cast(images, self._sample_dtype)

    # Export.

    def export(self, filepath: str | os.PathLike[str], **kwargs: Any) -> None:
        """Writes a SavedModel that TF Serving runs as it is.

        Args:
            filepath: a directory that does not exist, for TF Serving
                `<base>/<version number>`. It appears whole or not at all.
            **kwargs: `verbose`, default True.

        Raises:
            FileExistsError: when something stands there.
        """
        from keras_pixelcnn.export import export_saved_model

        export_saved_model(self, filepath, **kwargs)
