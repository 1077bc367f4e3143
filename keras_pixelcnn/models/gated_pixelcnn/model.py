"""GatedPixelCNN: the model of "Conditional Image Generation with PixelCNN Decoders"."""

import keras

from keras_pixelcnn.models.base.block_model import BlockModel
from keras_pixelcnn.models.gated_pixelcnn.network import GatedPixelCNNNetwork
from keras_pixelcnn.models.gated_pixelcnn.sampling_steps import GatedPixelCNNSteps


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class GatedPixelCNN(BlockModel):
    """Gated PixelCNN: two stacks without a blind spot, tanh x sigmoid gates.

    ::

        image ── to [-1, 1] ── block A ── block B ── ... ── block B
                                  │ skip     │ skip            │ skip
                                  └─────(+)──┴─────── ... ─────┘
                                         │
                         ReLU ── 1 x 1 ── ReLU ── 1 x 1 ── parameters

    Conditions, in any combination, add to both gates of every block: a label and an
    embedding the same at every pixel, a spatial map each pixel's own.

    Args:
        image_shape: (height, width, channels): any size, any number of channels.
        num_levels: pixel values are integers in [0, num_levels); 2 to 65,536.
            Default 256.
        filters: features of each stack, a multiple of the channels. Default: the
            largest of up to 128 (128 for grey images, 126 for RGB). With
            "logistic_mixture" any number will do.
        num_blocks: number of blocks, the first (type A) included. Default 15.
        kernel_size: odd kernel of the blocks after the first. Default 3.
        first_kernel_size: odd kernel of the first block, at least 3. Default 7.
        head_filters: features of the skip outputs and of the layer before the last,
            a multiple of the channels. Default: `filters`.
        likelihood: "categorical", or "logistic_mixture": the discretised mixture of
            logistics of PixelCNN++, whose network runs once a pixel instead of once a
            channel. {"name": "logistic_mixture", "num_mixtures": 5} is one of 5
            components instead of 10; see `keras_pixelcnn.likelihoods.LogisticMixture`.
        dropout_rate: share of gated features dropped in training, in [0, 1).
            Default 0.
        num_classes: number of labels, given as "label". Default: no labels.
        embedding_dim: length of vectors, given as "embedding". Default: no vectors.
        spatial_shape: (height, width, channels) of maps, given as "spatial"; of any
            size, whatever the image's. Default: no maps.
        condition_dropout: share of the examples that are trained without their
            condition, in [0, 1). Above 0 the model can do without conditions, and
            `sample` knows guidance. Default 0.
        gradient_checkpointing: whether training keeps only what goes into each block
            and computes what is inside it a second time for the gradient: memory
            grows far slower with `num_blocks`, for one more pass of arithmetic. The
            gradient is the same; it has no second derivative. Default False.
        input_encoding: how pixel values go into the network: "intensity", as numbers in
            their order from -1 to 1, or "embedding", each as a learned vector: for
            values without an order, such as the codes of a VQ-VAE. The latter needs
            likelihood="categorical", which takes the values as they are. Default
            "intensity".
        input_embedding_dim: length of these vectors, for each channel. Default 64.
        dtype: dtype policy, such as "mixed_bfloat16"; the likelihood stays float32.
            Default: Keras's global policy.
        name: the model's name.
        trainable: whether the weights are trained. Default True.

    Raises:
        ValueError: on arguments out of their ranges.

    Example:
        >>> model = GatedPixelCNN((28, 28, 1), filters=32, num_blocks=8)
        >>> model.compile("adam")
        >>> model.fit(images, epochs=10)
        >>> model.log_prob(images[:16])
        >>> model.sample(16, seed=1)

    References:
        van den Oord et al. 2016, arXiv 1606.05328, sections 2.1 to 2.3. Gradient
        checkpointing: Chen et al. 2016, arXiv 1604.06174. The mixture of logistics:
        Salimans et al. 2017, arXiv 1701.05517.
    """

    network_class = GatedPixelCNNNetwork
    steps_class = GatedPixelCNNSteps

    @property
    def head(self) -> keras.layers.Layer:
        """The layer before the last."""
        return self.heads[0]
