"""Publishing of a model: a checked version appears whole, or not at all."""

import os
import pathlib
from collections.abc import Sequence

import tensorflow as tf

from keras_pixelcnn.export.saved_model import METADATA_FILE
from keras_pixelcnn.files import read_json
from keras_pixelcnn.models import ImageModel
from savedmodels.publish import warmup
from savedmodels.publish.batching import BATCHING_FILE, Batching
from savedmodels.publish.graph_scan import check_graph
from savedmodels.publish.verify_export import verify_export
from savedmodels.publish.version_folders import appear, hidden_folder


def publish(
    model: ImageModel,
    base: str | os.PathLike[str],
    *,
    signatures: Sequence[str] | None = None,
    label_names: Sequence[str] | None = None,
    bits_per_dim: float | None = None,
    batching: Batching | None = None,
    verbose: bool = True,
) -> pathlib.Path:
    """Exports a model as the next version of those that a server watches.

    The export is written in a hidden folder of `base`. Its graph is searched for what a
    stock server cannot run, it gets warm-up requests to each signature and limits for
    batches, is loaded, answers all its warm-up requests as the model does, and only
    then is renamed to its number. Whoever publishes at the same time takes the next
    one. A publisher that is killed leaves no version; what else it leaves, the next one
    removes.

    Args:
        model: what to publish.
        base: the folder of all versions, on a file system with locks; made if it is not
            there. Its name is what the warm-up requests call the model.
        signatures: names of those that callers shall have, beside `metadata`; the first
            is that of requests which name none. Default: all, `sample` first.
        label_names: what the labels are called, as many as there are. Default: the
            model's own.
        bits_per_dim: what the model reached on data that it was not trained on.
            Default: not said.
        batching: how a server may put requests together. Default: `Batching()`.
        verbose: whether to say what was published. Default True.

    Returns:
        The folder of the new version, `base/<number>`.

    Raises:
        ModuleNotFoundError: when tensorflow-serving-api is not installed.
        RuntimeError: within the scope of a strategy.
        ValueError: when an argument is not as said, the graph holds what a stock server
            cannot run, or the export fails on a request or answers otherwise than the
            model.
    """
    if tf.distribute.has_strategy():
        raise RuntimeError(
            "publish must be called outside of strategy.scope(): what it exports is "
            "tried as a server runs it, on one device."
        )
    warmup.serving_protos()  # so that it is not missed only after minutes
    base, batching = pathlib.Path(base), batching or Batching()
    with hidden_folder(base) as folder:
        export = folder / "export"
        model.export(
            export,
            verbose=False,
            signatures=signatures,
            label_names=label_names,
            bits_per_dim=bits_per_dim,
            max_batch_size=batching.max_batch_size,
        )
        check_graph(export)
        text = batching.to_text()
        (export / BATCHING_FILE).write_text(text, encoding="utf-8")
        sizes = sorted({1, batching.max_batch_size})
        metadata = read_json(export / METADATA_FILE)
        requests = warmup.example_requests(export, metadata, sizes)
        path = export / warmup.WARMUP_FILE
        path.parent.mkdir(exist_ok=True)
        warmup.write_requests(path, requests, base.resolve().name)
        num_requests = verify_export(model, export)
        version = appear(export, base)
    if verbose:
        print(f"Published {version}, which answers {num_requests} requests to warm up")
    return version
