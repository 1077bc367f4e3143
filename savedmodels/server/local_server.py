"""The server, in threads of this process."""

import os
from collections.abc import Mapping

from savedmodels.server.grpc_services import GrpcServices
from savedmodels.server.listeners import GrpcListener, RestListener
from savedmodels.server.loaded_version import Batching, ServedVersion
from savedmodels.server.model_config import ModelConfig
from savedmodels.server.registry import ServedModels
from savedmodels.server.rest import RestService


class LocalServer:
    """Serves models over REST and gRPC, as TensorFlow Serving does.

    For tests, notebooks and machines without Docker: production is TensorFlow Serving.
    Nothing is encrypted and everyone who reaches the ports is answered.

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
        models: Mapping[str, str | os.PathLike[str] | ModelConfig],
        *,
        host: str = "127.0.0.1",
        rest_port: int = 0,
        grpc_port: int = 0,
        batching: Batching = True,
        poll_seconds: float = 1.0,
        rest_timeout_seconds: float = 30.0,
        max_body_mb: int = 64,
        max_rows: int = 1024,
        grace_seconds: float = 30.0,
    ) -> None:
        """Starts nothing yet: `start` does.

        Args:
            models: base paths, the folders of versions, by the model's name; or a
                `ModelConfig` for other versions than the latest one, and for labels.
            host: the address to listen on; by default this machine alone.
            rest_port: the port of REST; 0 for any that is free.
            grpc_port: the port of gRPC; 0 for any that is free.
            batching: True for each version's own `batching_params.pbtxt`, or where it
                has none the defaults of `BatchingParameters`; these for all versions;
                or False, to run each request alone.
            poll_seconds: how often to look for versions.
            rest_timeout_seconds: how long a prediction over REST may take.
            max_body_mb: the largest request, in MiB.
            max_rows: most rows of a request, where there is no batching.
            grace_seconds: how long `stop` lets what runs finish; then it is broken off.

        Raises:
            ValueError: when a model's name or base path, or a port, is impossible.
        """
        for name, port in (("rest_port", rest_port), ("grpc_port", grpc_port)):
            if not 0 <= port <= 65535:
                raise ValueError(f"{name} must be in [0, 65535]. Received: {port}")
        self.host = host
        self.rest_port = rest_port
        self.grpc_port = grpc_port
        self._models = ServedModels(
            models,
            lambda path: ServedVersion(path, batching, max_rows),
            poll_seconds,
        )
        self._max_body_bytes = max_body_mb << 20
        self._rest_timeout = rest_timeout_seconds
        self._grace_seconds = grace_seconds
        self._listeners: list[RestListener | GrpcListener] = []

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
            OSError, ValueError: when a port or the host cannot be had; then nothing
                is left running.
        """
        rest = RestService(self._models, self._rest_timeout, self._max_body_bytes)
        services = GrpcServices(self._models, self._max_body_bytes)
        self._models.start()
        try:
            self._listen(rest, services)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Answers what was sent before, and ends all threads.

        For a moment, a tenth of a second, requests are taken as before, so that those
        on their way are answered. Over REST these answers tell that the connection
        ends. Then the ports and idle connections are closed. What is under way is
        finished, within `grace_seconds`. What comes later is refused.
        """
        waits = [listener.stop() for listener in self._listeners]
        for wait in waits:
            wait()
        self._listeners = []
        self._models.stop()

    def _listen(self, rest: RestService, services: GrpcServices) -> None:
        listener = RestListener(
            rest.application, self.host, self.rest_port, self._grace_seconds
        )
        self._listeners.append(listener)
        self.rest_port = listener.port
        listener = GrpcListener(
            services,
            self.host,
            self.grpc_port,
            self._grace_seconds,
            self._max_body_bytes,
        )
        self._listeners.append(listener)
        self.grpc_port = listener.port

    def wait_until_available(
        self, name: str, timeout: float = 60.0, version: int | None = None
    ) -> None:
        """Waits until a model answers.

        Args:
            name: the model.
            timeout: for how many seconds to wait.
            version: which version to wait for; None for any.

        Raises:
            ValueError: when no version could be loaded; it tells why.
            TimeoutError: when the time is over.
        """
        model = self._models.model(name)
        if model.wait_until_available(version, timeout):
            return
        errors = [
            f"version {status.version}: {status.error.message}"
            for status in model.statuses(version)
            if status.error is not None
        ]
        if errors:
            raise ValueError(
                f"{name} must have a version that can be served. "
                f"Received: {'; '.join(errors)}"
            )
        raise TimeoutError(
            f"{name} must be available within {timeout:g} seconds. Received: no version"
        )

    def batch_sizes(self, name: str) -> dict[str, dict[int, int]]:
        """How many batches of how many rows the latest version ran, by signature."""
        with self._models.lease(name) as loaded:
            sizes = loaded.served.runner.batch_sizes
            return {signature: dict(count) for signature, count in sizes.items()}

    def __enter__(self) -> "LocalServer":
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def _host_in_url(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host
