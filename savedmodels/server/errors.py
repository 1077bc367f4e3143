"""Errors of the server: a code that both protocols know, and a sentence."""

import re
from collections.abc import Sequence

import grpc
import tensorflow as tf
from absl import logging

LONGEST_MESSAGE = 1000
"""Characters of a message that are sent: gRPC carries messages in its headers."""

HTTP_STATUS = {
    grpc.StatusCode.OK: 200,
    grpc.StatusCode.CANCELLED: 499,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}
"""The HTTP status of each code; of the others, 500."""

_CODES = {code.value[0]: code for code in grpc.StatusCode}
_BOILERPLATE = (
    "Graph execution error",
    "Detected at node",
    "<stack traces unavailable>",
    "[[",
)


class ServingError(Exception):
    """A request that cannot be answered.

    Attributes:
        code: the gRPC status code.
        message: the rule, and what was received.
    """

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = shortened(message)

    @property
    def http_status(self) -> int:
        """The HTTP status of the code."""
        return HTTP_STATUS.get(self.code, 500)


def invalid(message: str) -> ServingError:
    """An INVALID_ARGUMENT to raise."""
    return ServingError(grpc.StatusCode.INVALID_ARGUMENT, message)


def serving_error(error: Exception, inputs: Sequence[str] = ()) -> ServingError:
    """What a client is told of an error, without the traces of TensorFlow's graphs.

    Args:
        error: any.
        inputs: the names of the inputs with which a graph was run.
    """
    if isinstance(error, ServingError):
        return ServingError(error.code, error.message)
    if isinstance(error, tf.errors.OpError):
        code = _CODES.get(error.error_code, grpc.StatusCode.UNKNOWN)
        return ServingError(code, readable(error.message, inputs))
    logging.error("A request failed.", exc_info=error)
    words = f"{type(error).__name__}: {error}"
    return ServingError(grpc.StatusCode.INTERNAL, f"The server failed. {words}")


def readable(message: str, inputs: Sequence[str] = ()) -> str:
    """The sentence within an error message of a graph.

    Checks in a graph answer `assertion failed: [rule] [Received:] [values]`, which
    becomes `rule Received: values`, as Python's errors read. Where another operation
    fails that is named as an input is, the sentence begins with this name.
    """
    found = re.search(r"assertion failed: (.*)", message)
    if found:
        pieces = re.split(r"\s*(?:\[\[{{|\[Op:)", found.group(1))[0].strip()
        return " ".join(pieces.removeprefix("[").removesuffix("]").split("] ["))
    lines = [
        line.strip()
        for line in message.splitlines()
        if line.strip() and not line.strip().startswith(_BOILERPLATE)
    ]
    line = re.sub(r"\{\{.*?\}\}\s*", "", lines[0] if lines else message)
    sentence = re.sub(r"\s*\[Op:\w+\].*$", "", line).strip()
    nodes = [node.split("/")[-1] for node in re.findall(r"{{node ([^}]+)}}", message)]
    named = [node for node in nodes if node in inputs and node not in sentence]
    return f"{named[0]} cannot be taken: {sentence}" if named else sentence


def shortened(text: str, longest: int = LONGEST_MESSAGE) -> str:
    """A text without its end, where it is too long to be sent."""
    return text if len(text) <= longest else f"{text[:longest]} ..."
