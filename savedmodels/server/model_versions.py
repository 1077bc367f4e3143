"""The versions of one model: found, loaded, warmed up, switched to, unloaded."""

import contextlib
import dataclasses
import pathlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
from absl import logging

from savedmodels.server.errors import ServingError, invalid
from savedmodels.server.model_config import ModelConfig
from savedmodels.server.version_status import State, VersionStatus, load_error


@dataclasses.dataclass
class LoadedVersion:
    """A version in use.

    Attributes:
        version: its number.
        served: the `ServedVersion`.
        requests: how many requests use it.
        retired: whether it is unloaded after its last request.
    """

    version: int
    served: Any
    requests: int = 0
    retired: bool = False


class ModelVersions:
    """The versions of one model.

    A version replaces an older one once it is loaded and warm. The older one is
    unloaded after its last request. A version that fails to load is told of in its
    status, and tried again when its files change. It is one of the latest all the same,
    as with TensorFlow Serving: of the latest two, the other one is served alone. While
    none of the versions that shall be served can be, those that are loaded stay.
    """

    def __init__(
        self, name: str, config: ModelConfig, load: Callable[[pathlib.Path], Any]
    ) -> None:
        """Loads nothing yet: `poll` does.

        Args:
            name: the model's name.
            config: where its versions are, and which of them to serve.
            load: gives a `ServedVersion` for a version's folder.
        """
        self.name = name
        self.config = config
        self._load = load
        self._loaded: dict[int, LoadedVersion] = {}
        self._statuses: dict[int, VersionStatus] = {}
        self._failed: dict[int, tuple] = {}
        self._last: list[VersionStatus] = []
        self._polled = False
        self._polling = threading.Lock()
        self._changed = threading.Condition()

    def poll(self) -> bool:
        """Looks for versions, loads and unloads.

        Returns:
            Whether anything changed since the last time.
        """
        with self._polling:
            found = self.config.versions()
            chosen = self.config.chosen(found)
            for version in chosen:
                if version not in self._loaded:
                    self._try_to_load(version, found[version])
            if set(chosen) & set(self._loaded):
                self._unload_versions(set(self._loaded) - set(chosen))
            self._forget(found)
            with self._changed:
                self._polled = True
                self._changed.notify_all()
            before, self._last = self._last, self.statuses()
            return self._last != before

    @contextlib.contextmanager
    def lease(
        self, version: int | None = None, label: str = ""
    ) -> Iterator[LoadedVersion]:
        """Gives a version, which stays loaded within the block.

        Args:
            version: its number; None for the latest that is served.
            label: its label, instead of a number.

        Raises:
            ServingError: NOT_FOUND when it is not served, UNAVAILABLE while it loads,
                INVALID_ARGUMENT for an unknown label.
        """
        loaded = self._acquire(self.version_of(version, label))
        try:
            yield loaded
        finally:
            self._release(loaded)

    def version_of(self, version: int | None, label: str) -> int | None:
        """The number that a request names by itself or by its label."""
        if not label:
            return version
        if version is not None:
            raise invalid(
                "A request must name a version or a label, not both. "
                f"Received: {version} and {label!r}"
            )
        if label not in self.config.version_labels:
            known = ", ".join(sorted(self.config.version_labels)) or "none"
            raise invalid(
                f"Unrecognized servable version label: {label!r}. The labels of "
                f"{self.name} are: {known}"
            )
        return self.config.version_labels[label]

    def statuses(self, version: int | None = None) -> list[VersionStatus]:
        """What became of each version, the latest first; of one, where it is named."""
        with self._changed:
            statuses = sorted(self._statuses.items(), reverse=True)
        return [status for number, status in statuses if version in (None, number)]

    def available(self) -> list[int]:
        """The versions that answer, rising."""
        with self._changed:
            return sorted(self._loaded)

    def wait_until_available(self, version: int | None, timeout: float) -> bool:
        """Waits for a version, or for any; False when it fails or the time is over."""

        def available() -> bool:
            return bool(self._loaded) if version is None else version in self._loaded

        def failed() -> bool:
            return any(status.error is not None for status in self.statuses(version))

        with self._changed:
            self._changed.wait_for(lambda: available() or failed(), timeout)
            return available()

    def retire(self) -> None:
        """Unloads all versions, each after its last request."""
        with self._polling:
            self._unload_versions(set(self._loaded))

    def close(self) -> None:
        """Ends the threads of all versions."""
        with self._polling:
            for loaded in list(self._loaded.values()):
                loaded.served.close()
            self._loaded.clear()

    def _acquire(self, version: int | None) -> LoadedVersion:
        with self._changed:
            number = max(self._loaded, default=None) if version is None else version
            if number in self._loaded:
                loaded = self._loaded[number]
                loaded.requests += 1
                return loaded
            states = [
                status.state
                for other, status in self._statuses.items()
                if version in (None, other)
            ]
        wanted = f"Latest({self.name})"
        if version is not None:
            wanted = f"Specific({self.name}, {version})"
        if State.LOADING in states or not self._polled:
            raise ServingError(
                grpc.StatusCode.UNAVAILABLE,
                f"Servable is being loaded, for request: {wanted}. Try again later.",
            )
        available = ", ".join(map(str, sorted(self._loaded))) or "none"
        raise ServingError(
            grpc.StatusCode.NOT_FOUND,
            f"Servable not found for request: {wanted}. "
            f"Versions of {self.name} that are served: {available}",
        )

    def _release(self, loaded: LoadedVersion) -> None:
        with self._changed:
            loaded.requests -= 1
            last = loaded.retired and not loaded.requests
        if last:
            self._unload(loaded)

    def _try_to_load(self, version: int, path: pathlib.Path) -> None:
        stamp = _stamp(path)
        if self._failed.get(version) == stamp:
            return
        self._set_status(VersionStatus(version, State.LOADING))
        try:
            served = self._load(path)
        except Exception as error:
            self._failed[version] = stamp
            why = load_error(error)
            logging.error("%s %d cannot be served: %s", self.name, version, why.message)
            self._set_status(VersionStatus(version, State.END, why))
            return
        self._failed.pop(version, None)
        with self._changed:
            self._loaded[version] = LoadedVersion(version, served)
        self._set_status(VersionStatus(version, State.AVAILABLE))

    def _unload_versions(self, versions: set[int]) -> None:
        with self._changed:
            retired = [self._loaded.pop(version) for version in versions]
            for loaded in retired:
                loaded.retired = True
                self._set_status(VersionStatus(loaded.version, State.UNLOADING))
            idle = [loaded for loaded in retired if not loaded.requests]
        for loaded in idle:
            self._unload(loaded)

    def _unload(self, loaded: LoadedVersion) -> None:
        # This may be the thread that answers requests: it does not wait for others.
        loaded.served.close(wait=False)
        loaded.served = None
        self._set_status(VersionStatus(loaded.version, State.END))

    def _forget(self, found: dict[int, pathlib.Path]) -> None:
        """Forgets the versions that ended and whose folders are gone."""
        with self._changed:
            for version, status in list(self._statuses.items()):
                if version not in found and status.state == State.END:
                    del self._statuses[version]
                    self._failed.pop(version, None)

    def _set_status(self, status: VersionStatus) -> None:
        with self._changed:
            self._statuses[status.version] = status
            self._changed.notify_all()


def _stamp(path: pathlib.Path) -> tuple:
    """What differs when the files of a version were written anew."""
    return tuple(
        (file.name, file.stat().st_mtime_ns)
        for file in [path, *sorted(path.iterdir())]
        if file.exists()
    )
