"""The server, in threads of this process."""

import os
from collections.abc import Collection, Mapping

from savedmodels.server.grpc_services import GrpcServer
from savedmodels.server.loaded_version import LoadedVersion
from savedmodels.server.registry import ModelRegistry
from savedmodels.server.rest import RestServer

_LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
_MAX_MESSAGE_BYTES = 64 << 20


class LocalServer:
    """Serves models over REST and gRPC, as TensorFlow Serving does.

    It is for tests, notebooks and machines without Docker: production is TensorFlow
    Serving. Nothing is encrypted and everyone who reaches the ports is answered.

    Example:
        >>> with LocalServer({"pixelcnn": "served/pixelcnn"}) as server:
        ...     server.wait_until_available("pixelcnn")
        ...     print(server.rest_url)

    Attributes:
        host: the address that is listened on.
        rest_port: the port of REST, once it is started.
        grpc_port: the port of gRPC, once it is started.
    """

    def __init__(
        self,
        models: Mapping[str, str | os.PathLike[str]],
        *,
        host: str = "127.0.0.1",
        rest_port: int = 0,
        grpc_port: int = 0,
        allowed_hosts: Collection[str] = (),
        max_batch_size: int = 64,
        max_body_mb: int | None = None,
        poll_seconds: float = 1.0,
        rest_timeout_seconds: float = 30.0,
        grace_seconds: float = 30.0,
    ) -> None:
        """Starts nothing yet: `start` does.

        Args:
            models: base paths, the folders of versions, by the model's name.
            host: the address to listen on; by default this machine alone.
            rest_port: the port of REST; 0 for any that is free.
            grpc_port: the port of gRPC; 0 for any that is free.
            allowed_hosts: further Host names that REST answers to, beside localhost
                and `host`; "*" for any. Others are refused, against DNS rebinding by
                a page of the internet.
            max_batch_size: most rows of a request, and of requests run together.
            max_body_mb: the largest request, in MiB. Default: 64 over gRPC; over REST
                8, or what the largest batch of the model takes as JSON.
            poll_seconds: how often to look for versions.
            rest_timeout_seconds: how long a request over REST may take, from its head
                to its answer.
            grace_seconds: how long `stop` lets what runs finish; then it is broken off.

        Raises:
            ValueError: when a model's name or base path, or a number, is impossible.
        """
        for name, port in (("rest_port", rest_port), ("grpc_port", grpc_port)):
            if not 0 <= port <= 65535:
                raise ValueError(f"{name} must be in [0, 65535]. Received: {port}")
        if max_batch_size < 1:
            raise ValueError(
                f"max_batch_size must be at least 1. Received: {max_batch_size}"
            )
        self.host = host
        self.rest_port = rest_port
        self.grpc_port = grpc_port
        self._max_body_bytes = None if max_body_mb is None else max_body_mb << 20
        self._registry = ModelRegistry(
            models,
            lambda path: LoadedVersion(path, max_batch_size, self._max_body_bytes),
            poll_seconds,
        )
        self._allowed_hosts = {*_LOCAL_HOSTS, host, *allowed_hosts}
        self._rest_timeout_seconds = rest_timeout_seconds
        self._grace_seconds = grace_seconds
        self._servers: list[RestServer | GrpcServer] = []

    @property
    def rest_url(self) -> str:
        """The address of REST, such as "http://127.0.0.1:8501"."""
        return f"http://{self._host_in_url()}:{self.rest_port}"

    @property
    def grpc_address(self) -> str:
        """The address of gRPC, such as "127.0.0.1:8500"."""
        return f"{self._host_in_url()}:{self.grpc_port}"

    def start(self) -> None:
        """Listens, and begins to load; once.

        Raises:
            OSError: when a port or the host cannot be had; then nothing is left
                running.
        """
        self._registry.start()
        address = (self._registry, self.host, self.rest_port)
        try:
            rest = RestServer(*address, self._allowed_hosts, self._rest_timeout_seconds)
            self._servers.append(rest)
            address = (self._registry, self.host, self.grpc_port)
            grpc = GrpcServer(*address, self._max_body_bytes or _MAX_MESSAGE_BYTES)
            self._servers.append(grpc)
        except Exception as error:
            self.stop()
            raise OSError(
                "The host must be one of this machine's, and the port free. Choose "
                "another one, or end the program that listens there. "
                f"Received: {self.host}:{address[-1]}: {error}"
            ) from error
        self.rest_port, self.grpc_port = rest.port, grpc.port

    def stop(self) -> None:
        """Closes the ports, answers the requests that have come, ends all threads.

        What is under way is finished, within `grace_seconds`. Requests whose bodies
        have not come whole are broken off.
        """
        for server in self._servers:
            server.stop(self._grace_seconds)
        self._servers = []
        self._registry.stop()

    def wait_until_available(
        self, name: str, timeout: float = 60.0, version: int | None = None
    ) -> None:
        """Waits until a model answers.

        Args:
            name: the model.
            timeout: for how many seconds to wait.
            version: which version to wait for; None for any.

        Raises:
            ValueError: when no version could be loaded; it says why.
            TimeoutError: when the time is over.
        """
        self._registry.model(name).wait_until_available(timeout, version)

    def __enter__(self) -> "LocalServer":
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def _host_in_url(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host
