"""Preemption: stops a run at a step's end when SIGTERM or Ctrl-C asks it to."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

_NAMES = {signal.SIGTERM: "SIGTERM", signal.SIGINT: "Ctrl-C"}


class Preemption:
    """Handles SIGTERM and Ctrl-C (SIGINT) while it is entered as a context.

    Inside `deferred` the first signal is only remembered, so that a step can be
    finished and saved; outside, where there is nothing to be saved, it ends the program
    at once, with exit code 0 and a message. A second Ctrl-C ends it at once anywhere,
    with exit code 130.

    Attributes:
        asked: whether a signal came while deferred.
        signal_name: "SIGTERM" or "Ctrl-C", whichever came first.
    """

    def __init__(self) -> None:
        self.asked = False
        self.signal_name = "SIGTERM"
        self._is_deferred = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Preemption":
        if threading.current_thread() is threading.main_thread():
            self._before = {each: signal.signal(each, self._hear) for each in _NAMES}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Remembers a signal inside the block, and does nothing else."""
        self._is_deferred = True
        try:
            yield
        finally:
            self._is_deferred = False

    def stop_if_asked(self) -> None:
        """Ends the program if a signal came while it was deferred."""
        if self.asked:
            print(
                f"Stopped by {self.signal_name}. What was saved stays; the same "
                "command goes on.",
                flush=True,
            )
            raise SystemExit(0)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.asked and number == signal.SIGINT:
            print("Stopped at once. What was saved before stays.", flush=True)
            raise SystemExit(130)
        if not self.asked:
            self.asked, self.signal_name = True, _NAMES[signal.Signals(number)]
        if not self._is_deferred:
            self.stop_if_asked()
