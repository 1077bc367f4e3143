"""The versions of one model: found, loaded, and replaced by later ones."""

import os
import pathlib
import threading
from collections.abc import Callable
from typing import NamedTuple

import grpc
from absl import logging
from tensorflow_serving.apis import get_model_status_pb2

from savedmodels.server.errors import ServingError
from savedmodels.server.loaded_version import LoadedVersion

State = get_model_status_pb2.ModelVersionStatus.State

_LARGEST_VERSION = 2**63 - 1
"""The messages of both protocols carry no larger number."""


class _Status(NamedTuple):
    """The state of a version: LOADING, AVAILABLE or END, and why it is not served."""

    state: int
    error: ServingError | None = None


class ModelVersions:
    """The versions of one model, of which the latest that loads is served.

    A version replaces an older one once it is loaded and warm. Requests that were
    given the older one end with it. A version that fails to load is reported in its
    status, and tried again when its files change; meanwhile the next older one is
    served. While no version loads, the one that was served stays.
    """

    def __init__(
        self,
        name: str,
        base_path: str | os.PathLike[str],
        load: Callable[[pathlib.Path], LoadedVersion],
    ) -> None:
        """Loads nothing yet: `poll` does.

        Raises:
            ValueError: when the name or the folder is impossible.
        """
        if not name or set(name) & set("/:?#%"):
            raise ValueError(
                "A model's name must be at least one character, none of them of /:?#%. "
                f"Received: {name!r}"
            )
        if not pathlib.Path(base_path).is_dir():
            raise ValueError(
                "The base path must be a folder that holds versions, "
                f"<base>/<integer>/. Make it first. Received: {base_path}"
            )
        self._name = name
        self._base_path = pathlib.Path(base_path)
        self._load = load
        self._served: LoadedVersion | None = None
        self._statuses: dict[int, _Status] = {}
        self._failed: dict[int, tuple] = {}
        self._is_polled = False
        self._changed = threading.Condition()

    def poll(self) -> bool:
        """Loads the latest version that can be; tells whether another is served now."""
        before, found = self._served, {}
        try:
            found = self._find()
            for number in sorted(found, reverse=True):
                if before is not None and before.number == number:
                    break
                if self._try_to_load(number, found[number]):
                    break
        except OSError as error:  # as of a folder that is deleted just now
            logging.error("%s cannot be looked into: %s", self._base_path, error)
        with self._changed:
            for number in set(self._statuses) - set(found):
                if self._statuses[number].state == State.END:
                    del self._statuses[number]
                    self._failed.pop(number, None)
            self._is_polled = True
            self._changed.notify_all()
        return self._served is not before

    def get(self, number: int | None = None) -> LoadedVersion:
        """Gives the version that is served, if it is the one that is wanted, or any.

        It stays loaded while it is held.

        Raises:
            ServingError: NOT_FOUND when it is not served, UNAVAILABLE while it loads.
        """
        served = self._served
        if served is not None and number in (None, served.number):
            return served
        wanted = f"Latest({self._name})"
        if number is not None:
            wanted = f"Specific({self._name}, {number})"
        states = [status.state for _, status in self._found(number)]
        if State.LOADING in states or not self._is_polled:
            raise ServingError(
                grpc.StatusCode.UNAVAILABLE,
                f"Servable is being loaded, for request: {wanted}. Try again later.",
            )
        raise ServingError(
            grpc.StatusCode.NOT_FOUND,
            f"Servable not found for request: {wanted}. The version of {self._name} "
            f"that is served: {'none' if served is None else served.number}",
        )

    def status(
        self, number: int | None = None
    ) -> get_model_status_pb2.GetModelStatusResponse:
        """Gives the message of what became of all versions, or of one.

        Raises:
            ServingError: NOT_FOUND when there is none.
        """
        response = get_model_status_pb2.GetModelStatusResponse()
        for version, (state, error) in self._found(number):
            message = response.model_version_status.add(version=version, state=state)
            # Written even where nothing went wrong, when both fields are empty.
            message.status.SetInParent()
            if error is not None:
                message.status.error_code = error.code.value[0]
                message.status.error_message = error.message
        if not response.model_version_status:
            raise ServingError(
                grpc.StatusCode.NOT_FOUND,
                f"Could not find such versions of model {self._name}",
            )
        return response

    def wait_until_available(self, timeout: float, number: int | None = None) -> None:
        """Waits until a version is served; see `LocalServer.wait_until_available`."""

        def is_available() -> bool:
            served = self._served
            return served is not None and number in (None, served.number)

        def errors() -> str:
            found = self._found(number)
            errors = [
                f"version {x}: {error.message}" for x, (_, error) in found if error
            ]
            return "; ".join(errors)

        with self._changed:
            self._changed.wait_for(
                lambda: is_available() or (self._is_polled and errors()), timeout
            )
            if is_available():
                return
        rule = f"{self._name} must have a version that can be served"
        if errors():
            raise ValueError(f"{rule}. Received: {errors()}")
        raise TimeoutError(f"{rule} within {timeout:g} seconds. Received: no version")

    def _found(self, number: int | None) -> list[tuple[int, _Status]]:
        """Lists what became of all versions, or of one, the latest first."""
        with self._changed:
            statuses = sorted(self._statuses.items(), reverse=True)
        return [pair for pair in statuses if number in (None, pair[0])]

    def _find(self) -> dict[int, pathlib.Path]:
        """Gives the folders of all versions there are; others are passed over."""
        return {
            int(path.name): path
            for path in self._base_path.iterdir()
            if path.name.isascii() and path.name.isdecimal()
            if int(path.name) <= _LARGEST_VERSION and path.is_dir()
        }

    def _try_to_load(self, number: int, path: pathlib.Path) -> bool:
        # It differs when the files of a version were written anew.
        files = [file for file in [path, *sorted(path.iterdir())] if file.exists()]
        stamp = tuple((file.name, file.stat().st_mtime_ns) for file in files)
        if self._failed.get(number) == stamp:
            return False
        self._set_status(number, _Status(State.LOADING))
        try:
            loaded = self._load(path)
        except ServingError as error:
            self._failed[number] = stamp
            logging.error("%s %d is not served: %s", self._name, number, error.message)
            self._set_status(number, _Status(State.END, error))
            return False
        with self._changed:
            if self._served is not None:
                self._set_status(self._served.number, _Status(State.END))
            self._served = loaded
            self._failed.pop(number, None)
            self._set_status(number, _Status(State.AVAILABLE))
        return True

    def _set_status(self, number: int, status: _Status) -> None:
        with self._changed:
            self._statuses[number] = status
            self._changed.notify_all()
