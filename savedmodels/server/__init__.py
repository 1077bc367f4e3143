"""A server on loopback with TensorFlow Serving's REST and gRPC surface.

It is for tests, notebooks and machines without Docker; production is TensorFlow
Serving.
"""

from typing import Any

__all__ = ["LocalServer"]


def __getattr__(name: str) -> Any:
    # TensorFlow and the web framework are loaded when they are used: not for --help.
    if name != "LocalServer":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from savedmodels.server.local_server import LocalServer

    return LocalServer
