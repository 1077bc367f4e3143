"""Errors of the server: a code that both protocols know, and a sentence."""

import concurrent.futures
from collections.abc import Sequence

import grpc
import tensorflow as tf
from absl import logging

from savedmodels.error_messages import readable_message, shortened

HTTP_STATUS = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}
"""The HTTP status of each code; of the others, 500."""

_CODES = {code.value[0]: code for code in grpc.StatusCode}


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
    """Makes an INVALID_ARGUMENT to raise."""
    return ServingError(grpc.StatusCode.INVALID_ARGUMENT, message)


def serving_error(error: Exception, inputs: Sequence[str] = ()) -> ServingError:
    """Tells an error to a client, without the traces of TensorFlow's graphs.

    One that nobody foresaw is logged. `inputs` are those with which a graph was run.
    """
    if isinstance(error, ServingError):
        return ServingError(error.code, error.message)
    if isinstance(error, tf.errors.OpError):
        code = _CODES.get(error.error_code, grpc.StatusCode.UNKNOWN)
        return ServingError(code, readable_message(error.message, tuple(inputs)))
    if isinstance(error, TimeoutError):
        message = "The time is over. Ask for fewer rows, or allow more of it."
        return ServingError(grpc.StatusCode.DEADLINE_EXCEEDED, message)
    if isinstance(error, concurrent.futures.CancelledError):
        return ServingError(grpc.StatusCode.CANCELLED, "The client is gone.")
    logging.error("A request failed.", exc_info=error)
    words = f"{type(error).__name__}: {error}"
    return ServingError(grpc.StatusCode.INTERNAL, f"The server failed. {words}")
