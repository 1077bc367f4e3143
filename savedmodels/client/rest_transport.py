"""TF Serving's REST interface: JSON in column form."""

import json
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np

from savedmodels.client import errors
from savedmodels.client.http_connections import Connections, urllib3
from savedmodels.client.json_columns import read_columns, read_numbers, to_json
from savedmodels.client.tensor_specs import TensorSpec
from savedmodels.client.transport import ModelSpec

_KINDS = {
    401: errors.ServerError,
    403: errors.ServerError,
    404: errors.NotFoundError,
    408: errors.DeadlineExceededError,
    413: errors.RequestTooLargeError,
    429: errors.UnavailableError,
    502: errors.UnavailableError,
    503: errors.UnavailableError,
    504: errors.DeadlineExceededError,
}
"""What a status code means; other 4xx are requests that the server cannot take."""

_CHUNK_SIZE = 1 << 16


class RestTransport:
    """Sends requests over HTTP connections that are kept and shared by threads.

    Args:
        address: "http://host:port" or "https://host:port", with a path if the server
            stands behind one.
        model: which model.
    """

    def __init__(self, address: str, model: ModelSpec) -> None:
        self.address = address.rstrip("/")
        self.model = model
        self._connections = Connections(self.address)
        root = self._connections.root
        self._model_url = f"{root}/v1/models/{quote(model.name, safe='')}"
        if model.version is not None:
            self._model_url += f"/versions/{model.version}"
        elif model.version_label is not None:
            self._model_url += f"/labels/{quote(model.version_label, safe='')}"

    def model_metadata(self, seconds: float) -> dict[str, Any]:
        """See `Transport`."""
        return self._ask(f"{self._model_url}/metadata", "metadata", seconds)

    def model_status(self, seconds: float) -> dict[str, Any]:
        """See `Transport`."""
        return self._ask(self._model_url, "status", seconds)

    def predict(
        self,
        signature: str,
        inputs: Mapping[str, np.ndarray],
        outputs: Mapping[str, TensorSpec],
        seconds: float,
    ) -> dict[str, np.ndarray]:
        """See `Transport`."""
        columns = {name: to_json(value) for name, value in inputs.items()}
        body = json.dumps({"signature_name": signature, "inputs": columns})
        where = self._where(f"signature {signature!r}")
        url = f"{self._model_url}:predict"
        answer = self._send("POST", url, where, seconds, body.encode())
        if answer.code == 200:
            counts = [len(value) for value in inputs.values() if value.ndim]
            numbers = read_numbers(answer.content, outputs, max(counts, default=1))
            if numbers is not None:
                return numbers
        document = _read_answer(answer, where)
        try:
            return read_columns(document["outputs"], outputs)
        except (LookupError, OverflowError, TypeError, ValueError) as error:
            raise errors.explain(
                errors.ServerError,
                f"The answer does not hold {list(outputs)} as the signature says: "
                f"{_shortened(json.dumps(document))}.",
                where,
            ) from error

    def close(self) -> None:
        """See `Transport`."""
        self._connections.close()

    def _where(self, what: str) -> str:
        return f"{what} of {self.model} at {self.address}"

    def _ask(self, url: str, what: str, seconds: float) -> dict[str, Any]:
        where = self._where(what)
        return _read_answer(self._send("GET", url, where, seconds), where)

    def _send(
        self,
        method: str,
        url: str,
        where: str,
        seconds: float,
        body: bytes | None = None,
    ) -> "_Answer":
        try:
            return self._exchange(method, url, seconds, body)
        except urllib3.exceptions.HTTPError as error:
            kind, sentence = _explanation(error, seconds)
            raise errors.explain(kind, sentence, where) from error

    def _exchange(
        self, method: str, url: str, seconds: float, body: bytes | None
    ) -> "_Answer":
        end = time.monotonic() + seconds
        response = self._connections.send(method, url, body, seconds)
        try:
            # The library's time limit is for each piece of the answer alone.
            chunks = []
            while chunk := response.read1(_CHUNK_SIZE):
                chunks.append(chunk)
                if time.monotonic() > end:
                    raise urllib3.exceptions.TimeoutError
        except BaseException:
            response.close()
            raise
        response.release_conn()
        location = response.headers.get("Location")
        return _Answer(response.status, b"".join(chunks), location)


class _Answer(NamedTuple):
    code: int
    content: bytes
    location: str | None


def _explanation(
    error: urllib3.exceptions.HTTPError, seconds: float
) -> tuple[type[errors.ClientError], str]:
    """What an exchange that failed means, and a sentence about it."""
    kinds = urllib3.exceptions
    if isinstance(error, kinds.SSLError):
        return errors.ServerError, f"No secure connection: {_innermost(error)}."
    # A refused connection counts as one that takes too long, by the library's names.
    broken = (kinds.NewConnectionError, kinds.ProtocolError, kinds.ProxyError)
    if isinstance(error, broken):
        return errors.UnavailableError, f"No connection: {_innermost(error)}."
    if isinstance(error, kinds.TimeoutError):
        return errors.DeadlineExceededError, f"No answer within {seconds:.3g} s."
    return errors.ServerError, f"The request failed: {_innermost(error)}."


def _read_answer(answer: _Answer, where: str) -> dict[str, Any]:
    try:
        body = json.loads(answer.content)
    except ValueError:
        body = None
    if answer.code == 200 and isinstance(body, dict):
        return body
    text = _shortened(answer.content.decode(errors="replace").strip())
    if answer.code != 200:
        if isinstance(body, dict) and isinstance(body.get("error"), str):
            text = body["error"]
        raise _refusal(answer, text, where)
    sentence = f"The answer is no JSON object: {text!r}."
    raise errors.explain(errors.ServerError, sentence, where)


def _refusal(answer: _Answer, text: str, where: str) -> errors.ClientError:
    if answer.location:
        text = f"The server redirects to {answer.location}: use that address."
    default = errors.ServerError
    if 400 <= answer.code < 500:
        default = errors.InvalidRequestError
    kind = _KINDS.get(answer.code, default)
    text = text or "The server gave no reason."
    return errors.explain(kind, text, where, f"HTTP {answer.code}")


def _innermost(error: BaseException) -> str:
    """What went wrong, without the layers of the libraries around it."""
    while error.args and isinstance(error.args[0], BaseException):
        error = error.args[0]
    reason = getattr(error, "reason", None)
    if isinstance(reason, BaseException):
        return _innermost(reason)
    return str(error) or type(error).__name__


def _shortened(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:200]}..."
