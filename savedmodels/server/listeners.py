"""What listens on the two ports."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable

import grpc
from aiohttp import web

_GRPC_THREADS = 256
"""Calls of gRPC that may be under way at once; further ones wait."""


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
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="rest", daemon=True
        )
        self._thread.start()
        self._runner = web.AppRunner(
            application,
            access_log=None,
            # Nothing is run for clients that are gone.
            handler_cancellation=True,
            shutdown_timeout=grace_seconds,
        )
        try:
            self._run(self._listen(host, port)).result()
        except OSError as error:
            self.stop()()
            raise _no_port("REST", host, port, error) from error
        self.port = self._runner.addresses[0][1]

    def stop(self) -> Callable[[], None]:
        """Stops to listen; what it returns waits until all is answered."""
        cleaned_up = self._run(self._clean_up())

        def wait() -> None:
            cleaned_up.result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

        return wait

    async def _listen(self, host: str, port: int) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()

    async def _clean_up(self) -> None:
        await self._runner.cleanup()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        # Connections that were closed are let go of in the loop's next round.
        await asyncio.sleep(0)

    def _run(self, coroutine: object) -> concurrent.futures.Future:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)


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
        self._threads = concurrent.futures.ThreadPoolExecutor(_GRPC_THREADS, "grpc")
        self._server = grpc.server(
            self._threads,
            handlers=[services],
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
