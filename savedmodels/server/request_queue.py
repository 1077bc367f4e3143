"""The requests that wait for a run, and when it shall begin."""

import collections
import concurrent.futures
import dataclasses
import math
import time

import grpc

from savedmodels.server.batching_parameters import BatchingParameters
from savedmodels.server.errors import ServingError
from savedmodels.server.saved_model import Arrays

_PATIENCE = 0.25
"""How long a batch waits for requests, as a part of the time that the last run took."""


@dataclasses.dataclass
class Task:
    """A request that waits.

    Attributes:
        inputs: checked inputs.
        rows: how many rows they have.
        deadline: when nobody waits any more, by `time.monotonic`.
        future: the outputs, or a ServingError.
    """

    inputs: Arrays
    rows: int
    deadline: float = math.inf
    future: concurrent.futures.Future = dataclasses.field(
        default_factory=concurrent.futures.Future
    )

    def start(self) -> bool:
        """Whether it shall be run: somebody still waits for it."""
        if not self.future.set_running_or_notify_cancel():
            return False
        if time.monotonic() < self.deadline:
            return True
        self.future.set_exception(
            ServingError(
                grpc.StatusCode.DEADLINE_EXCEEDED,
                "The deadline passed before the request was run.",
            )
        )
        return False


class RequestQueue:
    """The requests of one signature that wait, and when they shall be run."""

    def __init__(self, signature: str, parameters: BatchingParameters) -> None:
        self.signature = signature
        self.tasks: collections.deque[Task] = collections.deque()
        self.running = 0
        self._parameters = parameters
        self._rows = 0
        self._expected = 0
        self._last_finish = -math.inf
        self._run_seconds = 0.0

    def put(self, task: Task) -> None:
        """Adds a request, or answers UNAVAILABLE where too many wait."""
        batches = self._parameters.max_enqueued_batches
        if self._rows + task.rows > batches * self._parameters.max_batch_size:
            raise ServingError(
                grpc.StatusCode.UNAVAILABLE,
                f"The queue of {self.signature!r} is full: at most {batches} batches "
                "may wait. Try again later.",
            )
        self.tasks.append(task)
        self._rows += task.rows

    def due(self) -> float:
        """When the next batch shall be run, by `time.monotonic`."""
        if not self.tasks:
            return math.inf
        if self._rows >= self._parameters.max_batch_size:
            return -math.inf
        if self.running:
            return math.inf
        if len(self.tasks) >= self._expected:
            return -math.inf
        least = self._parameters.batch_timeout_micros / 1e6
        return self._last_finish + max(least, _PATIENCE * self._run_seconds)

    def take(self) -> list[Task]:
        """Begins a run; gives its requests, without those nobody waits for any more."""
        self.running += 1
        batch, rows = [], 0
        while self.tasks:
            if rows + self.tasks[0].rows > self._parameters.max_batch_size:
                break
            task = self.tasks.popleft()
            self._rows -= task.rows
            if task.start():
                batch.append(task)
                rows += task.rows
        return batch

    def empty(self) -> list[Task]:
        """Takes all requests out, to be run no more."""
        tasks, self._rows = list(self.tasks), 0
        self.tasks.clear()
        return tasks

    def finish(self, count: int, seconds: float) -> None:
        """Notes that a run of `count` requests ended."""
        self.running -= 1
        self._expected = count + len(self.tasks)
        self._last_finish = time.monotonic()
        self._run_seconds = seconds
