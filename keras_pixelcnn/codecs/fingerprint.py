"""Digests of models and data, and a description of the numerics."""

import hashlib
import importlib.metadata
import inspect
import json
import os
import pathlib
import platform
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_pixelcnn.samplers import num_processors

NUM_BYTES = 16
"""Of a model's fingerprint."""

DIGEST_BYTES = 8
"""Of what tells whether data are whole."""

_NAMES = ("name", "trainable", "trainable_by_layer", "label_names")
"""What a config holds that changes no probability."""

_FIRST_ARGUMENTS = {
    *("cell", "condition_dropout", "dropout_rate", "dtype", "embedding_dim", "filters"),
    *("first_kernel_size", "gradient_checkpointing", "head_filters", "image_shape"),
    *("input_embedding_dim", "input_encoding", "kernel_size", "likelihood"),
    *("num_blocks", "num_classes", "num_levels", "num_resolutions", "spatial_shape"),
}
"""Of the models of version 0.1.0. Others count where they are not at their defaults."""

_EARLIER_NAMES = {"PixelRNN": {"num_blocks": "num_layers"}}
"""What version 0.1.0 called arguments, by the model's class."""

_PROCESSORS = pathlib.Path("/proc/cpuinfo")

_FEATURES = (
    *("avx", "avx2", "fma", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16"),
    *("avx512_fp16", "amx_bf16", "asimd", "sve", "bf16"),
)
"""What kernels choose between, as Linux calls it."""

_SWITCHES = ("TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")


def fingerprint(model: Any) -> bytes:
    """Computes a digest of a model and its present weights.

    A model that version 0.1.0 could make has the digest that it had there, so that
    streams of that version are still decoded.

    Args:
        model: a Keras model whose config holds all that its probabilities depend on
            beside the weights.

    Returns:
        `NUM_BYTES` bytes, from the class, the config and every weight.
    """
    earlier = _EARLIER_NAMES.get(type(model).__name__, {})
    arguments = inspect.signature(type(model)).parameters
    config = {}
    for name, value in model.get_config().items():
        is_later = name in arguments and name not in _FIRST_ARGUMENTS
        if name not in _NAMES and not (is_later and value == arguments[name].default):
            config[earlier.get(name, name)] = value
    found = hashlib.blake2b(digest_size=NUM_BYTES)
    found.update(type(model).__name__.encode())
    found.update(json.dumps(config, sort_keys=True, default=repr).encode())
    for weight in model.weights:
        values = np.ascontiguousarray(weight.numpy())
        found.update(f"{values.shape}{values.dtype}".encode())
        found.update(values.view(np.uint8).data if values.size else b"")
    return found.digest()


def digest(parts: Iterable[bytes | np.ndarray]) -> bytes:
    """Computes a digest of `DIGEST_BYTES` bytes, of parts one after the other."""
    found = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for part in parts:
        found.update(
            part if isinstance(part, bytes) else np.ascontiguousarray(part).data
        )
    return found.digest()


def describe_environment() -> str:
    """Describes what the last digits of floats depend on, in one line."""
    versions = [
        f"tensorflow {tf.__version__}",
        f"keras {keras.__version__}",
        f"constriction {importlib.metadata.version('constriction')}",
    ]
    threads = tf.config.threading.get_intra_op_parallelism_threads() or num_processors()
    devices = {device.device_type for device in tf.config.list_physical_devices()}
    switches = [
        f"{name}={os.environ[name]}" for name in _SWITCHES if name in os.environ
    ]
    processor = [platform.machine(), *_features()]
    return "; ".join(
        [
            ", ".join(versions),
            " ".join(processor),
            f"{threads} threads",
            *sorted(devices - {"CPU"}),
            *switches,
        ]
    )


def _features() -> list[str]:
    """Reads which features the processor has, where Linux tells them."""
    try:
        lines = _PROCESSORS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return [name for name in _FEATURES if name in value.split()]
    return []
