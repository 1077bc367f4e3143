"""The files that a reader of one verb opens: counted by tracing calls.

    python -m benchmarks.call_trace

makes a tiny model, takes one step of training, samples, and has a server sample by a
REST request, each under a profiler that notes every function of the package that is
called, and prints how many functions and files that were, and how often a call went
from one file to another. Graphs are traced anew, so that what runs inside of them is
seen.
"""

import contextlib
import itertools
import json
import os
import pathlib
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Callable
from types import FrameType
from typing import Any, NamedTuple

import keras
import numpy as np

import keras_pixelcnn as kp
import savedmodels


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


class Tracer:
    """Notes the functions of a package that are called while it is on.

    Args:
        package: whose functions count; modules that are imported meanwhile count too.
    """

    def __init__(self, package: Any = kp) -> None:
        self._root = f"{pathlib.Path(package.__file__).parent}{os.sep}"
        self._calls: list[tuple[str, str]] = []
        self.is_on = True

    def note(self, frame: FrameType, event: str, _: Any) -> None:
        """Notes a call: what `sys.setprofile` takes."""
        # Called for each of millions of functions, of which few are the package's.
        if event == "call" and self.is_on:
            path = frame.f_code.co_filename
            if path.startswith(self._root):
                file = path.removeprefix(self._root).replace(os.sep, "/")
                self._calls.append((file, frame.f_code.co_qualname))

    def trace(self) -> Trace:
        """Returns what was noted."""
        files = [file for file, _ in self._calls]
        return Trace(
            tuple(dict.fromkeys(f"{file}:{name}" for file, name in self._calls)),
            tuple(dict.fromkeys(files)),
            sum(a != b for a, b in itertools.pairwise(files)),
        )


def trace_calls(work: Callable[[], Any]) -> Trace:
    """Runs something, and notes which functions of `keras_pixelcnn` it calls."""
    tracer = Tracer()
    sys.setprofile(tracer.note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return tracer.trace()


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


def trace_request(base: pathlib.Path) -> Trace:
    """Traces a REST request for one image in all threads of a server.

    An equal request before it is not traced.

    Args:
        base: the folder of the versions of a model without conditions.
    """
    from savedmodels.server import LocalServer

    tracer = Tracer(savedmodels)
    tracer.is_on = False
    row = {"seed": 1, "temperature": 1.0}
    body = json.dumps({"signature_name": "sample", "instances": [row]}).encode()
    with contextlib.ExitStack() as opened:
        threading.setprofile(tracer.note)  # of those that the server starts
        opened.callback(threading.setprofile, None)
        server = LocalServer({"model": base}, poll_seconds=3600)
        opened.enter_context(server)
        server.wait_until_available("model")
        url = f"{server.rest_url}/v1/models/model:predict"
        for is_traced in (False, True):
            tracer.is_on = is_traced
            request = urllib.request.Request(url, body)
            with urllib.request.urlopen(request, timeout=60) as answer:
                answer.read()
        tracer.is_on = False
    return tracer.trace()


def main() -> None:
    """Prints the traces."""
    traces = trace_verbs()
    with tempfile.TemporaryDirectory() as folder:
        base = pathlib.Path(folder)
        model = kp.GatedPixelCNN((4, 4, 1), 4, filters=2, num_blocks=1)
        model.export(base / "1", verbose=False, signatures=["sample"])
        traces["REST request"] = trace_request(base)
    for name, trace in traces.items():
        counts = f"{len(trace.functions)} functions, {len(trace.files)} files"
        print(f"{name}: {counts}, {trace.switches} switches between files")
        print("   ", ", ".join(trace.files))


if __name__ == "__main__":
    main()
