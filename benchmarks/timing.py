"""Timing alternatives in turn, so that a change of pace hits all alike."""

import importlib.metadata
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf


def median_seconds(
    alternatives: Mapping[str, Callable[[], Any]], runs: int
) -> dict[str, float]:
    """Median wall-clock seconds of each alternative.

    Each is run once to be compiled, which does not count; then all in turn, `runs`
    times.

    Args:
        alternatives: functions by name, which return tensors or numbers.
        runs: number of counted runs of each.

    Returns:
        Seconds by name.
    """
    seconds = {name: [] for name in alternatives}
    for run in range(runs + 1):
        for name, function in alternatives.items():
            start = time.perf_counter()
            tf.nest.map_structure(np.asarray, function())  # waits for it
            if run:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def environment() -> dict[str, Any]:
    """What the figures depend on: processor, devices and versions."""
    return {
        "processor": _processor(),
        "devices": [device.device_type for device in tf.config.list_logical_devices()],
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "tensorflow_probability": importlib.metadata.version("tensorflow_probability"),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            names = [
                line.split(":")[1].strip() for line in lines if "model name" in line
            ]
        return f"{names[0]}, {len(names)} threads"
    except (OSError, IndexError):  # no Linux, or another kind of processor
        return platform.processor() or platform.machine()
