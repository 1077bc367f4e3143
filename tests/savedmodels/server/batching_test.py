"""Tests of how batches form, with a model whose runs the tests hold up."""

import threading
import time

import grpc
import numpy as np
import pytest

from savedmodels.server import batching
from savedmodels.server.batching import Batcher
from savedmodels.server.errors import ServingError, invalid


class HeldUp:
    """Doubles its input; each run waits until `go` is set.

    Attributes:
        runs: the inputs of each run.
    """

    def __init__(self):
        self.go, self.began, self.runs = threading.Event(), threading.Event(), []

    def __call__(self, inputs):
        self.runs.append(inputs["x"].tolist())
        self.began.set()
        assert self.go.wait(60)
        if (inputs["x"] < 0).any():
            raise invalid("x must be at least 0.")
        return {"y": inputs["x"] * 2}


@pytest.fixture
def run():
    run = HeldUp()
    yield run
    run.go.set()


@pytest.fixture
def batcher(run):
    """Makes a batcher that runs its first request, held up."""

    def make(*options):
        batcher = Batcher(run, *(options or [64]))
        _ask(batcher, 0)
        assert run.began.wait(60)
        return batcher

    return make


def _ask(batcher, *values, **options):
    x = np.array(values)
    return batcher.submit({"x": x}, len(x), **options)


def _answer(future):
    return future.result(60)["y"].tolist()


def test_a_batch_forms_while_the_last_one_runs(run, batcher):
    batcher = batcher()
    futures = [_ask(batcher, value) for value in (1, 2)]
    run.go.set()
    assert [_answer(future) for future in futures] == [[2], [4]]
    assert run.runs == [[0], [1, 2]]


def test_batches_have_at_most_their_rows(run, batcher):
    batcher = batcher(3)
    futures = [_ask(batcher, 1, 2), _ask(batcher, 3, 4), _ask(batcher, 5)]
    run.go.set()
    assert [_answer(future) for future in futures] == [[2, 4], [6, 8], [10]]
    assert run.runs == [[0], [1, 2], [3, 4, 5]]
    assert batcher.batch_sizes == {1: 1, 2: 1, 3: 1}


def test_what_comes_after_a_pause_is_run_too(run, batcher):
    batcher = batcher()
    run.go.set()
    for value in range(3):
        assert _answer(_ask(batcher, value)) == [2 * value]
        time.sleep(0.02)


def test_one_client_never_waits_for_others(run, monkeypatch):
    monkeypatch.setattr(batching, "_LEAST_PATIENCE", 90)
    batcher = Batcher(run, 64)
    run.go.set()
    for value in range(4):  # each comes when the one before is answered
        assert _answer(_ask(batcher, value)) == [2 * value]
    # For this one nobody waits: the thread goes idle, and does not wait for the next.
    _ask(batcher, 0, deadline=time.monotonic() - 1)


def test_one_bad_request_fails_alone(run, batcher):
    batcher = batcher()
    values = [1, 2, -3, 4, 5, -6, 7]
    futures = [_ask(batcher, value) for value in values]
    run.go.set()
    for value, future in zip(values, futures):
        if value > 0:
            assert _answer(future) == [2 * value]
        else:
            with pytest.raises(ServingError, match="at least 0"):
                future.result(60)


def test_other_errors_are_everyones(batcher, run, monkeypatch):
    def fail(inputs):
        raise RuntimeError("no memory")

    batcher = batcher()
    futures = [_ask(batcher, 1), _ask(batcher, 2)]
    monkeypatch.setattr(batcher, "_run", fail)
    run.go.set()
    for future in futures:
        with pytest.raises(ServingError, match="no memory") as failed:
            future.result(60)
        assert failed.value.code is grpc.StatusCode.INTERNAL


def test_a_full_queue_is_unavailable(run, batcher):
    batcher = batcher(2)
    futures = [_ask(batcher, value) for value in range(20)]
    with pytest.raises(ServingError, match="is full: at most 10 batches") as failed:
        _ask(batcher, 20)
    assert failed.value.code is grpc.StatusCode.UNAVAILABLE
    run.go.set()
    assert [_answer(future) for future in futures] == [[2 * i] for i in range(20)]
    assert _answer(_ask(batcher, 4)) == [8]


def test_requests_larger_than_a_batch_are_refused(batcher):
    with pytest.raises(ServingError, match=r"at most 2 rows.*Received: 3"):
        _ask(batcher(2), 1, 2, 3)


def test_nothing_is_run_for_who_waits_no_more(run, batcher):
    batcher = batcher()
    late = _ask(batcher, 1, deadline=time.monotonic() - 1)
    gone = _ask(batcher, 2)
    assert gone.cancel()
    good = _ask(batcher, 3, deadline=time.monotonic() + 60)
    run.go.set()
    assert _answer(good) == [6]
    with pytest.raises(ServingError) as failed:
        late.result(60)
    assert failed.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert run.runs == [[0], [3]]


def test_its_thread_ends_with_it(run, batcher):
    before = set(threading.enumerate())
    batcher = batcher()
    run.go.set()
    assert _answer(_ask(batcher, 1)) == [2]
    (thread,) = set(threading.enumerate()) - before
    del batcher
    thread.join(60)
    assert not thread.is_alive()
