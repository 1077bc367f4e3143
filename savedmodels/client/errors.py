"""Exceptions of the client, each with advice on what to do about it."""

from typing import ClassVar

from savedmodels.error_messages import readable_message


class ClientError(Exception):
    """Any error of a client.

    Attributes:
        advice: what to do, in a sentence.
    """

    advice: ClassVar[str] = ""


class InvalidRequestError(ClientError, ValueError):
    """The request is not as the model takes it: sending it again would not help."""


class RequestTooLargeError(InvalidRequestError):
    """The server takes no requests of this size."""

    advice = "Pass a smaller max_rows to the client."


class NotFoundError(ClientError, LookupError):
    """The server has no such model, version, label of a version, or signature."""

    advice = (
        "Check the model's name and its version; Client.status() tells which versions "
        "of a model there are."
    )


class DeadlineExceededError(ClientError, TimeoutError):
    """The time for the call is over."""

    advice = "Pass a longer timeout, or ask for fewer images at once."


class UnavailableError(ClientError, ConnectionError):
    """The server cannot be reached or takes no requests now; it may do so later."""

    advice = "Is the server running, and is this the address of the right port?"


class ServerError(ClientError, RuntimeError):
    """The server failed, or answered something else than what was asked for."""

    advice = "The server's log may tell more."


def explain(
    kind: type[ClientError], sentence: str, where: str, code: str = ""
) -> ClientError:
    """Makes an error that says what happened, where, and what to do.

    Args:
        kind: the class of the error.
        sentence: what happened; a graph's names of nodes are left out.
        where: the signature, model and address.
        code: of the protocol's. Default: none.
    """
    code = code and f" [{code}]"
    return kind(f"{readable_message(sentence)}{code} ({where}) {kind.advice}".rstrip())
