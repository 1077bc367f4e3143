"""A server on loopback with TensorFlow Serving's REST and gRPC surface.

For tests, notebooks and machines without Docker; production is TensorFlow Serving.
"""

from typing import Any

__all__ = ["BatchingParameters", "LocalServer", "ModelConfig"]


def __getattr__(name: str) -> Any:
    # TensorFlow and the web framework are loaded when they are used: not for --help.
    if name == "LocalServer":
        from savedmodels.server.local_server import LocalServer

        return LocalServer
    if name == "BatchingParameters":
        from savedmodels.server.batching_parameters import BatchingParameters

        return BatchingParameters
    if name == "ModelConfig":
        from savedmodels.server.model_config import ModelConfig

        return ModelConfig
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
