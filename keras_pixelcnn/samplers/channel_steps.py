"""Steps of a network that gives the parameters of all channels of a pixel at once."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from keras_pixelcnn.samplers.incremental import ScanSteps


class _PixelState(NamedTuple):
    """The network's state at the pixel at hand, its parameters, and the values."""

    network: Any
    parameters: tf.Tensor | None = None
    values: tuple[tf.Tensor, ...] = ()


class ChannelSteps:
    """`ScanSteps` out of steps that run the network once a pixel.

    Args:
        network: like `ScanSteps`, except that `channel` is called once a pixel, with
            None as the value, and gives the parameters of all channels, and that
            `finish_pixel` is given all values of the pixel, int32 (examples,
            channels).
        channel_parameters: maps these parameters and the values of the channels so
            far, each int32 (examples,), to the parameters of the next channel.
    """

    def __init__(
        self,
        network: ScanSteps,
        channel_parameters: Callable[[tf.Tensor, Sequence[tf.Tensor]], tf.Tensor],
    ) -> None:
        self._network = network
        self._channel_parameters = channel_parameters
        self.start_image = network.start_image
        self.skip_rows = network.skip_rows
        self.row = network.row
        self.finish_row = network.finish_row
        self.start_row = network.start_row

    def pixel(self, features: Any, column: tf.Tensor, cache: Any) -> _PixelState:
        """Enters a pixel."""
        return _PixelState(self._network.pixel(features, column, cache))

    def channel(
        self, value: tf.Tensor | None, state: _PixelState
    ) -> tuple[tf.Tensor, _PixelState]:
        """Runs the network for the first channel; the others need it no more."""
        if value is None:
            parameters, network = self._network.channel(None, state.network)
            state = _PixelState(network, parameters)
        else:
            state = state._replace(values=(*state.values, value))
        return self._channel_parameters(state.parameters, state.values), state

    def finish_pixel(self, value: tf.Tensor, state: _PixelState) -> Any:
        """Gives the network the whole pixel."""
        values = tf.stack([*state.values, value], axis=-1)
        return self._network.finish_pixel(values, state.network)
