"""What listens on the two ports."""

import asyncio
import concurrent.futures
import contextlib
import threading
import time
from collections.abc import Callable

import grpc
from aiohttp import web

from savedmodels.server.rest_connection import RestConnection

MOMENT_SECONDS = 0.1
"""How long requests are still taken once a listener is stopped: what clients sent
before may be on its way."""

_GRPC_THREADS = 256
"""Calls of gRPC that may be under way at once; further ones wait."""

_ROUNDS = 10
"""Rounds of the loop in which what has come to a port becomes a request under way."""


class RestListener:
    """A thread that answers HTTP requests.

    Attributes:
        port: the port that is listened on.
    """

    def __init__(
        self, application: web.Application, host: str, port: int, grace_seconds: float
    ) -> None:
        """Begins to listen.

        Args:
            application: what answers.
            host: the address to listen on.
            port: the port, or 0 for any.
            grace_seconds: how long to finish what runs, when it is stopped.

        Raises:
            OSError: when the port cannot be had.
        """
        self._grace_seconds = grace_seconds
        self._stopping = False
        self._under_way = 0
        self._listening: asyncio.Server | None = None
        application.middlewares.insert(0, self._count)
        application.on_response_prepare.append(self._tell_of_the_end)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="rest", daemon=True
        )
        self._thread.start()
        self._runner = web.AppRunner(
            application,
            # Nothing is run for clients that are gone.
            handler_cancellation=True,
            shutdown_timeout=grace_seconds,
        )
        try:
            self.port = self._run(self._listen(host, port)).result()
        except BaseException as error:
            self.stop()()
            if isinstance(error, OSError):
                raise _no_port("REST", host, port, error) from error
            raise

    def stop(self) -> Callable[[], None]:
        """Begins to stop; what it returns waits until all is answered."""
        cleaned_up = self._run(self._clean_up())

        def wait() -> None:
            cleaned_up.result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

        return wait

    async def _listen(self, host: str, port: int) -> int:
        """Begins to listen; returns the port."""
        await self._runner.setup()
        self._listening = await self._loop.create_server(
            lambda: RestConnection(
                self._runner.server, loop=self._loop, access_log=None
            ),
            host,
            port,
        )
        return self._listening.sockets[0].getsockname()[1]

    @web.middleware
    async def _count(self, request: web.Request, handler: Callable) -> object:
        self._under_way += 1
        try:
            return await handler(request)
        finally:
            self._under_way -= 1

    async def _tell_of_the_end(
        self, request: web.Request, response: web.StreamResponse
    ) -> None:
        """Keeps clients from sending more on a connection that will be closed."""
        if self._stopping:
            response.force_close()
            response.headers["Connection"] = "close"

    async def _clean_up(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._grace_seconds):
                await self._finish()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._loop.shutdown_default_executor()
        # Connections that were closed are let go of in the loop's next round.
        await asyncio.sleep(0)

    async def _finish(self) -> None:
        """Closes the port and idle connections when all has been answered."""
        self._stopping = True
        if self._listening is not None:
            await self._close_port(self._listening)
        # Bodies may still be on their way, and the runner would read no more of them.
        while self._under_way:
            await asyncio.sleep(0.005)
        await self._runner.cleanup()

    async def _close_port(self, listening: asyncio.Server) -> None:
        try:
            await asyncio.sleep(MOMENT_SECONDS)
            # A connection that is being set up while its server closes would be lost.
            for listener in listening.sockets:
                self._loop.remove_reader(listener.fileno())
            for _ in range(_ROUNDS):
                await asyncio.sleep(0)
        finally:
            listening.close()

    def _run(self, coroutine: object) -> concurrent.futures.Future:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)


class _Refusal(grpc.ServerInterceptor):
    """Answers calls with UNAVAILABLE, once it is on.

    Those that come while gRPC itself ends would be told CANCELLED, as if their own
    client had taken them back.
    """

    on = False

    def intercept_service(
        self, continuation: Callable, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler | None:
        if self.on:
            return grpc.unary_unary_rpc_method_handler(self._refuse)
        return continuation(handler_call_details)

    def _refuse(self, request: bytes, context: grpc.ServicerContext) -> None:
        context.abort(grpc.StatusCode.UNAVAILABLE, "The server is shutting down.")


class GrpcListener:
    """Threads that answer calls of gRPC.

    Attributes:
        port: the port that is listened on.
    """

    def __init__(
        self,
        services: grpc.GenericRpcHandler,
        host: str,
        port: int,
        grace_seconds: float,
        max_body_bytes: int,
    ) -> None:
        """Begins to listen.

        Args:
            services: what answers.
            host: the address to listen on.
            port: the port, or 0 for any.
            grace_seconds: how long to finish what runs, when it is stopped.
            max_body_bytes: the largest message; RESOURCE_EXHAUSTED is answered above.

        Raises:
            OSError: when the port cannot be had.
        """
        self._grace_seconds = grace_seconds
        self._refusal = _Refusal()
        self._threads = concurrent.futures.ThreadPoolExecutor(_GRPC_THREADS, "grpc")
        self._server = grpc.server(
            self._threads,
            handlers=[services],
            interceptors=[self._refusal],
            options=[
                # Without this, two servers share a port and no one is told.
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", max_body_bytes),
                ("grpc.max_send_message_length", -1),
            ],
        )
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            self.port = self._server.add_insecure_port(address)
        except RuntimeError as error:
            raise _no_port("gRPC", host, port, error) from error
        self._server.start()

    def stop(self) -> Callable[[], None]:
        """Stops to listen; what it returns waits until all is answered."""
        moment = min(MOMENT_SECONDS, self._grace_seconds)
        time.sleep(moment)
        self._refusal.on = True
        time.sleep(moment / 4)
        stopped = self._server.stop(self._grace_seconds)

        def wait() -> None:
            stopped.wait()
            self._threads.shutdown()

        return wait


def _no_port(protocol: str, host: str, port: int, error: Exception) -> OSError:
    return OSError(
        f"The port of {protocol} must be free. Choose another one, or end the program "
        f"that listens there. Received: {host}:{port}: {error}"
    )
