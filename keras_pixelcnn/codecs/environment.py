"""What the last digits of probabilities hang on: versions, processor, threads."""

import importlib.metadata
import os
import pathlib
import platform

import keras
import tensorflow as tf

_PROCESSORS = pathlib.Path("/proc/cpuinfo")

_FEATURES = (
    *("avx", "avx2", "fma", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16"),
    *("avx512_fp16", "amx_bf16", "asimd", "sve", "bf16"),
)
"""What kernels choose between, as Linux calls it."""

_SWITCHES = ("TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")


def describe() -> str:
    """One line, for whoever has to find the machine or build that a stream needs."""
    versions = [
        f"tensorflow {tf.__version__}",
        f"keras {keras.__version__}",
        f"constriction {importlib.metadata.version('constriction')}",
    ]
    threads = tf.config.threading.get_intra_op_parallelism_threads() or _num_threads()
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


def _num_threads() -> int:
    if hasattr(os, "sched_getaffinity"):  # on Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _features() -> list[str]:
    """The processor's own names of its features, where Linux tells them."""
    try:
        lines = _PROCESSORS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return [name for name in _FEATURES if name in value.split()]
    return []
