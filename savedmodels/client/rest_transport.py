"""TF Serving's REST interface: JSON in column form."""

import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np

from savedmodels.client import errors
from savedmodels.client.transport import ModelSpec, Transport, missing_library
from savedmodels.error_messages import shortened
from savedmodels.tensor_spec import TensorSpec

try:
    import requests
    import urllib3

    from savedmodels import json_codec, rest_bodies
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
"""So many are kept; more may be open at once."""

_CHUNK_SIZE = 1 << 16


class RestTransport(Transport):
    """Sends requests over HTTP connections that are kept and shared by threads.

    Proxies are those of HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, certificates
    those of REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE, as requests reads them.

    Args:
        address: "http://host:port" or "https://host:port", with a user's name and
            password, and with a path if the server stands behind one.
        model: which model.
    """

    def __init__(self, address: str, model: ModelSpec) -> None:
        super().__init__(address, model)
        self._model_url = f"{self.address}/v1/models/{quote(model.name, safe='')}"
        if model.version is not None:
            self._model_url += f"/versions/{model.version}"
        elif model.version_label is not None:
            self._model_url += f"/labels/{quote(model.version_label, safe='')}"
        self._session = requests.Session()
        adapter = requests.adapters.HTTPAdapter(pool_maxsize=_CONNECTIONS)
        self._session.mount(self.address, adapter)
        # What the environment says is read once, and not for each request.
        found = self._session.merge_environment_settings(
            self.address, {}, None, None, None
        )
        self._session.proxies, self._session.verify = found["proxies"], found["verify"]
        self._session.trust_env = False

    def model_metadata(self, seconds: float) -> dict[str, Any]:
        """See `Transport`."""
        return self._ask(f"{self._model_url}/metadata", self.where("metadata"), seconds)

    def model_status(self, seconds: float) -> dict[str, Any]:
        """See `Transport`."""
        return self._ask(self._model_url, self.where("status"), seconds)

    def predict(
        self,
        signature: str,
        inputs: Mapping[str, np.ndarray],
        outputs: Mapping[str, TensorSpec],
        seconds: float,
    ) -> dict[str, np.ndarray]:
        """See `Transport`."""
        body = rest_bodies.write_request(signature, inputs)
        where = self.where(f"signature {signature!r}")
        url = f"{self._model_url}:predict"
        document = self._ask(url, where, seconds, body)
        try:
            return rest_bodies.read_outputs(document, outputs)
        except (LookupError, TypeError, ValueError) as error:
            raise errors.explain(
                errors.ServerError,
                f"The answer does not hold {list(outputs)} as the signature says: "
                f"{shortened(str(document), 200)}.",
                where,
            ) from error

    def close(self) -> None:
        """See `Transport`."""
        self._session.close()

    def _ask(
        self, url: str, where: str, seconds: float, body: bytes | None = None
    ) -> dict[str, Any]:
        try:
            answer = self._exchange(url, seconds, body)
        except (OSError, urllib3.exceptions.HTTPError) as error:
            kind, sentence = _explanation(error, seconds)
            raise errors.explain(kind, sentence, where) from error
        return _read_answer(answer, where)

    def _exchange(self, url: str, seconds: float, body: bytes | None) -> "_Answer":
        end = time.monotonic() + seconds
        response = self._session.request(
            "GET" if body is None else "POST",
            url,
            data=body,
            headers=None if body is None else {"Content-Type": "application/json"},
            timeout=seconds,
            allow_redirects=False,  # which would turn a POST into a GET
            stream=True,
        )
        try:
            # The library's time limit is for each piece of the answer alone.
            chunks = []
            while chunk := response.raw.read1(_CHUNK_SIZE, decode_content=True):
                chunks.append(chunk)
                if time.monotonic() > end:
                    raise TimeoutError
        except BaseException:
            response.close()
            raise
        response.raw.release_conn()
        location = response.headers.get("Location")
        return _Answer(response.status_code, b"".join(chunks), location)


class _Answer(NamedTuple):
    code: int
    content: bytes
    location: str | None


def _explanation(
    error: Exception, seconds: float
) -> tuple[type[errors.ClientError], str]:
    """Says what an exchange that failed means, in a sentence."""
    if isinstance(error, requests.exceptions.SSLError):
        return errors.ServerError, f"No secure connection: {_innermost(error)}."
    late = (TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError)
    if isinstance(error, late):
        return errors.DeadlineExceededError, f"No answer within {seconds:.3g} s."
    if isinstance(error, (requests.ConnectionError, urllib3.exceptions.ProtocolError)):
        return errors.UnavailableError, f"No connection: {_innermost(error)}."
    return errors.ServerError, f"The request failed: {_innermost(error)}."


def _innermost(error: BaseException) -> str:
    """Says what went wrong, without the layers of the libraries around it."""
    while error.args and isinstance(error.args[0], BaseException):
        error = error.args[0]
    reason = getattr(error, "reason", None)
    if isinstance(reason, BaseException):
        return _innermost(reason)
    return str(error) or type(error).__name__


def _read_answer(answer: _Answer, where: str) -> dict[str, Any]:
    try:
        body = json_codec.parse(answer.content)
    except ValueError:
        body = None
    if answer.code == 200 and isinstance(body, dict):
        return body
    text = shortened(answer.content.decode(errors="replace").strip(), 200)
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
