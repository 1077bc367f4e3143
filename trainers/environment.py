"""What a run ran on, to be written down beside its results."""

import os
import pathlib
import platform
from typing import Any

import keras
import tensorflow as tf

import keras_pixelcnn as kp

_PROCESSORS = pathlib.Path("/proc/cpuinfo")


def describe() -> dict[str, Any]:
    """Versions and hardware, as JSON takes them.

    Returns:
        "versions" (name to version), "system", "processor", "cores" (those that this
        process may use) and "devices" (names of the accelerators; none on a CPU).
    """
    return {
        "versions": versions(),
        "system": platform.platform(),
        "processor": processor(),
        "cores": _cores(),
        "devices": _accelerators(),
    }


def versions() -> dict[str, str]:
    """Versions of what decides the numbers."""
    return {
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "keras_pixelcnn": kp.__version__,
    }


def processor(listing: pathlib.Path = _PROCESSORS) -> str:
    """The processor's name, as its maker calls it where Linux tells.

    Args:
        listing: the file in which Linux describes the processors.
    """
    try:
        lines = listing.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() == "model name" and value.strip():
            return value.strip()
    return platform.processor() or platform.machine()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _accelerators() -> list[str]:
    names = []
    for device in tf.config.list_physical_devices():
        if device.device_type != "CPU":
            details = tf.config.experimental.get_device_details(device)
            names.append(details.get("device_name", device.device_type))
    return names
