"""The files of the package that a reader of one verb opens: counted by tracing calls.

    python -m benchmarks.call_trace

makes a tiny model, takes one step of training, and samples, each under a profiler that
notes every function of `keras_pixelcnn` that is called, and prints how many functions
and files that were, and how often a call went from one file to another. Graphs are
traced anew, so that what runs inside of them is seen.
"""

import itertools
import os
import pathlib
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, NamedTuple

import keras
import numpy as np

import keras_pixelcnn as kp

_PACKAGE = str(pathlib.Path(kp.__file__).parent) + os.sep


class Trace(NamedTuple):
    """The functions that were called.

    Attributes:
        functions: as "file:name", each once, in the order of their first calls.
        files: in the same order, relative to the package.
        switches: how often a function of another file than the last one was called.
    """

    functions: tuple[str, ...]
    files: tuple[str, ...]
    switches: int


def trace_calls(work: Callable[[], Any]) -> Trace:
    """Runs something, and notes which functions of the package it calls.

    Args:
        work: what is run; modules that it imports count too.
    """
    functions: dict[str, None] = {}
    files: dict[str, None] = {}
    places: list[str] = []

    def note(frame: FrameType, event: str, _: Any) -> None:
        path = frame.f_code.co_filename
        if event != "call" or not path.startswith(_PACKAGE):
            return
        file = pathlib.Path(path).relative_to(_PACKAGE).as_posix()
        files[file] = functions[f"{file}:{frame.f_code.co_qualname}"] = None
        places.append(file)

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    switches = sum(a != b for a, b in itertools.pairwise(places))
    return Trace(tuple(functions), tuple(files), switches)


def trace_verbs() -> dict[str, Trace]:
    """Traces the making, one step of training and one sampling of a GatedPixelCNN."""
    models: list[kp.GatedPixelCNN] = []

    def construct() -> None:
        arguments = {"filters": 2, "num_blocks": 2, "first_kernel_size": 3}
        models.append(kp.GatedPixelCNN((4, 4, 1), 4, **arguments))

    traces = {"construct": trace_calls(construct)}
    (model,) = models
    model.compile(keras.optimizers.SGD(0.1))
    images = np.zeros((2, 4, 4, 1), "uint8")
    traces["fit, one step"] = trace_calls(lambda: model.fit(images, verbose=0))
    traces["sample"] = trace_calls(lambda: model.sample(2, seed=1))
    return traces


if __name__ == "__main__":
    for name, trace in trace_verbs().items():
        counts = f"{len(trace.functions)} functions, {len(trace.files)} files"
        print(f"{name}: {counts}, {trace.switches} switches between files")
        print("   ", ", ".join(trace.files))
