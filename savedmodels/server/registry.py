"""All models of a server, and the thread that looks for their versions."""

import gc
import os
import pathlib
import threading
from collections.abc import Callable, Mapping

import grpc
from absl import logging

from savedmodels.error_messages import shortened
from savedmodels.server.errors import ServingError
from savedmodels.server.loaded_version import LoadedVersion
from savedmodels.server.model_versions import ModelVersions


class ModelRegistry:
    """The models that are served, by name."""

    def __init__(
        self,
        models: Mapping[str, str | os.PathLike[str]],
        load: Callable[[pathlib.Path], LoadedVersion],
        poll_seconds: float,
    ) -> None:
        """Loads nothing yet: `start` does.

        Args:
            models: base paths by name.
            load: loads a version, given its folder.
            poll_seconds: how often to look for versions.

        Raises:
            ValueError: when a name, a base path or the number is impossible.
        """
        if poll_seconds <= 0:
            raise ValueError(f"poll_seconds must be above 0. Received: {poll_seconds}")
        self._poll_seconds = poll_seconds
        self._models = {
            name: ModelVersions(name, base_path, load)
            for name, base_path in models.items()
        }
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="versions", daemon=True)

    def start(self) -> None:
        """Looks for versions, now and from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Stops looking."""
        self._stopping.set()
        self._thread.join()

    def names(self) -> list[str]:
        """Lists the names of all models, in order."""
        return sorted(self._models)

    def model(self, name: str) -> ModelVersions:
        """Gives a model's versions.

        Raises:
            ServingError: NOT_FOUND when there is no model of this name.
        """
        if name not in self._models:
            raise ServingError(
                grpc.StatusCode.NOT_FOUND,
                f"Servable not found for request: Latest({shortened(name, 100)}). "
                f"The models that are served: {', '.join(self.names()) or 'none'}",
            )
        return self._models[name]

    def _run(self) -> None:
        was_changed = False
        while True:
            is_changed = any([self._poll(name) for name in self._models])
            if is_changed or was_changed:
                # What TensorFlow loads holds itself in circles; and the requests to
                # the older version end a little later.
                gc.collect()
            was_changed = is_changed
            if self._stopping.wait(self._poll_seconds):
                return

    def _poll(self, name: str) -> bool:
        try:
            return self._models[name].poll()
        except OSError as error:
            logging.error("Versions of %s cannot be looked for: %s", name, error)
            return False
