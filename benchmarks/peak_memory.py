"""The most memory that sampling or training takes, each measured in a fresh process.

    python -m benchmarks.peak_memory '{"work": "sample", "batch_size": 9, "model": {}}'

with arguments of `GatedPixelCNN` as the model, does the work once and prints the peak
of this process's resident memory, in bytes. What a batch takes is that less the peak of
a process that does everything alike for a batch of one image: imports, weights, graphs
and the libraries' own buffers are in both.
"""

import json
import re
import statistics
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

WORK = ("sample", "train")


def peak_bytes(work: str, batch_size: int, model: Mapping[str, Any]) -> int:
    """Measures the peak resident memory of a fresh process that does some work.

    Args:
        work: "sample" draws a batch; "train" takes two steps of Adam.
        batch_size: images in the batch.
        model: arguments of `GatedPixelCNN`.

    Raises:
        subprocess.CalledProcessError: when the process fails.
    """
    request = {"work": work, "batch_size": batch_size, "model": dict(model)}
    command = [sys.executable, "-m", "benchmarks.peak_memory", json.dumps(request)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return int(done.stdout.split()[-1])


def batch_bytes(work: str, batch_size: int, model: Mapping[str, Any], runs: int) -> int:
    """Measures what a batch takes beyond a single image: a median, in bytes."""
    return int(
        statistics.median(
            peak_bytes(work, batch_size, model) - peak_bytes(work, 1, model)
            for _ in range(runs)
        )
    )


def own_peak_bytes() -> int:
    """Returns the most resident memory that this process had so far.

    Raises:
        OSError: where there is no /proc, as there is on Linux.
    """
    # getrusage would not do: a process's begins with that of the one that started it.
    with open("/proc/self/status", encoding="utf-8") as status:
        return int(re.search(r"VmHWM:\s*(\d+) kB", status.read())[1]) * 1024


def do_work(work: str, batch_size: int, model: Mapping[str, Any]) -> None:
    """Samples a batch, or trains on one; see `peak_bytes`."""
    import numpy as np

    import keras_pixelcnn as kp

    if work not in WORK:
        raise ValueError(f"work must be one of {WORK}. Received: work={work!r}")
    network = kp.GatedPixelCNN(**model)
    if work == "sample":
        network.sample(batch_size, seed=1)
        return
    network.compile("adam")
    generator = np.random.default_rng(0)
    shape = (batch_size, *network.image_shape)
    images = generator.integers(0, network.num_levels, shape, "int32")
    for _ in range(2):  # the first makes the optimiser's variables
        network.train_on_batch(images)


if __name__ == "__main__":
    do_work(**json.loads(sys.argv[1]))
    print(own_peak_bytes())
