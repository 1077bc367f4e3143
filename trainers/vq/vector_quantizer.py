"""VectorQuantizer: replaces features by the nearest vectors of a learned codebook."""

from typing import Any

import keras
import tensorflow as tf

_RESEED_BELOW = 0.1
"""A vector that stands for less than this share of what it would if all stood for
equally much begins anew."""


class VectorQuantizer(keras.layers.Layer):
    """Replaces each feature vector by the nearest vector of a codebook.

    Gradients pass straight through. The codebook is no trainable weight: each of its
    vectors is a running average of the features that it stood for. One that stands for
    hardly anything is set to a feature vector of the batch, as all are in the first
    step.

    Args:
        num_codes: vectors in the codebook.
        commitment: weight of the squared distance that draws features to their vectors.
        decay: what the running averages keep of themselves in a step, in [0, 1).
        seed: of the features that vectors are set to.

    Call arguments:
        inputs: float tensor (batch, height, width, features).
        training: whether the codebook follows the features.

    Returns:
        float32 tensor of the same shape.

    References:
        van den Oord et al. 2017, arXiv 1711.00937, section 3.2 and appendix A.1.
        Beginning anew: Dhariwal et al. 2020, arXiv 2005.00341, section 3.1.
    """

    def __init__(
        self,
        num_codes: int,
        commitment: float = 0.25,
        decay: float = 0.99,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_codes = num_codes
        self.commitment = commitment
        self.decay = decay
        self.seed = seed

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the codebook and its running averages."""
        features = input_shape[-1]

        def add(name: str, shape: tuple[int, ...], dtype: str = "float32") -> Any:
            return self.add_weight(
                name=name,
                shape=shape,
                dtype=dtype,
                initializer="zeros",
                trainable=False,
            )

        self.codebook = add("codebook", (self.num_codes, features))
        self.counts = add("counts", (self.num_codes,))
        self.sums = add("sums", (self.num_codes, features))
        self.steps = add("steps", (), "int32")
        self.built = True

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Returns the nearest vectors, with the gradients of the inputs."""
        inputs = tf.cast(inputs, tf.float32)
        codes = self.codes(inputs)
        vectors = self.vectors(codes)
        distance = tf.reduce_mean(tf.square(tf.stop_gradient(vectors) - inputs))
        self.add_loss(self.commitment * distance)
        if training:
            self._follow(tf.stop_gradient(inputs), codes)
        return inputs + tf.stop_gradient(vectors - inputs)

    def codes(self, inputs: tf.Tensor) -> tf.Tensor:
        """Returns indices of the nearest vectors, int32 (batch, height, width)."""
        codebook = tf.convert_to_tensor(self.codebook)
        products = tf.einsum("bhwf,cf->bhwc", inputs, codebook)
        distances = tf.reduce_sum(tf.square(codebook), axis=-1) - 2.0 * products
        return tf.argmin(distances, axis=-1, output_type=tf.int32)

    def vectors(self, codes: tf.Tensor) -> tf.Tensor:
        """Returns the vectors of codes, float32 (batch, height, width, features)."""
        return tf.gather(tf.convert_to_tensor(self.codebook), codes)

    def _follow(self, inputs: tf.Tensor, codes: tf.Tensor) -> None:
        features = tf.reshape(inputs, [-1, inputs.shape[-1]])
        chosen = tf.one_hot(tf.reshape(codes, [-1]), self.num_codes)
        counts = self._averaged(self.counts, tf.reduce_sum(chosen, axis=0))
        sums = self._averaged(self.sums, tf.matmul(chosen, features, transpose_a=True))
        number = tf.shape(features)[0]
        fair = tf.cast(number, tf.float32) / self.num_codes
        is_idle = counts < _RESEED_BELOW * fair
        picks = tf.random.stateless_uniform(
            [self.num_codes],
            tf.stack([self.seed, tf.convert_to_tensor(self.steps)]),
            maxval=number,
            dtype=tf.int32,
            alg="philox",
        )
        counts = tf.where(is_idle, fair, counts)
        fresh = tf.gather(features, picks) * fair
        sums = tf.where(is_idle[:, tf.newaxis], fresh, sums)
        self.counts.assign(counts)
        self.sums.assign(sums)
        self.codebook.assign(sums / counts[:, tf.newaxis])
        self.steps.assign_add(1)

    def _averaged(self, variable: Any, newest: tf.Tensor) -> tf.Tensor:
        before = tf.convert_to_tensor(variable)
        return self.decay * before + (1.0 - self.decay) * newest
