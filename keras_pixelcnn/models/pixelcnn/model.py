"""PixelCNN: the convolutional model of "Pixel Recurrent Neural Networks"."""

import keras

from keras_pixelcnn.models.base.block_model import BlockModel
from keras_pixelcnn.models.pixelcnn.network import PixelCNNNetwork
from keras_pixelcnn.models.pixelcnn.sampling_steps import PixelCNNSteps


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class PixelCNN(BlockModel):
    """PixelCNN: one stack of masked convolutions in residual blocks, with ReLUs.

    ::

        image ── to [-1, 1] ── 7 x 7, mask A ── block ── block ── ... ── block ──┐
        parameters ── 1 x 1 ── ReLU ── 1 x 1 ── ReLU ── 1 x 1 ── ReLU ───────────┘

    What `GatedPixelCNN` is to be compared with. Its **blind spot** is as in the paper:
    pixels to the right above, in a wedge that all masks together leave out, have no
    influence; see `keras_pixelcnn.plot_receptive_field`.

    Conditions, in any combination, are added in every block before the nonlinearity: a
    label and an embedding the same at every pixel, a spatial map each pixel's own.

    Args:
        image_shape: (height, width, channels): any size, any number of channels.
        num_levels: pixel values are integers in [0, num_levels); 2 to 65,536.
            Default 256.
        filters: h, features of the masked convolutions in the blocks, between which
            there are 2h; a multiple of the channels. Default: the largest of up to 128
            (128 for grey images, 126 for RGB).
        num_blocks: number of residual blocks, the first convolution not included.
            Default 15.
        kernel_size: odd kernel of the blocks, at least 3. Default 3.
        first_kernel_size: odd kernel of the first convolution, at least 3. Default 7.
        head_filters: features of the two layers before the last, a multiple of the
            channels. Default: twice the filters.
        likelihood: "categorical" or "logistic_mixture"; with the latter no number of
            features needs to be a multiple of the channels.
        dropout_rate: share of features dropped in training, in [0, 1), before the last
            layer of each block. Default 0.
        num_classes: number of labels, given as "label". Default: no labels.
        embedding_dim: length of vectors, given as "embedding". Default: no vectors.
        spatial_shape: (height, width, channels) of maps, given as "spatial"; of any
            size, whatever the image's. Default: no maps.
        condition_dropout: share of the examples that are trained without their
            condition, in [0, 1). Above 0 the model can do without conditions, and
            `sample` knows guidance. Default 0.
        gradient_checkpointing: whether training keeps only what goes into each block
            and computes what is inside it a second time for the gradient. The gradient
            is the same; it has no second derivative. Default False.
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
        >>> model = PixelCNN((28, 28, 1), filters=32, num_blocks=8)
        >>> model.compile("adam")
        >>> model.fit(images, epochs=10)
        >>> model.log_prob(images[:16])
        >>> model.sample(16, seed=1)

    References:
        van den Oord et al. 2016, arXiv 1601.06759, sections 3.3 and 3.4, table 1 and
        figure 5.
    """

    network_class = PixelCNNNetwork
    steps_class = PixelCNNSteps

    @property
    def first_convolution(self) -> keras.layers.Layer:
        """The masked convolution of type A on the image."""
        return self._network.first_convolution
