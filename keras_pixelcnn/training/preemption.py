"""What a machine that is about to be taken away says: SIGTERM."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any


class Preemption:
    """Hears SIGTERM while it is entered as a context.

    Inside `deferred` the signal is only remembered, so that a step can be finished and
    saved; outside, where there is nothing to be saved, it ends the program at once,
    with exit code 0 and a message.

    Attributes:
        asked: whether the signal came while deferred.
    """

    def __init__(self) -> None:
        self.asked = False
        self._is_deferred = False
        self._before: Any = None

    def __enter__(self) -> "Preemption":
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGTERM, self._hear)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Only remembers the signal, inside the block."""
        self._is_deferred = True
        try:
            yield
        finally:
            self._is_deferred = False

    def stop_if_asked(self) -> None:
        """Ends the program if the signal came while it was deferred."""
        if self.asked:
            print(
                "Stopped by SIGTERM. What was saved stays; the same command goes on.",
                flush=True,
            )
            raise SystemExit(0)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        if not self._is_deferred:
            self.stop_if_asked()
