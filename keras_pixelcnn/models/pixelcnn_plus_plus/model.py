"""PixelCNNPlusPlus: the network of "PixelCNN++"."""

from collections.abc import Mapping
from typing import Any

import keras

from keras_pixelcnn.likelihoods import PixelLikelihood
from keras_pixelcnn.models.base.network_model import NetworkModel
from keras_pixelcnn.models.base.request_validation import check_positive
from keras_pixelcnn.models.pixelcnn_plus_plus.network import PixelCNNPlusPlusNetwork
from keras_pixelcnn.models.pixelcnn_plus_plus.sampling_steps import (
    PixelCNNPlusPlusSteps,
)


@keras.saving.register_keras_serializable(package="keras_pixelcnn")
class PixelCNNPlusPlus(NetworkModel):
    """PixelCNN++: residual blocks at several resolutions, with short-cuts.

    ::

        image ── first ── n blocks ────── short-cuts ────── n + 1 blocks ── outputs
                             │ stride 2                        ^ transposed
                             └──── n blocks ── short-cuts ── n + 1 blocks
                                      │ stride 2               ^ transposed
                                      └─ n blocks, n blocks ───┘

    Two streams run through it side by side: one sees the rows above, the other these
    and what lies left of the pixel; after each block the second takes in the first.
    Height and width may be any: a resolution has half the rows and columns of that
    before, rounded up.

    The features are in no groups of colours: a pixel's parameters depend on the pixels
    before it alone, and the likelihood makes its channels depend on each other.

    Without the weight normalisation of the paper, whose data-dependent initialisation
    needs a batch before the first step and depends on it: here the second convolution
    of each block begins small, as there, and Keras's initialisers do for the rest. The
    paper's dropout of one half suits CIFAR-10; large data sets may need less.

    Args:
        image_shape: (height, width, channels): any size, any number of channels.
        num_levels: pixel values are integers in [0, num_levels); 2 to 65,536.
            Default 256.
        filters: features of each stream. Default 160.
        num_blocks: blocks for each resolution on the way down. Default 5.
        num_resolutions: number of resolutions, the image's own included. Default 3.
        likelihood: "logistic_mixture", or for grey images "categorical"; or a dict with
            the name and the likelihood's arguments. Default "logistic_mixture".
        dropout_rate: share of the features dropped in each block in training, in
            [0, 1). Default 0.5.
        num_classes: number of labels, given as "label". Default: no labels.
        embedding_dim: length of vectors, given as "embedding". Default: no vectors.
        spatial_shape: (height, width, channels) of maps, given as "spatial"; of any
            size, whatever the image's. Default: no maps.
        condition_dropout: share of the examples that are trained without their
            condition, in [0, 1). Above 0 the model can do without conditions, and
            `sample` knows guidance. Default 0.
        gradient_checkpointing: whether training keeps only what goes into each block
            and computes what is inside it a second time for the gradient: less memory
            for one more pass of arithmetic. The gradient is the same; it has no second
            derivative. Default False.
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
        ValueError: on arguments out of their ranges, and for a likelihood that needs
            the features in groups of colours.

    Example:
        >>> model = PixelCNNPlusPlus((32, 32, 3), filters=64, num_blocks=2)
        >>> model.compile("adam")
        >>> model.fit(images, epochs=10)
        >>> model.log_prob(images[:16])
        >>> model.sample(16, seed=1)

    References:
        Salimans et al. 2017, arXiv 1701.05517, sections 2.2 to 2.5 and figure 2.
        Gradient checkpointing: Chen et al. 2016, arXiv 1604.06174.
    """

    network_class = PixelCNNPlusPlusNetwork
    steps_class = PixelCNNPlusPlusSteps

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        num_levels: int = 256,
        filters: int = 160,
        num_blocks: int = 5,
        num_resolutions: int = 3,
        likelihood: Any = "logistic_mixture",
        dropout_rate: float = 0.5,
        num_classes: int | None = None,
        embedding_dim: int | None = None,
        spatial_shape: tuple[int, int, int] | None = None,
        condition_dropout: float = 0.0,
        gradient_checkpointing: bool = False,
        input_encoding: str = "intensity",
        input_embedding_dim: int | None = None,
        dtype: Any = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        super().__init__(
            image_shape,
            num_levels,
            likelihood,
            {
                "filters": filters,
                "num_blocks": num_blocks,
                "num_resolutions": num_resolutions,
                "dropout_rate": dropout_rate,
            },
            condition_arguments={
                "num_classes": num_classes,
                "embedding_dim": embedding_dim,
                "spatial_shape": spatial_shape,
                "condition_dropout": condition_dropout,
            },
            gradient_checkpointing=gradient_checkpointing,
            input_encoding=input_encoding,
            input_embedding_dim=input_embedding_dim,
            dtype=dtype,
            name=name,
            trainable=trainable,
        )
        self.network = self._network

    @classmethod
    def complete_arguments(
        cls, arguments: Mapping[str, Any], likelihood: PixelLikelihood
    ) -> dict[str, Any]:
        """The network's arguments, checked; see `NetworkModel`."""
        for size in ("filters", "num_blocks", "num_resolutions"):
            check_positive(size, arguments[size])
        if likelihood.color_groups > 1:
            raise ValueError(
                "PixelCNNPlusPlus has no groups of features to keep the order of "
                f"{likelihood.channels} channels, which "
                f"likelihood={likelihood.identifier!r} needs. Use "
                'likelihood="logistic_mixture" for images of several channels, or '
                "GatedPixelCNN."
            )
        return dict(arguments)
