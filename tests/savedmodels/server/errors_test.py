"""Tests of what clients are told of errors."""

import grpc
import pytest
import tensorflow as tf

from savedmodels.error_messages import LONGEST_MESSAGE
from savedmodels.server.errors import ServingError, serving_error

GRAPH = "Graph execution error:\n\nDetected at node {} defined at (most recent call "
GRAPH += "last):\n<stack traces unavailable>\n{}\n\t [[{{{{node {}}}}}]] [Op:__f_1]"


def _told(node, message, code=tf.errors.InvalidArgumentError):
    return serving_error(code(None, None, GRAPH.format(node, message, node)), ["image"])


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        (
            "assertion failed: [image must hold integers in [0, 5).] [Received:] [9]",
            "image must hold integers in [0, 5). Received: 9",
        ),
        (
            "assertion failed: [sizes must be [3 4].] [Received:] [[5 6]]",
            "sizes must be [3 4]. Received: [5 6]",
        ),
        ("assertion failed: [x] [Received:] [1 2 3...]", "x Received: 1 2 3..."),
        ("{{function_node f}} Matrix sizes differ", "Matrix sizes differ"),
    ],
)
def test_messages_of_graphs(message, sentence):
    told = _told("Assert/Assert", message)
    assert told.message == sentence
    assert told.code is grpc.StatusCode.INVALID_ARGUMENT
    assert told.http_status == 400


def test_an_operation_that_is_named_as_an_input_says_which_input_it_was():
    told = _told("map/while/image", "Invalid PNG data, size 68")
    assert told.message == "image cannot be taken: Invalid PNG data, size 68"
    told = _told("map/while/other", "Invalid PNG data, size 68")
    assert told.message == "Invalid PNG data, size 68"


def test_codes():
    told = _told("node", "no memory", tf.errors.ResourceExhaustedError)
    assert (told.code.name, told.http_status) == ("RESOURCE_EXHAUSTED", 429)
    told = serving_error(RuntimeError("broken"))
    assert (told.code.name, told.http_status) == ("INTERNAL", 500)
    assert told.message == "The server failed. RuntimeError: broken"


def test_long_messages_are_shortened():
    told = ServingError(grpc.StatusCode.UNKNOWN, "a" * 10_000)
    assert len(told.message) == LONGEST_MESSAGE + len(" ...")
