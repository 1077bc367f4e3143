"""ServedModel: a Keras model whose verbs are graphs, traced once and exported."""

import functools
import os
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from keras_pixelcnn.models.base.own_loss import OwnLossModel


class ServedModel(OwnLossModel):
    """A model that keeps the graphs of its verbs, and writes them as a SavedModel."""

    @functools.cached_property
    def _compiled(self) -> dict[Any, Any]:
        return {}

    def compiled_graph(
        self,
        key: tuple[Any, ...],
        function: Callable[[dict[str, tf.Tensor]], Any],
        specs: dict[str, tf.TensorSpec],
        jit_compile: bool = False,
    ) -> Callable[[dict[str, tf.Tensor]], Any]:
        """The graph of a function of features, traced once for each key.

        Args:
            key: what tells this graph from others.
            function: to trace; the model's weights are read when the graph runs.
            specs: what it takes.
            jit_compile: whether XLA compiles it. Default False.
        """
        if key not in self._compiled:
            self._compiled[key] = tf.function(
                function,
                input_signature=[specs],
                autograph=False,
                jit_compile=jit_compile,
            )
        return self._compiled[key]

    def export(
        self,
        filepath: str | os.PathLike[str],
        format: str = "tf_saved_model",
        verbose: bool = True,
        *,
        signatures: Sequence[str] | None = None,
        label_names: Sequence[str] | None = None,
        bits_per_dim: float | None = None,
        max_batch_size: int | None = None,
    ) -> None:
        """Writes a SavedModel that TF Serving runs as it is.

        Its graph draws by as many loops side by side as `sample` does here: one for
        each processor (at most 8), one in all where there is a GPU.

        Args:
            filepath: a directory that does not exist, for TF Serving
                `<base>/<version number>`. It appears whole or not at all.
            format: "tf_saved_model", the only one.
            verbose: whether to say what was written. Default True.
            signatures: names of those that it shall have, such as ["sample"]; the first
                is the one of requests that name none. Default: all.
            label_names: what the labels are called, for those who use the export; as
                many as there are classes. Default: not said.
            bits_per_dim: what the model reached on data that it was not trained on,
                for the same. Default: not said.
            max_batch_size: most rows of a request, for the same, if those who serve it
                limit them. Default: not said.

        Raises:
            FileExistsError: when something stands there.
            ValueError: when another format is asked for, the model has no such
                signature, or the names or a number cannot be right.
        """
        if format != "tf_saved_model":
            raise ValueError(
                f'format must be "tf_saved_model". Received: format={format!r}'
            )
        from keras_pixelcnn.export import export_saved_model

        export_saved_model(
            self,
            filepath,
            verbose=verbose,
            signatures=signatures,
            label_names=label_names,
            bits_per_dim=bits_per_dim,
            max_batch_size=max_batch_size,
        )
