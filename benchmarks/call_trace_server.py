"""The files that a reader of one REST request opens: counted by tracing calls.

    python -m benchmarks.call_trace_server

serves a model in this process, samples an image by a request, and prints the functions
of `savedmodels` that the server's threads called meanwhile, and in how many files.
"""

import itertools
import json
import pathlib
import tempfile
import threading
import urllib.request
from types import FrameType
from typing import Any, NamedTuple

import keras_pixelcnn as kp
import savedmodels

_PACKAGE = pathlib.Path(savedmodels.__file__).parent


class ServerTrace(NamedTuple):
    """The functions that were called in any thread of the server.

    Attributes:
        functions: as "file:name", each once, in the order of their first calls.
        files: in the same order, relative to the package.
        switches: how often a function of another file than the last one was called.
    """

    functions: tuple[str, ...]
    files: tuple[str, ...]
    switches: int


def trace_request(base: pathlib.Path) -> ServerTrace:
    """Traces a request for one image, after one that is not traced.

    Args:
        base: the folder of the versions of a model without conditions.
    """
    from savedmodels.server import LocalServer

    calls: list[tuple[str, str]] = []
    is_tracing = False

    def send(request: urllib.request.Request) -> None:
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()

    def note(frame: FrameType, event: str, _: Any) -> None:
        path = pathlib.Path(frame.f_code.co_filename)
        if is_tracing and event == "call" and path.is_relative_to(_PACKAGE):
            file = path.relative_to(_PACKAGE).as_posix()
            calls.append((file, frame.f_code.co_qualname))

    threading.setprofile(note)  # for the threads that the server starts
    try:
        with LocalServer({"model": base}, poll_seconds=3600) as server:
            server.wait_until_available("model")
            row = {"seed": 1, "temperature": 1.0}
            body = json.dumps({"signature_name": "sample", "instances": [row]})
            url = f"{server.rest_url}/v1/models/model:predict"
            request = urllib.request.Request(url, body.encode())
            send(request)
            is_tracing = True
            send(request)
            is_tracing = False
    finally:
        threading.setprofile(None)
    files = [file for file, _ in calls]
    return ServerTrace(
        tuple(dict.fromkeys(f"{file}:{name}" for file, name in calls)),
        tuple(dict.fromkeys(files)),
        sum(a != b for a, b in itertools.pairwise(files)),
    )


def main() -> None:
    """Prints the trace."""
    with tempfile.TemporaryDirectory() as folder:
        base = pathlib.Path(folder)
        model = kp.GatedPixelCNN((4, 4, 1), 4, filters=2, num_blocks=1)
        model.export(base / "1", verbose=False, signatures=["sample"])
        trace = trace_request(base)
    counts = f"{len(trace.functions)} functions, {len(trace.files)} files"
    print(f"{counts}, {trace.switches} switches between files")
    print("   ", "\n    ".join(trace.functions))


if __name__ == "__main__":
    main()
