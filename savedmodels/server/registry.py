"""All models of a server, and the thread that looks for their versions."""

import contextlib
import gc
import os
import pathlib
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import grpc
from absl import logging

from savedmodels.server.errors import ServingError, shortened
from savedmodels.server.model_config import ModelConfig, check_name
from savedmodels.server.model_versions import LoadedVersion, ModelVersions


class ServedModels:
    """Models by name."""

    def __init__(
        self,
        models: Mapping[str, str | os.PathLike[str] | ModelConfig],
        load: Callable[[pathlib.Path], Any],
        poll_seconds: float = 1.0,
    ) -> None:
        """Loads nothing yet: `start` does.

        Args:
            models: base paths, or more of what there is to configure, by name.
            load: gives a `ServedVersion` for a version's folder.
            poll_seconds: how often to look for versions.

        Raises:
            ValueError: when a name or a base path is impossible.
        """
        if poll_seconds <= 0:
            raise ValueError(f"poll_seconds must be above 0. Received: {poll_seconds}")
        self._load = load
        self._poll_seconds = poll_seconds
        self._models: dict[str, ModelVersions] = {}
        self._configuring = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="versions", daemon=True)
        self._configure(
            {
                name: config if isinstance(config, ModelConfig) else ModelConfig(config)
                for name, config in models.items()
            }
        )

    def start(self) -> None:
        """Looks for versions, now and from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Stops looking, and ends the threads of all models."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        for model in list(self._models.values()):
            model.close()

    def names(self) -> list[str]:
        """The names of all models, in order."""
        return sorted(self._models)

    def model(self, name: str) -> ModelVersions:
        """A model's versions.

        Raises:
            ServingError: NOT_FOUND when there is no model of this name.
        """
        try:
            return self._models[name]
        except KeyError:
            raise ServingError(
                grpc.StatusCode.NOT_FOUND,
                f"Servable not found for request: Latest({shortened(name, 100)}). "
                f"The models that are served: {', '.join(self.names()) or 'none'}",
            ) from None

    @contextlib.contextmanager
    def lease(
        self, name: str, version: int | None = None, label: str = ""
    ) -> Iterator[LoadedVersion]:
        """A version for the time of a block, as `ModelVersions.lease` gives it."""
        with self.model(name).lease(version, label) as loaded:
            yield loaded

    def reload(self, configs: Mapping[str, ModelConfig]) -> None:
        """Serves these models from now on, and looks for their versions at once.

        Raises:
            ValueError: when a name is impossible; then nothing changes.
            ServingError: FAILED_PRECONDITION when a model has no version that can be
                served.
        """
        self._configure(configs)
        for name in configs:
            self._models[name].poll()
        empty = [name for name in configs if not self._models[name].available()]
        if empty:
            raise ServingError(
                grpc.StatusCode.FAILED_PRECONDITION,
                "Each model must have a version that can be served. "
                f"Received none of: {', '.join(empty)}",
            )

    def _configure(self, configs: Mapping[str, ModelConfig]) -> None:
        for name in configs:
            check_name(name)
        with self._configuring:
            models = dict(self._models)
            for name, config in configs.items():
                if name in models and models[name].config.base_path == config.base_path:
                    models[name].config = config
                else:
                    models[name] = ModelVersions(name, config, self._load)
            kept = {name: models[name] for name in configs}
            dropped = [m for m in self._models.values() if m not in kept.values()]
            self._models = kept
        for model in dropped:
            model.retire()

    def _run(self) -> None:
        while True:
            for model in list(self._models.values()):
                self._poll(model)
            if self._stopping.wait(self._poll_seconds):
                return

    def _poll(self, model: ModelVersions) -> None:
        try:
            changed = model.poll()
        except OSError as error:
            logging.error("Versions of %s cannot be looked for: %s", model.name, error)
            return
        if changed:
            # What TensorFlow loads holds itself in circles.
            gc.collect()
