"""A bar that shows how far an epoch is, for somebody who looks on."""

import sys
import time
from typing import TextIO

_WIDTH = 24
_LEAST_SECONDS = 0.2


class ProgressBar:
    """One line that is written again and again; nothing where nobody looks on.

    Args:
        total_steps: of the run.
        stream: where to. Default: the standard output.
        unit: of the loss. Default: bits/dim.
    """

    def __init__(
        self, total_steps: int, stream: TextIO | None = None, unit: str = "bits/dim"
    ) -> None:
        self._total = total_steps
        self._unit = unit
        self._stream = sys.stdout if stream is None else stream
        self._is_shown = self._stream.isatty()
        self._begin: tuple[float, int] | None = None
        self._last = 0.0
        self._length = 0

    def show(self, step: int, loss: float) -> None:
        """Shows a step, if the last one shown was long enough ago.

        Args:
            step: number of steps done.
            loss: of the training.
        """
        if not self._is_shown:
            return
        now = time.monotonic()
        if self._begin is None:
            self._begin = now, step
        if now - self._last < _LEAST_SECONDS and step < self._total:
            return
        self._last = now
        self._write(
            f"{self._bar(step)} {step}/{self._total}  {loss:.3f} {self._unit}  "
            f"{self._left(now, step)}"
        )

    def clear(self) -> None:
        """Takes the line away, so that another can be printed."""
        if self._is_shown and self._length:
            self._write("")
            self._stream.write("\r")
            self._length = 0

    def _bar(self, step: int) -> str:
        filled = _WIDTH * step // self._total
        return f"[{'=' * filled}{'.' * (_WIDTH - filled)}]"

    def _left(self, now: float, step: int) -> str:
        begin, first = self._begin
        if step <= first:
            return ""
        seconds_a_step = (now - begin) / (step - first)
        return f"{format_seconds(seconds_a_step * (self._total - step))} left"

    def _write(self, text: str) -> None:
        self._stream.write("\r" + text.ljust(self._length))
        self._stream.flush()
        self._length = len(text)


def format_seconds(seconds: float) -> str:
    """Seconds as 7s, 3:07 or 2:03:07."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{rest:02}"
    return f"{minutes}:{rest:02}" if minutes else f"{rest}s"
