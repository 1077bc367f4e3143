"""The versions and hardware that a run ran on."""

import os
import pathlib
import platform
import subprocess
from typing import Any

import keras
import tensorflow as tf

import keras_pixelcnn as kp

_PROCESSORS = pathlib.Path("/proc/cpuinfo")
_ROOT = pathlib.Path(kp.__file__).parent.parent


def describe() -> dict[str, Any]:
    """Returns versions and hardware, as JSON takes them.

    Returns:
        "versions" (name to version), "commit" (of this package's source; None where it
        does not come from a repository), "system", "processor", "cores" (those that
        this process may use) and "devices" (names of the accelerators; none on a CPU).
    """
    if hasattr(os, "sched_getaffinity"):  # Linux
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    devices = []
    for device in tf.config.list_physical_devices():
        if device.device_type != "CPU":
            details = tf.config.experimental.get_device_details(device)
            devices.append(details.get("device_name", device.device_type))
    return {
        "versions": {  # of the packages that decide the numbers
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "keras_pixelcnn": kp.__version__,
        },
        "commit": commit(),
        "system": platform.platform(),
        "processor": processor(),
        "cores": cores,
        "devices": devices,
    }


def commit(root: pathlib.Path = _ROOT) -> str | None:
    """Returns the commit of a checkout, with "-changed" where files differ from it.

    Returns:
        None for a folder that is no checkout, or where there is no git.
    """
    if not (root / ".git").exists():
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--abbrev=40"]
    try:
        result = subprocess.run(
            [*command, "--exclude=*", "--dirty=-changed"],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip()


def processor(listing: pathlib.Path = _PROCESSORS) -> str:
    """Returns the processor's name, as its maker calls it where Linux tells."""
    try:
        lines = listing.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() == "model name" and value.strip():
            return value.strip()
    return platform.processor() or platform.machine()
