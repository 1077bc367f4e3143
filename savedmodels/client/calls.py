"""One call: many rows, cut into requests, sent before one deadline."""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

import numpy as np

from savedmodels.client import errors
from savedmodels.client.retries import Deadline, RetryPolicy
from savedmodels.client.tensor_specs import (
    SignatureSpec,
    VersionStatus,
    parse_signatures,
    parse_status,
)
from savedmodels.client.transport import ModelSpec, Transport

_Answer = TypeVar("_Answer")


class Connection:
    """Asks a server for a model's signatures and metadata, and keeps the answers.

    Threads may share it: nothing changes but what was learned of the model, which is
    replaced as a whole.

    Args:
        transport: to the server.
        policy: when a request is sent again.
        timeout: seconds for a call.
        max_rows: of a request.
    """

    def __init__(
        self, transport: Transport, policy: RetryPolicy, timeout: float, max_rows: int
    ) -> None:
        self.transport = transport
        self.max_rows = max_rows
        self.policy = policy
        self._timeout = timeout
        self._signatures: dict[str, SignatureSpec] | None = None
        self._document: dict[str, Any] | None = None

    def begin(self, signature: str, deadline: Deadline | None = None) -> "Call":
        """Begins a call of a signature.

        Args:
            signature: its name.
            deadline: of the call that this is a part of. Default: begins now.

        Raises:
            NotFoundError: when the model has no such signature.
        """
        deadline = deadline or self.policy.deadline(self._timeout)
        known = self._signatures
        if known is None or signature not in known:
            # Not in what was learned before: a newer version may have it.
            answer = self.policy.call(self.transport.model_metadata, deadline)
            known = self._signatures = self._parsed(parse_signatures, answer)
        if signature not in known:
            raise errors.NotFoundError(
                f"{self.transport.where()} has no signature {signature!r}. It has: "
                f"{', '.join(sorted(known))}."
            )
        return Call(self, signature, known[signature], deadline)

    def document(self, deadline: Deadline) -> dict[str, Any]:
        """Gives the model's metadata, as it was when last asked for.

        Args:
            deadline: of the call that needs it.
        """
        document = self._document
        return self.ask_for_document(deadline) if document is None else document

    def ask_for_document(self, deadline: Deadline | None = None) -> dict[str, Any]:
        """Asks for the model's metadata.

        Args:
            deadline: as for `begin`.
        """
        call = self.begin("metadata", deadline)
        (text,) = call.run({"row": np.zeros([1], np.int32)}, 1)["metadata"]
        try:
            document = json.loads(text)
        except ValueError as error:
            sentence = "The metadata is no JSON document."
            where = self.transport.where()
            raise errors.explain(errors.ServerError, sentence, where) from error
        self._document = document
        return document

    def was_too_large(self, rows: int, deadline: Deadline) -> bool:
        """Tells whether a refused request had more rows than the server batches.

        From then on requests have as many at most.

        Args:
            rows: of the request.
            deadline: of the call.
        """
        if rows == 1:
            return False
        try:
            most = self.ask_for_document(deadline).get("max_batch_size")
        except errors.ClientError:
            return False
        if most is None or rows <= most:
            return False
        self.max_rows = most
        return True

    def status(self) -> list[VersionStatus]:
        """Asks for the states of the model's versions."""
        deadline = self.policy.deadline(self._timeout)
        answer = self.policy.call(self.transport.model_status, deadline)
        return self._parsed(parse_status, answer)

    def forget(self) -> None:
        """Drops what was learned of the model, which may be another one by now."""
        self._signatures = self._document = None

    def _parsed(
        self, parse: Callable[[dict[str, Any]], _Answer], answer: dict[str, Any]
    ) -> _Answer:
        try:
            return parse(answer)
        except ValueError as error:
            sentence = f"The answer is not that of TF Serving. {error}"
            where = self.transport.where()
            raise errors.explain(errors.ServerError, sentence, where) from error


class Call:
    """A call of one signature.

    Attributes:
        name: of the signature.
        spec: its inputs and outputs.
        deadline: when it must be done.
    """

    def __init__(
        self, connection: Connection, name: str, spec: SignatureSpec, deadline: Deadline
    ) -> None:
        self.name = name
        self.spec = spec
        self._connection = connection
        self.deadline = deadline

    def run(
        self, inputs: Mapping[str, np.ndarray], count: int
    ) -> dict[str, np.ndarray]:
        """Sends all rows in as many requests as it takes.

        Args:
            inputs: all of the signature's, (n, ...).
            count: number of rows n.

        Returns:
            All outputs, (n, ...).

        Raises:
            ClientError: when a request fails.
        """
        if count == 0:
            return {
                name: np.empty([0, *(n or 0 for n in spec.example_shape)], spec.dtype)
                for name, spec in self.spec.outputs.items()
            }
        pieces, done = [], 0
        while done < count:
            size = min(self._connection.max_rows, count - done)
            rows = {name: value[done : done + size] for name, value in inputs.items()}
            try:
                pieces.append(self._run_piece(rows, size))
            except errors.InvalidRequestError:
                if not self._connection.was_too_large(size, self.deadline):
                    raise
            else:
                done += size
        if len(pieces) == 1:
            return pieces[0]
        return {
            name: np.concatenate([piece[name] for piece in pieces])
            for name in self.spec.outputs
        }

    def _run_piece(
        self, rows: Mapping[str, np.ndarray], count: int
    ) -> dict[str, np.ndarray]:
        transport = self._connection.transport

        def send(seconds: float) -> dict[str, np.ndarray]:
            return transport.predict(self.name, rows, self.spec.outputs, seconds)

        try:
            outputs = self._connection.policy.call(send, self.deadline)
            for name, spec in self.spec.outputs.items():
                if not spec.is_batch(outputs[name].shape, count):
                    raise errors.explain(
                        errors.ServerError,
                        f"{name} must have shape {(count, *spec.example_shape)}. "
                        f"Received: {outputs[name].shape}.",
                        transport.where(f"signature {self.name!r}"),
                    )
        except (errors.InvalidRequestError, errors.ServerError, errors.NotFoundError):
            # A new version may take and give something else.
            self._connection.forget()
            raise
        return outputs


def open_transport(address: str, model: ModelSpec) -> Transport:
    """Opens a way to a server; nothing is sent yet.

    Args:
        address: "http://host:port", "https://host:port" or "grpc://host:port".
        model: of that server.

    Raises:
        ValueError: when the address has another form.
        ModuleNotFoundError: when the libraries for the protocol are missing.
    """
    try:
        parts = urlsplit(address)
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except (AttributeError, TypeError, ValueError):
        scheme, host, port = "", None, None
    is_whole = bool(host) and (port is not None or scheme != "grpc")
    if scheme not in ("http", "https", "grpc") or not is_whole:
        raise ValueError(
            'address must be "http://host:8501" (or https) for REST, or '
            f'"grpc://host:8500" for gRPC. Received: {address!r}'
        )
    if scheme == "grpc":
        from savedmodels.client.grpc_transport import GrpcTransport

        return GrpcTransport(address, model)
    from savedmodels.client.rest_transport import RestTransport

    return RestTransport(address, model)
