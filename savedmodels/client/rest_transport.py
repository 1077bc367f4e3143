"""TF Serving's REST interface: JSON in column form."""

import base64
import binascii
import json
import time
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np

from savedmodels.client import errors
from savedmodels.client.tensor_specs import TensorSpec
from savedmodels.client.transport import ModelSpec, missing_library

try:
    import requests
    import requests.adapters
except ModuleNotFoundError as missing:
    raise missing_library(missing) from missing

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

_CONNECTIONS = 64
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
        self._url = f"{self.address}/v1/models/{quote(model.name, safe='')}"
        self._model_url = self._url
        if model.version is not None:
            self._model_url += f"/versions/{model.version}"
        elif model.version_label is not None:
            self._model_url += f"/labels/{quote(model.version_label, safe='')}"
        self._session = requests.Session()
        # Nothing of a session changes from here on, so that threads can share it.
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = requests.adapters.HTTPAdapter(pool_maxsize=_CONNECTIONS)
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, adapter)
        self._read_environment()

    def _read_environment(self) -> None:
        """Takes proxies and certificates from the environment once.

        The session would look for them at each request, which costs a quarter of it.
        """
        found = self._session.merge_environment_settings(
            self._url, proxies={}, stream=None, verify=None, cert=None
        )
        self._session.proxies = found["proxies"]
        self._session.verify = found["verify"]
        self._session.trust_env = False

    def model_metadata(self, seconds: float) -> dict[str, Any]:
        """See `Transport`."""
        return self._send("GET", f"{self._model_url}/metadata", "metadata", seconds)

    def model_status(self, seconds: float) -> dict[str, Any]:
        """See `Transport`."""
        return self._send("GET", self._model_url, "status", seconds)

    def predict(
        self,
        signature: str,
        inputs: Mapping[str, np.ndarray],
        outputs: Mapping[str, TensorSpec],
        seconds: float,
    ) -> dict[str, np.ndarray]:
        """See `Transport`."""
        columns = {name: _to_json(value) for name, value in inputs.items()}
        body = json.dumps({"signature_name": signature, "inputs": columns})
        what = f"signature {signature!r}"
        url = f"{self._model_url}:predict"
        answer = self._send("POST", url, what, seconds, body.encode())
        try:
            return _read_columns(answer["outputs"], outputs)
        except (LookupError, OverflowError, TypeError, ValueError) as error:
            raise errors.explain(
                errors.ServerError,
                f"The answer does not hold {list(outputs)} as the signature says: "
                f"{_shortened(json.dumps(answer))}.",
                self._where(what),
            ) from error

    def close(self) -> None:
        """See `Transport`."""
        self._session.close()

    def _where(self, what: str) -> str:
        return f"{what} of {self.model} at {self.address}"

    def _send(
        self,
        method: str,
        url: str,
        what: str,
        seconds: float,
        body: bytes | None = None,
    ) -> dict[str, Any]:
        where = self._where(what)
        try:
            answer = self._exchange(method, url, seconds, body)
        except requests.Timeout as error:
            sentence = f"No answer within {seconds:.3g} s."
            raise errors.explain(
                errors.DeadlineExceededError, sentence, where
            ) from error
        except requests.exceptions.SSLError as error:
            sentence = f"No secure connection: {_innermost(error)}."
            raise errors.explain(errors.ServerError, sentence, where) from error
        except (
            requests.ConnectionError,
            requests.exceptions.ChunkedEncodingError,
        ) as error:
            sentence = f"No connection: {_innermost(error)}."
            raise errors.explain(errors.UnavailableError, sentence, where) from error
        except requests.RequestException as error:
            sentence = f"The request failed: {_innermost(error)}."
            raise errors.explain(errors.ServerError, sentence, where) from error
        return _read_answer(answer, where)

    def _exchange(
        self, method: str, url: str, seconds: float, body: bytes | None
    ) -> "_Answer":
        end = time.monotonic() + seconds
        headers = {} if body is None else {"Content-Type": "application/json"}
        with self._session.request(
            method,
            url,
            data=body,
            headers=headers,
            timeout=seconds,
            allow_redirects=False,  # which would turn a POST into a GET
            stream=True,
        ) as response:
            # The library's time limit is for each piece of the answer alone.
            chunks = []
            for chunk in response.iter_content(_CHUNK_SIZE):
                chunks.append(chunk)
                if time.monotonic() > end:
                    raise requests.Timeout
            location = response.headers.get("Location")
            return _Answer(response.status_code, b"".join(chunks), location)


class _Answer(NamedTuple):
    code: int
    content: bytes
    location: str | None


def _read_answer(answer: _Answer, where: str) -> dict[str, Any]:
    try:
        body = json.loads(answer.content)
    except ValueError:
        body = None
    text = _shortened(answer.content.decode(errors="replace").strip())
    if answer.code != 200:
        if isinstance(body, dict) and isinstance(body.get("error"), str):
            text = body["error"]
        raise _refusal(answer, text, where)
    if not isinstance(body, dict):
        sentence = f"The answer is no JSON object: {text!r}."
        raise errors.explain(errors.ServerError, sentence, where)
    return body


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


def _to_json(value: np.ndarray) -> Any:
    if value.dtype.kind != "O":
        return value.tolist()
    return _map_strings(value.tolist())


def _map_strings(value: Any) -> Any:
    if isinstance(value, list):
        return [_map_strings(item) for item in value]
    return {"b64": base64.b64encode(value).decode("ascii")}


def _read_columns(
    columns: Any, outputs: Mapping[str, TensorSpec]
) -> dict[str, np.ndarray]:
    if len(outputs) == 1 and not isinstance(columns, dict):
        columns = dict.fromkeys(outputs, columns)  # a single output has no name
    return {name: _read_tensor(columns[name], spec) for name, spec in outputs.items()}


def _read_tensor(value: Any, spec: TensorSpec) -> np.ndarray:
    if spec.dtype.kind == "O":
        strings = np.empty(len(value), object)
        strings[:] = [_read_string(item) for item in value]
        return strings
    numbers = np.asarray(value)
    if spec.dtype.kind in "iu" and numbers.size and numbers.dtype.kind not in "iu":
        raise ValueError("The numbers are no integers.")
    return np.asarray(value, spec.dtype)


def _read_string(value: Any) -> bytes:
    if isinstance(value, dict):
        try:
            return base64.b64decode(value["b64"], validate=True)
        except binascii.Error as error:
            raise ValueError("The string is no base64.") from error
    if not isinstance(value, str):
        raise TypeError("The value is no string.")
    return value.encode()
