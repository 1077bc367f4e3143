"""Deadlines, and sending a request again to a server that is unavailable."""

import dataclasses
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from savedmodels.client.errors import DeadlineExceededError, UnavailableError
from savedmodels.client.transport import missing_library

if TYPE_CHECKING:
    import tenacity

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
        """Gives the seconds that are left, 0 or less when there are none."""
        return self._end - self._clock()


@dataclasses.dataclass(frozen=True)
class RetryPolicy:
    """The rules for sending a request again to a server that is unavailable.

    Delays double from `first_delay` up to `longest_delay`; each is taken by half to
    whole, at random.

    Args:
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
        """Makes the deadline of a call that begins now."""
        return Deadline(seconds, self.clock)

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
            ModuleNotFoundError: when Tenacity is missing.
        """
        try:  # here, so that the program can tell in a sentence that it is missing
            import tenacity
        except ModuleNotFoundError as missing:
            raise missing_library(missing) from missing
        message = f"The call was not done within its {deadline.seconds:g} s. "
        message += DeadlineExceededError.advice
        if deadline.remaining() <= 0:
            raise DeadlineExceededError(message)
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(UnavailableError),
            wait=self._delay,
            stop=lambda state: (
                state.attempt_number > self.retries
                or state.upcoming_sleep >= deadline.remaining()
            ),
            sleep=self.sleep,
        )
        try:
            return retrying(lambda: send(max(deadline.remaining(), 1e-3)))
        except tenacity.RetryError as error:
            count = error.last_attempt.attempt_number
            last = error.last_attempt.exception()
        if count <= self.retries:
            message += f" Attempts: {count}; the last one: {last}"
            raise DeadlineExceededError(message) from last
        times = "once" if count == 1 else f"{count} times"
        raise UnavailableError(f"{last} Tried {times}.") from last

    def _delay(self, state: "tenacity.RetryCallState") -> float:
        delay = self.first_delay * 2.0 ** min(state.attempt_number - 1, 64)
        return min(delay, self.longest_delay) * _RANDOM.uniform(0.5, 1)
