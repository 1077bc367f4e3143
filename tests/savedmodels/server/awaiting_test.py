"""Tests of futures of threads, awaited in an event loop."""

import asyncio
import concurrent.futures
import threading

import pytest

from savedmodels.server.awaiting import Awaiter


def test_each_gets_its_own_result():
    futures = [concurrent.futures.Future() for _ in range(20)]

    def finish(part):
        for index in part:
            futures[index].set_result(index)

    async def wait():
        awaiter = Awaiter()
        waiting = asyncio.gather(*(awaiter.result(f, 60) for f in futures))
        await asyncio.sleep(0)
        for part in (range(10), range(10, 20)):
            threading.Thread(target=finish, args=[part]).start()
        return await waiting

    assert asyncio.run(wait()) == list(range(20))


def test_what_has_ended_is_not_waited_for():
    future = concurrent.futures.Future()
    future.set_exception(KeyError("x"))
    with pytest.raises(KeyError, match="x"):
        asyncio.run(Awaiter().result(future, 60))


@pytest.mark.parametrize("seconds", [0.01, -1])
def test_what_comes_too_late_is_cancelled(seconds):
    future = concurrent.futures.Future()
    with pytest.raises(TimeoutError):
        asyncio.run(Awaiter().result(future, seconds))
    assert future.cancelled()


def test_a_run_may_end_after_the_loop(caplog):
    future = concurrent.futures.Future()
    future.set_running_or_notify_cancel()
    with pytest.raises(TimeoutError):
        asyncio.run(Awaiter().result(future, 0.01))
    future.set_result(1)
    assert not caplog.records
