"""The REST interface: status, metadata and predictions, as TensorFlow Serving's."""

import asyncio
import json
import pathlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from aiohttp import web
from google.protobuf import json_format

from savedmodels.server import json_tensors
from savedmodels.server.awaiting import Awaiter
from savedmodels.server.errors import ServingError, invalid, serving_error, shortened
from savedmodels.server.registry import ServedModels
from savedmodels.server.version_status import status_response

PAGE = pathlib.Path(__file__).parent / "page"
"""The files of the page at `/`."""

_BIG = 1 << 20
"""Bytes of a body above which it is parsed or written in a thread of its own."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class RestService:
    """Answers HTTP requests.

    Attributes:
        application: what a web server runs.
    """

    def __init__(
        self, models: ServedModels, timeout_seconds: float, max_body_bytes: int
    ) -> None:
        """Builds the application.

        Args:
            models: what is served.
            timeout_seconds: how long a prediction may take.
            max_body_bytes: the largest body; above, 413 is answered.
        """
        self._models = models
        self._timeout_seconds = timeout_seconds
        self._max_body_bytes = max_body_bytes
        self._awaiter = Awaiter()
        self.application = web.Application(
            client_max_size=max_body_bytes, middlewares=[_errors_as_json]
        )
        self.application.add_routes(self._routes())

    def _routes(self) -> list[web.RouteDef]:
        routes = [
            web.get("/", self._index),
            web.get("/page/models", self._names),
            web.get("/page/{file}", self._page_file),
        ]
        for target in ("", "/versions/{version:[^/:]+}", "/labels/{label:[^/:]+}"):
            path = f"/v1/models/{{name:[^/:]+}}{target}"
            routes += [
                web.get(path, self._status),
                web.get(f"{path}/metadata", self._metadata),
                web.post(f"{path}:predict", self._predict),
                web.post(f"{path}:{{verb:classify|regress}}", self._unimplemented),
            ]
        return routes

    async def _predict(self, request: web.Request) -> web.Response:
        deadline = time.monotonic() + self._timeout_seconds
        body = await self._body(request)
        big = len(body) > _BIG
        asked = await _aside(big, json_tensors.parse_request, body)
        with self._models.lease(*_target(request)) as loaded:
            signature = loaded.served.model.signature(asked.signature_name)
            inputs = await _aside(big, json_tensors.arrays_of, asked, signature)
            future = loaded.served.submit(signature, inputs, deadline)
            try:
                outputs = await self._awaiter.result(
                    future, deadline - time.monotonic()
                )
            except TimeoutError:
                raise ServingError(
                    grpc.StatusCode.DEADLINE_EXCEEDED,
                    f"The time-out of {self._timeout_seconds:g} seconds is over. Ask "
                    "for fewer rows, or give the server a longer time-out.",
                ) from None
        big = json_tensors.num_characters(outputs) > _BIG
        text = await _aside(big, json_tensors.json_of, outputs, asked.rows)
        return _json_response(text)

    async def _body(self, request: web.Request) -> bytes:
        if (request.content_length or 0) > self._max_body_bytes:
            raise web.HTTPRequestEntityTooLarge(
                self._max_body_bytes, request.content_length
            )
        return await request.read()

    async def _status(self, request: web.Request) -> web.Response:
        name, version, label = _target(request)
        model = self._models.model(name)
        statuses = model.statuses(model.version_of(version, label))
        document = _message_dict(status_response(name, statuses))
        return _json_response(json.dumps(document, indent=1))

    async def _metadata(self, request: web.Request) -> web.Response:
        name, version, label = _target(request)
        with self._models.lease(name, version, label) as loaded:
            signature_defs = {
                key: _message_dict(value)
                for key, value in loaded.served.model.signature_defs.items()
            }
            document = {
                "model_spec": {
                    "name": name,
                    "signature_name": "",
                    "version": str(loaded.version),
                },
                "metadata": {"signature_def": {"signature_def": signature_defs}},
            }
        return _json_response(json.dumps(document, indent=1))

    async def _unimplemented(self, request: web.Request) -> web.Response:
        raise ServingError(
            grpc.StatusCode.UNIMPLEMENTED,
            f"The models answer :predict only. Received: :{request.match_info['verb']}",
        )

    async def _index(self, request: web.Request) -> web.StreamResponse:
        return _page_response("index.html")

    async def _page_file(self, request: web.Request) -> web.StreamResponse:
        return _page_response(request.match_info["file"])

    async def _names(self, request: web.Request) -> web.Response:
        return _json_response(json.dumps({"models": self._models.names()}))


async def _aside(big: bool, convert: Callable[..., Any], *arguments: Any) -> Any:
    """Converts in a thread what is big, so that others are answered meanwhile."""
    if not big:
        return convert(*arguments)
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, convert, *arguments)


@web.middleware
async def _errors_as_json(request: web.Request, handler: Handler) -> Any:
    """Answers every error as {"error": "..."}."""
    try:
        return await handler(request)
    except web.HTTPRequestEntityTooLarge as error:
        limit = request.client_max_size
        received = request.content_length or "more"
        message = f"The body must have at most {limit} bytes. Received: {received}"
        return _error_response(error.status, message)
    except web.HTTPMethodNotAllowed as error:
        allowed = ", ".join(sorted(error.allowed_methods))
        message = f"{request.path} must be asked by {allowed}. Received: {error.method}"
        return _error_response(error.status, message, {"Allow": allowed})
    except web.HTTPNotFound as error:
        message = (
            f"Malformed request: {request.method} {request.path}. Paths are /, "
            "/v1/models/NAME[/versions/V|/labels/L], the same with /metadata, and the "
            "same with :predict"
        )
        return _error_response(error.status, message)
    except web.RequestPayloadError as error:
        # What follows on this connection cannot be told from the damaged body.
        response = _error_response(400, f"The body cannot be read. Received: {error}")
        response.force_close()
        return response
    except web.HTTPException:
        raise
    except Exception as error:
        told = serving_error(error)
        return _error_response(told.http_status, told.message)


def _target(request: web.Request) -> tuple[str, int | None, str]:
    """The model, version and label that a path names."""
    version = request.match_info.get("version")
    if version is None:
        return request.match_info["name"], None, request.match_info.get("label", "")
    if not (version.isascii() and version.isdecimal()) or len(version) > 19:
        raise invalid(
            f"The version must be a number. Received: {shortened(version, 100)!r}"
        )
    return request.match_info["name"], int(version), ""


def _page_response(name: str) -> web.StreamResponse:
    files = [file for file in PAGE.glob("*") if file.is_file()]
    # Looked up, not put together: a name may hold "..", "/" or what is no name at all.
    found = [file for file in files if file.name == name and not file.is_symlink()]
    if not found:
        raise ServingError(
            grpc.StatusCode.NOT_FOUND,
            f"There is no such file of the page. Received: {shortened(name, 100)!r}",
        )
    return web.FileResponse(found[0], headers={"Cache-Control": "no-cache"})


def _message_dict(message: Any) -> dict[str, Any]:
    return json_format.MessageToDict(
        message,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
    )


def _json_response(text: str) -> web.Response:
    return web.Response(text=text, content_type="application/json")


def _error_response(
    status: int, message: str, headers: dict[str, str] | None = None
) -> web.Response:
    return web.Response(
        status=status,
        text=json.dumps({"error": shortened(message)}),
        content_type="application/json",
        headers=headers,
    )
