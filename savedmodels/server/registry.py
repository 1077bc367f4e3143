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
    """All models that are served.

    Attributes:
        models: their versions, by name.
        start: looks for versions, now and from now on; once.
    """

    def __init__(
        self,
        models: Mapping[str, str | os.PathLike[str]],
        load: Callable[[pathlib.Path], LoadedVersion],
        poll_seconds: float,
    ) -> None:
        """Loads nothing yet: `start` does.

        Raises:
            ValueError: when a name, a base path or the number is impossible.
        """
        if poll_seconds <= 0:
            raise ValueError(f"poll_seconds must be above 0. Received: {poll_seconds}")
        self._poll_seconds = poll_seconds
        self.models = {
            name: ModelVersions(name, path, load) for name, path in models.items()
        }
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="versions", daemon=True)
        self.start = self._thread.start

    def stop(self) -> None:
        """Stops looking."""
        self._stopping.set()
        self._thread.join()

    def model(self, name: str) -> ModelVersions:
        """Gives a model's versions.

        Raises:
            ServingError: NOT_FOUND when there is no model of this name.
        """
        if name not in self.models:
            raise ServingError(
                grpc.StatusCode.NOT_FOUND,
                f"Servable not found for request: Latest({shortened(name, 100)}). "
                f"The models that are served: {', '.join(sorted(self.models))}",
            )
        return self.models[name]

    def _run(self) -> None:
        was_changed = False
        while True:
            is_changed = any([_poll(model) for model in self.models.values()])
            if is_changed or was_changed:
                # What TensorFlow loads holds itself in circles; and the requests to
                # the older version end a little later.
                gc.collect()
            was_changed = is_changed
            if self._stopping.wait(self._poll_seconds):
                return


def _poll(model: ModelVersions) -> bool:
    """Looks for versions of one model, whose failure must not end the others' polls."""
    try:
        return model.poll()
    except Exception:
        logging.exception("A model's versions could not be looked for")
        return False
