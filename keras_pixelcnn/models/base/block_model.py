"""BlockModel: what models out of equal blocks share: arguments and layers."""

from collections.abc import Mapping
from typing import Any

from keras_pixelcnn.likelihoods import PixelLikelihood
from keras_pixelcnn.models.base.network_model import NetworkModel, complete_filters
from keras_pixelcnn.models.base.request_validation import check_positive


class BlockModel(NetworkModel):
    """A model whose network is a `BlockNetwork`; see `PixelCNN` for the arguments.

    A subclass says which network and which steps.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        num_levels: int = 256,
        filters: int | None = None,
        num_blocks: int = 15,
        kernel_size: int = 3,
        first_kernel_size: int = 7,
        head_filters: int | None = None,
        likelihood: str | Mapping[str, Any] = "categorical",
        dropout_rate: float = 0.0,
        num_classes: int | None = None,
        embedding_dim: int | None = None,
        spatial_shape: tuple[int, int, int] | None = None,
        condition_dropout: float = 0.0,
        vector_map: bool = False,
        positions: bool = False,
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
                "kernel_size": kernel_size,
                "first_kernel_size": first_kernel_size,
                "head_filters": head_filters,
                "dropout_rate": dropout_rate,
            },
            condition_arguments={
                "num_classes": num_classes,
                "embedding_dim": embedding_dim,
                "spatial_shape": spatial_shape,
                "condition_dropout": condition_dropout,
                "vector_map": vector_map,
                "positions": positions,
            },
            gradient_checkpointing=gradient_checkpointing,
            input_encoding=input_encoding,
            input_embedding_dim=input_embedding_dim,
            dtype=dtype,
            name=name,
            trainable=trainable,
        )
        network = self._network
        self.encoding = network.encoding
        self.condition_encoder = network.condition_encoder
        self.conditionings = network.conditionings
        self.blocks = network.blocks
        self.heads = network.heads
        self.parameters = network.parameters

    @classmethod
    def complete_arguments(
        cls, arguments: Mapping[str, Any], likelihood: PixelLikelihood
    ) -> dict[str, Any]:
        """The network's arguments, checked; see `NetworkModel`."""
        check_positive("num_blocks", arguments["num_blocks"])
        return complete_filters(arguments, likelihood)
