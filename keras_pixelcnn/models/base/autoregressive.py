"""AutoregressiveImageModel: sampling, completion and interpolation of images."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from keras_pixelcnn.checks import check_shape, checked, verb
from keras_pixelcnn.interpolation import interpolate_embeddings
from keras_pixelcnn.models.base import input_data, request_validation
from keras_pixelcnn.models.base.likelihood_model import LikelihoodModel
from keras_pixelcnn.models.base.sampling import (
    OPTIONS,
    answer_request,
    scan_batch,
    split_options,
)
from keras_pixelcnn.samplers import (
    BatchSlices,
    Draw,
    KnownPixels,
    ScanPass,
    ScanSteps,
    raster_pass,
    raster_scan,
)


class AutoregressiveImageModel(LikelihoodModel):
    """An autoregressive model p(x | h) of images, given conditions h.

    The distribution of every channel of every pixel depends on those before it.

    A subclass wires a functional graph from its named inputs, of which "image" is
    always one, to the parameters of the likelihood, and passes it on; see
    `LikelihoodModel` for the arguments. A subclass that can also be run step by step
    overrides `scan_steps`; others are sampled by whole passes, as few as the noise
    needs (`samplers.fixed_point_scan`).

    All verbs take the model's conditions by their names, one for all images or one for
    each: `label`, integers () or (batch,); `embedding`, floats (d,) or (batch, d);
    `spatial`, floats (h', w', c') or (batch, h', w', c'); `caption`, a sentence or one
    for each, or the numbers of their words, (length,) or (batch, length). A model
    trained with `condition_dropout` can be left without: it is then the unconditional
    model; so it is for single images by the label -1.
    """

    def scan_steps(
        self, conditions: Mapping[str, tf.Tensor] | None = None
    ) -> ScanSteps:
        """Returns the model's steps along the raster, with the weights as they stand.

        Args:
            conditions: the model's inputs beside the image, of a batch. Default: none.

        Raises:
            NotImplementedError: when the model has none; see `has_scan_steps`.
        """
        name = type(self).__name__
        raise NotImplementedError(f"{name} has no steps along the raster. Use scan.")

    @property
    def has_scan_steps(self) -> bool:
        """Whether the model can be run step by step: along the raster or otherwise."""
        return any(
            getattr(type(self), name) is not getattr(AutoregressiveImageModel, name)
            for name in ("scan_steps", "scan_by_steps")
        )

    @property
    def why_no_scan_steps(self) -> str:
        """Why the model cannot be run step by step, in a sentence."""
        return f"{type(self).__name__} cannot be run step by step."

    @property
    def scan_passes(self) -> tuple[ScanPass, ...]:
        """The model's order: passes over pixels, each of some of their channels.

        Each value may depend on those before it. This is the raster's order, from left
        to right and from the top down, all channels of a pixel one after the other,
        unless a subclass has another.
        """
        return (raster_pass(self.image_shape),)

    def scan_by_steps(
        self,
        draw: Draw,
        conditions: Mapping[str, tf.Tensor],
        slices: BatchSlices,
        known: KnownPixels | None = None,
    ) -> tf.Tensor:
        """Visits every value of a batch by steps: what samplers and codecs drive.

        A subclass whose order is not the raster's overrides it.

        Args:
            draw: as for `scan`.
            conditions: of the examples of all slices, in their order.
            slices: how the batch is cut.
            known: values known beforehand, of the examples of all slices. Default:
                none.

        Returns:
            int32 tensor (slices, examples, height, width, channels).
        """
        steps = self.scan_steps(conditions)
        return raster_scan(steps, draw, self.image_shape, slices, known)

    def scan(
        self, draw: Draw, conditions: Mapping[str, tf.Tensor], slices: BatchSlices
    ) -> tf.Tensor:
        """Visits all values of a batch in the model's order; `draw` chooses each.

        For codecs and samplers of your own. By steps where the model has them, else by
        whole passes.

        Args:
            draw: chooses each channel's values, given its parameters; see
                `samplers.raster_scan`. They are those of `pixel_likelihood`.
            conditions: as `conditions.prepare` gives them for the batch.
            slices: how the batch is cut; in one piece where there are no steps.

        Returns:
            int32 tensor (batch, height, width, channels): what was chosen.
        """
        return scan_batch(self, draw, conditions, slices)

    @verb()
    def distribution(self, *, validate_args: bool = False, **conditions: Any) -> Any:
        """Returns the model as a TensorFlow Probability distribution.

        Args:
            validate_args: whether `log_prob` refuses values that are no levels, whose
                probability is 0 else. Default False.
            **conditions: by name; what leads the shape of one condition, and is
                broadcast among several, is the distribution's batch shape: (2,) for
                `label=[3, 5]`.

        Returns:
            A `PixelCNNDistribution` with event shape (height, width, channels).

        Raises:
            ValueError: when conditions are missing or not as the model takes them.
        """
        from keras_pixelcnn.distributions import PixelCNNDistribution

        return PixelCNNDistribution(self, validate_args=validate_args, **conditions)

    # Sampling.

    @verb()
    def sample(
        self,
        num_samples: int | None = None,
        seed: Any = None,
        temperature: Any = 1.0,
        *,
        top_p: Any = None,
        guidance_scale: Any = None,
        sampler: str | None = None,
        jit_compile: bool = False,
        **conditions: Any,
    ) -> tf.Tensor:
        """Samples images, one channel of one pixel after the other.

        The same seed gives the same image, whatever the batch around it. (Logits may
        differ in the last digits between batch sizes or devices: a draw that falls on
        the very edge between two levels may then flip. Between XLA and TensorFlow's own
        kernels that was seen in one image of a hundred.)

        Args:
            num_samples: number of images. Default: as many as there are conditions
                or seeds, else 1.
            seed: one integer for the call, of which each image gets its own
                (`example_seeds`); or these themselves, (num_samples,), any int64, so
                that 5 and [5] give two images. Default: another one at each call,
                which follows `tf.random.set_seed` and `keras.utils.set_random_seed`.
            temperature: divides the logits, and multiplies the scales of a mixture of
                logistics; a number above 0, or one per image.
            top_p: draws each value from the fewest likeliest levels that together have
                this probability; in (0, 1], or one per image. Default: from all.
            guidance_scale: moves the logits away from the unconditional model's: 0
                gives the unconditional model, 1 the conditional one, more exaggerates
                what the condition changes; a number, or one per image. Costs twice the
                time. Default: the conditional model.
            sampler: "incremental" computes every activation once; "fixed_point" runs
                the whole network on guesses until a pass changes nothing, usually a
                tenth as often as there are values; "ancestral" runs it for every
                channel of every pixel. All sample the same images. Default: the first
                where the model has steps, else the second.
            jit_compile: whether XLA compiles the scan, once for each number of images,
                and keeps the programs: for one image or a few much faster, for many on
                CPUs slower. Default False.
            **conditions: see the class.

        Returns:
            Integers in [0, num_levels), (num_samples, height, width, channels), uint8
            where they fit, else int32.

        Raises:
            ValueError: when an argument is out of its range, or guidance is asked of a
                model that was not trained with `condition_dropout`.
        """
        if num_samples is None:
            num_samples = self.conditions.num_examples(conditions)
        if num_samples is None:
            num_samples = request_validation.num_seeds(seed)
        num_samples = request_validation.prepare_num_samples(num_samples)
        return answer_request(
            self,
            num_samples,
            conditions,
            {"seed": request_validation.prepare_seeds(seed, num_samples)},
            temperature=temperature,
            top_p=top_p,
            guidance_scale=guidance_scale,
            sampler=sampler,
            jit_compile=jit_compile,
        )

    @verb(*OPTIONS)
    def sample_from_noise(
        self, noise: Any, temperature: Any = 1.0, **options: Any
    ) -> tf.Tensor:
        """Samples images from uniform noise that is given; nothing is drawn at random.

        `sample` does this with `keras_pixelcnn.example_uniforms` of its seeds. Each
        value is the first level up to which the probabilities sum to at least its
        number.

        Args:
            noise: float32 in [0, 1), (batch, height, width, channels).
            temperature: as for `sample`.
            **options: as for `sample`: conditions, top_p, guidance_scale, sampler,
                jit_compile.

        Returns:
            Images like those of `sample`.

        Raises:
            ValueError: when an argument is not as said; in graphs
                `InvalidArgumentError`, when they run.
        """
        noise = request_validation.prepare_noise(noise, self.image_shape)
        num_samples = noise.shape[0] or tf.shape(noise)[0]
        options, conditions = split_options(options)
        return answer_request(
            self,
            num_samples,
            conditions,
            {"noise": noise},
            temperature=temperature,
            **options,
        )

    @verb()
    def complete(
        self,
        image: Any,
        mask: Any,
        seed: Any = None,
        temperature: Any = 1.0,
        *,
        top_p: Any = None,
        guidance_scale: Any = None,
        sampler: str | None = None,
        jit_compile: bool = False,
        **conditions: Any,
    ) -> tf.Tensor:
        """Samples the unknown values of images and keeps the known ones.

        Each unknown value is drawn given all values before it in the model's order (the
        raster's, unless it says otherwise), known or drawn. So the model looks back and
        not ahead: known values after an unknown one have no influence on it. Rows known
        from the top in all images take one parallel pass.

        Args:
            image: integers in [0, num_levels), (batch, height, width, channels); where
                the mask is False anything.
            mask: True where the image is known, of booleans or of 0 and 1: (height,
                width) for all images or (batch, height, width) for each; with the
                channels at the end where it is of single channels. A shape that can
                be read in both ways is one of pixels.
            seed: as for `sample`; image i gets the noise that `sample` gives it.
            temperature: as for `sample`.
            top_p: as for `sample`.
            guidance_scale: as for `sample`.
            sampler: as for `sample`.
            jit_compile: as for `sample`.
            **conditions: see the class.

        Returns:
            Images like those of `sample`.

        Raises:
            ValueError: when the known values, the mask or another argument are not as
                said; in graphs `InvalidArgumentError`, when they run.
        """
        image = self._as_images(image)
        check_shape(tuple(np.shape(image)), image_shape=self.image_shape)
        num_images = input_data.num_images(image)
        mask = request_validation.prepare_mask(mask, num_images, self.image_shape)
        if tf.executing_eagerly():
            # What is masked where the image is known is told.
            where = np.ma.where if np.ma.isMaskedArray(image) else np.where
            image = self._check_images(where(mask, image, np.zeros((), np.uint8)))
        else:
            image = tf.convert_to_tensor(image)
            possible = self.pixel_likelihood.as_levels(image) >= 0
            levels = f"integers in [0, {self.num_levels})"
            rule = f"image must hold {levels} where it is known."
            image = checked(possible | ~mask, image, rule)
        image = tf.cast(image, tf.int32)
        request = {
            "seed": request_validation.prepare_seeds(seed, num_images),
            "image": image,
            "mask": tf.broadcast_to(mask, tf.shape(image)),
        }
        return answer_request(
            self,
            num_images,
            conditions,
            request,
            temperature=temperature,
            top_p=top_p,
            guidance_scale=guidance_scale,
            sampler=sampler,
            jit_compile=jit_compile,
        )

    @verb("temperature", *OPTIONS)
    def interpolate(
        self,
        embedding_a: Any,
        embedding_b: Any,
        steps: int = 8,
        seed: Any = None,
        method: str = "linear",
        **options: Any,
    ) -> tf.Tensor:
        """Samples images on the way from one embedding to another.

        All images of a row have the same noise, so that only the embedding differs.

        Args:
            embedding_a: floats (d,), or (rows, d) for several rows.
            embedding_b: the same.
            steps: images of a row, both ends included; at least 2. Default 8.
            seed: one integer for the call, or one per row. Default: drawn at random.
            method: "linear", or "spherical" for embeddings whose direction counts: the
                way along the arc, with lengths changing linearly.
            **options: as for `sample`: other conditions (one for all, or one per row),
                temperature, top_p, guidance_scale, sampler, jit_compile.

        Returns:
            Images like those of `sample`, (steps, height, width, channels), or (rows,
            steps, height, width, channels) for several rows.

        Raises:
            ValueError: when the model takes no embedding, or an argument is not as
                said.

        References:
            van den Oord et al. 2016, arXiv 1606.05328, section 3.3 and figure 5.
        """
        request_validation.check_has_condition(self.conditions, "embedding")
        a = self.conditions.check_value("embedding", embedding_a)
        b = self.conditions.check_value("embedding", embedding_b)
        way = interpolate_embeddings(a, b, steps, method)
        leading = tf.shape(way)[:-1]
        if way.shape.is_fully_defined():
            leading = way.shape[:-1].as_list()
        rows = leading[0] if way.shape.rank == 3 else 1
        seeds = tf.repeat(request_validation.prepare_seeds(seed, rows), steps)
        options = {
            name: request_validation.repeat_each(
                value, self.conditions.shapes.get(name), steps
            )
            for name, value in options.items()
        }
        images = self.sample(
            rows * steps,
            seeds,
            embedding=tf.reshape(way, [rows * steps, way.shape[-1]]),
            **options,
        )
        return tf.reshape(images, tf.concat([leading, self.image_shape], axis=0))
