"""The REST interface, as TensorFlow Serving's, and the page at `/`."""

import asyncio
import concurrent.futures
import pathlib
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from google.protobuf import json_format

from savedmodels import json_codec, rest_bodies
from savedmodels.error_messages import shortened
from savedmodels.server.errors import invalid, serving_error
from savedmodels.server.registry import ModelRegistry

PAGE = pathlib.Path(__file__).parent / "page"
"""The files of the page."""

MOST_CONNECTIONS = 512
"""Open at once; a further one ends the one that has waited longest for a request."""

IDLE_SECONDS = 15.0
"""How long a connection waits for the whole head of a request."""

_BIG = 1 << 20
"""Bytes of a body above which it is parsed or written in a thread of its own."""

_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
}
"""Of all answers: no other site may frame them, or read them as something else."""

_FORM_TYPES = ("text/plain", "multipart/form-data")
"""What another site's page may have a browser send. (The third such type is that of
curl; from a page it comes with an Origin.)"""

_PATHS = (
    "GET / is the page; GET /v1/models/NAME[/versions/V] the status; the same with "
    "/metadata; POST the same with :predict."
)


class RestServer:
    """A thread that answers HTTP requests.

    Attributes:
        port: the port that is listened on.
    """

    def __init__(
        self,
        registry: ModelRegistry,
        host: str,
        port: int,
        allowed_hosts: Collection[str],
        timeout_seconds: float,
    ) -> None:
        """Begins to listen; the arguments are those of `LocalServer`.

        Raises:
            OSError: when the port cannot be had.
        """
        self._registry = registry
        self._allowed_hosts = {name.lower() for name in allowed_hosts}
        self._timeout_seconds = timeout_seconds
        # One thread: several parsers would keep the interpreter from everyone else.
        self._aside = concurrent.futures.ThreadPoolExecutor(1, "json")
        self._waiting: dict[web.RequestHandler, None] = {}
        application = web.Application(middlewares=[self._answer_errors])
        application.add_routes(self._routes())
        application.on_response_prepare.append(_add_headers)
        # Nothing is run for clients that are gone.
        self._runner = web.AppRunner(application, handler_cancellation=True)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        address = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)[0][-1]
        listener = socket.create_server(address[:2], family=family, backlog=128)
        self.port = listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="rest", daemon=True
        )
        self._thread.start()
        self._listening = self._run(self._listen(listener))

    def stop(self, grace_seconds: float) -> None:
        """Answers the requests that have come whole, within some seconds."""
        self._run(self._clean_up(grace_seconds))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._aside.shutdown()

    def _run(self, coroutine: Awaitable) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def _listen(self, listener: socket.socket) -> asyncio.Server:
        await self._runner.setup()
        server = self._runner.server
        return await self._loop.create_server(
            lambda: _Connection(server, self._waiting, self._loop), sock=listener
        )

    async def _clean_up(self, grace_seconds: float) -> None:
        # A connection that is being set up while its server closes would be lost.
        for listener in self._listening.sockets:
            self._loop.remove_reader(listener.fileno())
        for _ in range(3):
            await asyncio.sleep(0)
        self._listening.close()
        # Requests that are on their way may never end.
        for connection in list(self._waiting):
            connection.force_close()
        await self._runner.server.shutdown(grace_seconds)
        await self._runner.cleanup()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        # Connections that were closed are let go of in the loop's next round.
        await asyncio.sleep(0)

    # What is answered.

    def _routes(self) -> list[web.AbstractRouteDef]:
        routes = [
            web.get("/", _get_page),
            web.get("/page/models", self._get_names),
            web.get("/page/{file}", _get_page),
        ]
        for target in ("", r"/versions/{version:\d{1,19}}"):
            path = f"/v1/models/{{name:[^/:]+}}{target}"
            routes += [
                web.get(path, self._get_status),
                web.get(f"{path}/metadata", self._get_metadata),
                web.post(f"{path}:predict", self._predict),
            ]
        return routes

    async def _predict(self, request: web.Request) -> web.Response:
        name, version = _target(request)
        deadline = time.monotonic() + self._timeout_seconds
        loaded = self._registry.model(name).get(version)
        max_body_bytes = loaded.max_body_bytes
        most = loaded.max_lists, loaded.max_commas
        del loaded  # a body that is long in coming holds no version in memory
        async with asyncio.timeout_at(deadline):
            body = await _read_body(request, max_body_bytes)
            # It is not ended any more in favour of others.
            self._waiting.pop(request.protocol, None)
            is_big = len(body) > _BIG
            asked = await self._convert(is_big, rest_bodies.parse_request, body, *most)
            loaded = self._registry.model(name).get(version)
            signature = loaded.signature(asked.signature_name)
            inputs = await self._convert(
                is_big, rest_bodies.read_inputs, asked, signature.inputs
            )
            rows = signature.num_rows(inputs)
            future = loaded.batchers[signature.name].submit(inputs, rows, deadline)
            outputs = await asyncio.wrap_future(future)
            is_big = rest_bodies.num_characters(outputs) > _BIG
            content = await self._convert(
                is_big, rest_bodies.write_outputs, outputs, asked.is_rows
            )
        return web.Response(body=content, content_type="application/json")

    async def _convert(
        self, is_big: bool, convert: Callable[..., Any], *arguments: Any
    ) -> Any:
        """Converts in a thread what is big, so that others are answered meanwhile."""
        try:
            if not is_big:
                return convert(*arguments)
            return await self._loop.run_in_executor(self._aside, convert, *arguments)
        except ValueError as error:
            raise invalid(str(error)) from None

    async def _get_status(self, request: web.Request) -> web.Response:
        name, version = _target(request)
        return _json_response(_as_dict(self._registry.model(name).status(version)))

    async def _get_metadata(self, request: web.Request) -> web.Response:
        name, version = _target(request)
        loaded = self._registry.model(name).get(version)
        signatures = {
            key: _as_dict(value) for key, value in loaded.signature_defs.items()
        }
        spec = {"name": name, "signature_name": "", "version": str(loaded.number)}
        metadata = {"signature_def": {"signature_def": signatures}}
        return _json_response({"model_spec": spec, "metadata": metadata})

    async def _get_names(self, request: web.Request) -> web.Response:
        return _json_response({"models": sorted(self._registry.models)})

    # What is refused.

    @web.middleware
    async def _answer_errors(
        self, request: web.Request, handler: Callable[..., Awaitable[Any]]
    ) -> Any:
        """Answers every error as {"error": "..."}."""
        try:
            self._check_origin(request)
            return await handler(request)
        except web.RequestPayloadError as error:
            # What follows on this connection cannot be told from the damaged body.
            request.content.feed_eof()
            message = f"The body must be whole. Received: {error}"
            return _error_response(400, message, is_last=True)
        except web.HTTPException as error:
            message = error.text
            if error.status in (404, 405):
                received = f"{request.method} {shortened(request.path, 200)}"
                message = f"Malformed request. {_PATHS} Received: {received}"
            # The rest of too large a body may never be read: the client is told so.
            is_last = error.status == 413
            response = _error_response(error.status, message, is_last)
            if "Allow" in error.headers:
                response.headers["Allow"] = error.headers["Allow"]
            return response
        except Exception as error:
            told = serving_error(error)
            return _error_response(told.http_status, told.message)
        finally:
            # It is the last of those that wait for their next request.
            self._waiting.pop(request.protocol, None)
            if request.protocol.transport is not None:
                self._waiting[request.protocol] = None

    def _check_origin(self, request: web.Request) -> None:
        """Refuses what a page of another site may have sent through a browser."""
        host = request.headers.get("Host", "")
        if not self._allowed_hosts & {"*", _host_name(host)}:
            raise web.HTTPForbidden(
                text="The Host must be one by which this server may be reached: "
                f"{', '.join(sorted(self._allowed_hosts))}. Start it with "
                f"--allowed_hosts for others. Received: {shortened(host, 100)!r}"
            )
        origin = request.headers.get("Origin", f"//{host}")
        if origin.rpartition("//")[2].lower() != host.lower():
            raise web.HTTPForbidden(
                text="Requests from pages must come from this server's own page. "
                f"Received: the Origin {shortened(origin, 100)!r}"
            )
        if request.method == "POST" and request.content_type in _FORM_TYPES:
            raise web.HTTPUnsupportedMediaType(
                text="The Content-Type must be application/json. "
                f"Received: {request.content_type}"
            )


class _Connection(web.RequestHandler):
    """A connection, one of a limited number."""

    __slots__ = ("_server", "_waiting")

    def __init__(
        self,
        server: web.Server,
        waiting: dict[web.RequestHandler, None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(
            server,
            loop=loop,
            access_log=None,
            keepalive_timeout=IDLE_SECONDS,
            lingering_time=1.0,
        )
        self._server = server
        self._waiting = waiting

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._waiting[self] = None
        if len(self._server.connections) > MOST_CONNECTIONS:
            longest = next(iter(self._waiting))
            del self._waiting[longest]
            longest.force_close()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._waiting.pop(self, None)
        super().connection_lost(exc)

    def log_exception(self, *args: Any, **kwargs: Any) -> None:
        """Logs nothing of a damaged body that nobody has read: all was answered."""
        if not isinstance(kwargs.get("exc_info"), web.RequestPayloadError):
            super().log_exception(*args, **kwargs)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answers what is no HTTP with {"error": "..."}, logs nothing, and ends."""
        if status >= 500 or request.writer.output_size:
            return super().handle_error(request, status, exc, message)
        told = " ".join((message or type(exc).__name__).split())
        told = f"The request must be HTTP that can be read. Received: {told}"
        return _error_response(status, told, is_last=True)


async def _get_page(request: web.Request) -> web.StreamResponse:
    name = request.match_info.get("file", "index.html")
    # Looked up first: a name may hold "..", "/" or what is no name at all.
    if name not in {file.name for file in PAGE.iterdir()}:
        raise web.HTTPNotFound
    return web.FileResponse(PAGE / name)


async def _read_body(request: web.Request, max_bytes: int) -> bytes:
    length = request.content_length or 0
    try:
        if length > max_bytes:
            raise web.HTTPRequestEntityTooLarge(max_bytes, length)
        return await request.clone(client_max_size=max_bytes).read()
    except web.HTTPRequestEntityTooLarge as error:
        error.text = f"The body must have at most {max_bytes} bytes. "
        error.text += f"Received: {length or 'more'}"
        raise


def _target(request: web.Request) -> tuple[str, int | None]:
    """Gives the model and the version that a path names."""
    version = request.match_info.get("version")
    return request.match_info["name"], None if version is None else int(version)


def _host_name(host: str) -> str:
    """Gives the name or address in a Host header, without its port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)


def _as_dict(message: Any) -> dict[str, Any]:
    return json_format.MessageToDict(
        message,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
    )


def _json_response(document: Any, status: int = 200) -> web.Response:
    content = json_codec.dump(document)
    return web.Response(body=content, status=status, content_type="application/json")


def _error_response(status: int, message: str, is_last: bool = False) -> web.Response:
    response = _json_response({"error": shortened(message)}, status)
    if is_last:
        response.force_close()
    return response
