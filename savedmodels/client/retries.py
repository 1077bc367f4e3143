"""Deadlines, and trying again what a server could not do just now."""

import dataclasses
import random
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from savedmodels.client.errors import DeadlineExceededError, UnavailableError

_Result = TypeVar("_Result")

# Its own, so that a retry changes no numbers of a program that set a seed.
_RANDOM = random.Random()


class Deadline:
    """The end of a call, over all its requests.

    Args:
        seconds: from now.
        clock: tells the time in seconds. Default: `time.monotonic`.
    """

    def __init__(
        self, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.seconds = seconds
        self._clock = clock
        self._end = clock() + seconds

    def remaining(self) -> float:
        """Seconds that are left, 0 or less when there are none."""
        return self._end - self._clock()


@dataclasses.dataclass(frozen=True)
class RetryPolicy:
    """How often and when a request is sent again to a server that is unavailable.

    The n-th delay is `first_delay * 2**n` seconds, at most `longest_delay`, times a
    random number in [0.5, 1], so that clients do not come back all at once.

    Attributes:
        retries: how often at most; 0 never.
        first_delay: in seconds.
        longest_delay: in seconds.
        sleep: waits so many seconds.
        clock: tells the time in seconds.
    """

    retries: int = 5
    first_delay: float = 0.1
    longest_delay: float = 5.0
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        is_count = isinstance(self.retries, int) and not isinstance(self.retries, bool)
        if not is_count or self.retries < 0:
            raise ValueError(
                f"retries must be an integer of at least 0. Received: {self.retries!r}"
            )

    def deadline(self, seconds: float) -> Deadline:
        """The deadline of a call that begins now."""
        return Deadline(seconds, self.clock)

    def delays(self) -> Iterator[float]:
        """Seconds before each retry."""
        for retry in range(self.retries):
            delay = min(self.first_delay * 2**retry, self.longest_delay)
            yield delay * _RANDOM.uniform(0.5, 1)

    def call(self, send: Callable[[float], _Result], deadline: Deadline) -> _Result:
        """Sends a request until it is answered.

        Args:
            send: sends it, given the seconds that are left for it.
            deadline: no request goes out later.

        Returns:
            What `send` returns.

        Raises:
            UnavailableError: when the server still was at the last retry.
            DeadlineExceededError: when no time is left, or less than the next delay.
            ClientError: whatever else `send` raises, at once.
        """
        attempts, last = 0, None
        for delay in [0.0, *self.delays()]:
            if delay >= deadline.remaining():
                raise _too_late(deadline, attempts, last) from last
            if delay:
                self.sleep(delay)
            attempts += 1
            try:
                return send(max(deadline.remaining(), 1e-3))
            except UnavailableError as error:
                last = error
        times = "once" if attempts == 1 else f"{attempts} times"
        raise UnavailableError(f"{last} Tried {times}.") from last


def _too_late(
    deadline: Deadline, attempts: int, last: UnavailableError | None
) -> DeadlineExceededError:
    message = (
        f"The call was not done within its {deadline.seconds:g} s. "
        f"{DeadlineExceededError.advice}"
    )
    if last is not None:
        message += f" Attempts: {attempts}; the last one: {last}"
    return DeadlineExceededError(message)
