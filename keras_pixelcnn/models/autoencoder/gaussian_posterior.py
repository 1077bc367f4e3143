"""GaussianPosterior: from an encoder's vector to a latent drawn at random."""

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_pixelcnn.layers.dropout import draw_seed
from keras_pixelcnn.samplers import example_normals, normals_of_bits

_HASH_SEED = 20131220


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class GaussianPosterior(keras.layers.Layer):
    """q(z | x), a Gaussian of independent components: one draw, and its divergence.

    In training each step and each replica draws other noise. Otherwise the noise is a
    function of the image, so that a score is the same every time, whatever the batch.

    Args:
        latent_dim: length d of the latent.

    Call arguments:
        statistics: float tensor (batch, 2 d), of which `split` makes the mean and the
            standard deviation.
        image: integers (batch, height, width, channels), which the statistics are of.
        training: whether the noise is of training.

    Returns:
        The latent, mean + standard deviation x noise, float32 (batch, d); and
        KL(q(z | x), N(0, I)) in nats, float32 (batch,).

    References:
        Kingma and Welling 2013, arXiv 1312.6114, section 2.4 and appendix B.
    """

    def __init__(self, latent_dim: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.latent_dim = latent_dim
        self.seed_generator = keras.random.SeedGenerator()

    def build(self, *shapes: Any) -> None:
        """Has no weights."""
        self.built = True

    def call(
        self, statistics: tf.Tensor, image: tf.Tensor, training: bool | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Draws latents."""
        posterior = self.distribution(statistics)
        if training:
            # Integers: TensorFlow's normal floats are made of other bits under XLA.
            noise = normals_of_bits(
                tf.random.stateless_uniform(
                    [tf.shape(statistics)[0], self.latent_dim],
                    draw_seed(self.seed_generator),
                    minval=None,
                    maxval=None,
                    dtype=tf.uint32,
                    alg="philox",
                )
            )
        else:
            noise = example_normals(image_seeds(image), [self.latent_dim])
        latent = posterior.mean() + posterior.stddev() * noise
        return latent, posterior.kl_divergence(standard_normal(self.latent_dim))

    def compute_output_spec(
        self, statistics: Any, image: Any, training: bool | None = None
    ) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        """Returns symbolic latents and divergences."""
        batch = statistics.shape[0]
        latent = keras.KerasTensor((batch, self.latent_dim), "float32")
        return latent, keras.KerasTensor((batch,), "float32")

    def distribution(self, statistics: tf.Tensor) -> Any:
        """Returns q(z | x), a `tfd.MultivariateNormalDiag` of event shape (d,)."""
        from tensorflow_probability import distributions as tfd

        mean, deviation = self.split(tf.cast(statistics, tf.float32))
        return tfd.MultivariateNormalDiag(mean, deviation)

    @staticmethod
    def split(statistics: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Splits statistics into mean and standard deviation: float tensors (batch, d).

        An encoder that says 0 says N(0, I).
        """
        mean, raw = tf.split(statistics, 2, axis=-1)
        return mean, tf.nn.softplus(raw + math.log(math.e - 1)) + 1e-6

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "latent_dim": self.latent_dim,
        }


def standard_normal(latent_dim: int) -> Any:
    """Returns the prior p(z) = N(0, I), a `tfd.MultivariateNormalDiag`."""
    from tensorflow_probability import distributions as tfd

    return tfd.MultivariateNormalDiag(tf.zeros([latent_dim]), tf.ones([latent_dim]))


def image_seeds(image: tf.Tensor) -> tf.Tensor:
    """Seeds that depend on what is in the images: int64 (batch,).

    Args:
        image: integers (batch, height, width, channels).
    """
    num_dims = math.prod(image.shape[1:])
    generator = np.random.Generator(np.random.Philox(_HASH_SEED))
    factors = generator.integers(0, 2**62, num_dims, np.int64) * 2 + 1
    flat = tf.reshape(tf.cast(image, tf.int64), [-1, num_dims])
    return tf.reduce_sum(flat * factors, axis=-1)  # modulo 2**64, which is meant
