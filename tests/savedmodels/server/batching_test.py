"""Tests of how batches form, with a model whose runs the tests hold up."""

import threading
import time

import grpc
import numpy as np
import pytest

from savedmodels.server.batching import Batcher, Unbatched
from savedmodels.server.batching_parameters import BatchingParameters
from savedmodels.server.errors import ServingError, invalid


class HeldUp:
    """Doubles its input; each run waits until `go` is set.

    Attributes:
        runs: what each run was given, by signature and inputs.
    """

    def __init__(self):
        self.go, self.began, self.runs = threading.Event(), threading.Event(), []

    def __call__(self, signature, inputs):
        self.runs.append((signature, inputs["x"].tolist()))
        self.began.set()
        assert self.go.wait(60)
        if (inputs["x"] < 0).any():
            raise invalid("x must be at least 0.")
        return {"y": inputs["x"] * 2}


@pytest.fixture
def run():
    return HeldUp()


@pytest.fixture
def batcher(run):
    """A batcher that runs its first request, held up."""
    made = []

    def make(**parameters):
        parameters = {"num_batch_threads": 1, **parameters}
        made.append(Batcher(run, BatchingParameters(**parameters)))
        _ask(made[0], 0)
        assert run.began.wait(60)
        return made[0]

    yield make
    run.go.set()
    for batcher in made:
        batcher.close()


def _ask(batcher, *values, signature="double", **options):
    x = np.array(values)
    return batcher.submit(signature, {"x": x}, len(x), **options)


def _answer(future):
    return future.result(60)["y"].tolist()


def test_a_batch_forms_while_the_last_one_runs(run, batcher):
    batcher = batcher()
    futures = [_ask(batcher, value) for value in (1, 2)]
    run.go.set()
    assert [_answer(future) for future in futures] == [[2], [4]]
    assert run.runs == [("double", [0]), ("double", [1, 2])]


def test_batches_have_at_most_their_rows(run, batcher):
    batcher = batcher(max_batch_size=3)
    futures = [_ask(batcher, 1, 2), _ask(batcher, 3, 4), _ask(batcher, 5)]
    run.go.set()
    assert [_answer(future) for future in futures] == [[2, 4], [6, 8], [10]]
    assert [x for _, x in run.runs] == [[0], [1, 2], [3, 4, 5]]
    assert batcher.batch_sizes == {"double": {1: 1, 2: 1, 3: 1}}


def test_batches_are_filled_up_with_copies(run, batcher):
    batcher = batcher(max_batch_size=8, allowed_batch_sizes=(4, 8))
    futures = [_ask(batcher, 1, 2), _ask(batcher, 3, 4, 5)]
    run.go.set()
    assert [_answer(future) for future in futures] == [[2, 4], [6, 8, 10]]
    assert [x for _, x in run.runs] == [[0] * 4, [1, 2, 3, 4, 5, 1, 1, 1]]


def test_batches_hold_one_signature(run, batcher):
    batcher = batcher()
    futures = [_ask(batcher, 1), _ask(batcher, 2, signature="other")]
    run.go.set()
    assert [_answer(future) for future in futures] == [[2], [4]]
    assert sorted(run.runs) == [("double", [0]), ("double", [1]), ("other", [2])]


def test_a_full_batch_and_another_signature_do_not_wait(run, batcher):
    batcher = batcher(num_batch_threads=3, max_batch_size=2)
    _ask(batcher, 1), _ask(batcher, 2), _ask(batcher, 3, signature="other")
    end = time.monotonic() + 60
    while len(run.runs) < 3 and time.monotonic() < end:
        time.sleep(0.001)
    assert sorted(run.runs)[1:] == [("double", [1, 2]), ("other", [3])]


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
    def fail(signature, inputs):
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
    batcher = batcher(max_batch_size=2, max_enqueued_batches=2)
    futures = [_ask(batcher, value) for value in range(4)]
    with pytest.raises(ServingError, match="is full: at most 2 batches") as failed:
        _ask(batcher, 4)
    assert failed.value.code is grpc.StatusCode.UNAVAILABLE
    run.go.set()
    assert [_answer(future) for future in futures] == [[0], [2], [4], [6]]
    assert _answer(_ask(batcher, 4)) == [8]


def test_requests_larger_than_a_batch_are_refused(batcher):
    with pytest.raises(ServingError, match=r"at most 2 rows.*Received: 3"):
        _ask(batcher(max_batch_size=2), 1, 2, 3)


@pytest.mark.parametrize("make", [None, Unbatched])
def test_nothing_is_run_for_who_waits_no_more(run, batcher, make):
    if make is None:
        batcher = batcher()
    else:
        batcher = make(run, num_threads=1)
        _ask(batcher, 0)
    late = _ask(batcher, 1, deadline=time.monotonic() - 1)
    gone = _ask(batcher, 2)
    assert gone.cancel()
    good = _ask(batcher, 3, deadline=time.monotonic() + 60)
    run.go.set()
    assert _answer(good) == [6]
    with pytest.raises(ServingError) as failed:
        late.result(60)
    assert failed.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert [x for _, x in run.runs] == [[0], [3]]
    batcher.close()


def test_closing_finishes_what_runs_and_answers_what_waits(run, batcher):
    batcher = batcher()
    waiting = _ask(batcher, 1)
    batcher.close(wait=False)
    with pytest.raises(ServingError, match="shutting down"):
        waiting.result(60)
    with pytest.raises(ServingError, match="shutting down"):
        _ask(batcher, 2)
    run.go.set()
    batcher.close()
    assert run.runs == [("double", [0])]


def test_without_batching_each_request_runs_alone(run):
    run.go.set()
    unbatched = Unbatched(run, max_rows=3)
    futures = [_ask(unbatched, 1, 2), _ask(unbatched, 3)]
    assert [_answer(future) for future in futures] == [[2, 4], [6]]
    with pytest.raises(ServingError, match=r"at most 3 rows.*Received: 4"):
        _ask(unbatched, 1, 2, 3, 4)
    with pytest.raises(ServingError, match="at least 0"):
        _ask(unbatched, -1).result(60)
    assert unbatched.batch_sizes["double"][2] == 1
    unbatched.close()
    with pytest.raises(ServingError, match="shutting down"):
        _ask(unbatched, 1)
