"""Dynamic batching: one run of a model answers many requests."""

import collections
import concurrent.futures
import math
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

import grpc
import numpy as np

from savedmodels.server.errors import ServingError, invalid, serving_error

Arrays = dict[str, np.ndarray]
"""Inputs or outputs by name; strings are arrays of bytes objects."""

_MOST_WAITING_BATCHES = 10
_LEAST_PATIENCE = 0.002
"""Seconds that a batch waits for as many requests as the last one had."""
_PATIENCE = 0.25
"""The same, as a part of the time that the last run took."""


class _Request(NamedTuple):
    """A request that waits; its future holds the outputs, or a ServingError."""

    inputs: Arrays
    rows: int
    deadline: float
    future: concurrent.futures.Future

    def start(self) -> bool:
        """Tells whether it shall be run: somebody waits for it still."""
        if not self.future.set_running_or_notify_cancel():
            return False
        if time.monotonic() < self.deadline:
            return True
        message = "The deadline passed before the request was run."
        code = grpc.StatusCode.DEADLINE_EXCEEDED
        self.future.set_exception(ServingError(code, message))
        return False


class Batcher:
    """Runs the requests of one signature, in batches.

    A request that finds the model idle is run at once. While it runs, the next batch
    forms. When a run ends, its clients are likely to ask again: the next batch then
    waits for as many requests as there were, but for no longer than a quarter of the
    time that the run took, or two milliseconds.

    Attributes:
        batch_sizes: how many batches of how many rows were run.
    """

    def __init__(self, run: Callable[[Arrays], Arrays], max_batch_size: int) -> None:
        """Starts nothing yet; `run` gives the outputs for inputs that were checked."""
        self.batch_sizes: collections.Counter[int] = collections.Counter()
        self._run = run
        self._max_batch_size = max_batch_size
        self._requests: collections.deque[_Request] = collections.deque()
        self._rows = 0
        self._expected = 0
        self._is_running = False
        self._changed = threading.Condition()
        # Its thread ends when nobody holds the batcher any more.
        self._thread = concurrent.futures.ThreadPoolExecutor(1, "batch")

    def submit(
        self, inputs: Arrays, rows: int, deadline: float = math.inf
    ) -> concurrent.futures.Future:
        """Puts a request into the queue.

        Args:
            inputs: checked inputs.
            rows: how many rows they have.
            deadline: when nobody waits any more, by `time.monotonic`.

        Returns:
            A future of the outputs by name; its exception is a ServingError.

        Raises:
            ServingError: INVALID_ARGUMENT for more rows than a batch may have,
                UNAVAILABLE when the queue is full.
        """
        if rows > self._max_batch_size:
            raise invalid(
                f"A request must have at most {self._max_batch_size} rows, the largest "
                f"batch. Received: {rows}"
            )
        request = _Request(inputs, rows, deadline, concurrent.futures.Future())
        with self._changed:
            if self._rows + rows > _MOST_WAITING_BATCHES * self._max_batch_size:
                raise ServingError(
                    grpc.StatusCode.UNAVAILABLE,
                    f"The queue is full: at most {_MOST_WAITING_BATCHES} batches may "
                    "wait. Try again later.",
                )
            self._requests.append(request)
            self._rows += rows
            if not self._is_running:
                self._is_running = True
                self._thread.submit(self._run_all)
            elif self._is_due():
                self._changed.notify()
        return request.future

    def _run_all(self) -> None:
        """Runs batches until no request waits."""
        while batch := self._take():
            started = time.monotonic()
            self._answer(batch)
            patience = max(_LEAST_PATIENCE, _PATIENCE * (time.monotonic() - started))
            with self._changed:
                self._expected = len(batch) + len(self._requests)
                del batch  # whose images are not kept meanwhile
                self._changed.wait_for(self._is_due, patience)

    def _is_due(self) -> bool:
        is_full = self._rows >= self._max_batch_size
        return is_full or len(self._requests) >= self._expected

    def _take(self) -> list[_Request]:
        """Takes the next batch, without the requests for which nobody waits."""
        batch, rows = [], 0
        with self._changed:
            while self._requests:
                if rows + self._requests[0].rows > self._max_batch_size:
                    break
                request = self._requests.popleft()
                self._rows -= request.rows
                if request.start():
                    batch.append(request)
                    rows += request.rows
            self._is_running = bool(batch)
        return batch

    def _answer(self, requests: list[_Request]) -> None:
        """Runs requests together; where an input is invalid, in ever smaller parts."""
        try:
            answers = self._run_together(requests)
        except Exception as error:
            told = serving_error(error)
            if told.code is grpc.StatusCode.INVALID_ARGUMENT and len(requests) > 1:
                middle = len(requests) // 2
                self._answer(requests[:middle])
                self._answer(requests[middle:])
                return
            for request in requests:
                request.future.set_exception(ServingError(told.code, told.message))
            return
        for request, answer in zip(requests, answers, strict=True):
            request.future.set_result(answer)

    def _run_together(self, requests: list[_Request]) -> list[Arrays]:
        ends = np.cumsum([request.rows for request in requests])
        rows = int(ends[-1])
        self.batch_sizes[rows] += 1
        inputs = {
            name: np.concatenate([request.inputs[name] for request in requests])
            for name in requests[0].inputs
        }
        outputs = self._run(inputs)
        for name, value in outputs.items():
            if value.shape[:1] != (rows,):
                raise ServingError(
                    grpc.StatusCode.INTERNAL,
                    f"The output {name} must have a row for each of the {rows} rows "
                    f"of a batch. Received: shape {value.shape}",
                )
        parts = {name: np.split(value, ends[:-1]) for name, value in outputs.items()}
        rows = zip(*parts.values(), strict=True)
        return [dict(zip(parts, row, strict=True)) for row in rows]
