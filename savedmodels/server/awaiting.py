"""Futures of threads, awaited in an event loop."""

import asyncio
import collections
import concurrent.futures
from typing import Any


class Awaiter:
    """Awaits futures that threads bring to an end.

    Those of a batch end together, and wake the loop once; with `asyncio.wrap_future`
    each would by itself, and the threads would stand in each other's way.
    """

    def __init__(self) -> None:
        self._ended: collections.deque[asyncio.Future] = collections.deque()
        self._is_woken = False

    async def result(self, future: concurrent.futures.Future, seconds: float) -> Any:
        """The result of a future, which is cancelled when nobody waits any more.

        Args:
            future: of a thread.
            seconds: how long to wait.

        Raises:
            TimeoutError: when the time is over.
            Exception: that of the future.
        """
        loop = asyncio.get_running_loop()
        end = loop.create_future()
        future.add_done_callback(lambda _: self._tell(loop, end))
        try:
            async with asyncio.timeout(seconds):
                await end
        except BaseException:
            future.cancel()
            raise
        return future.result()

    def _tell(self, loop: asyncio.AbstractEventLoop, end: asyncio.Future) -> None:
        """Called in any thread."""
        self._ended.append(end)
        # No lock: who finds it True came before `_release` looks at what has ended.
        if not self._is_woken and not loop.is_closed():
            self._is_woken = True
            loop.call_soon_threadsafe(self._release)

    def _release(self) -> None:
        self._is_woken = False
        while self._ended:
            end = self._ended.popleft()
            if not end.done():
                end.set_result(None)
