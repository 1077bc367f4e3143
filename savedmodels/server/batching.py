"""Requests put together: one run of a model answers many of them."""

import collections
import concurrent.futures
import itertools
import math
import threading
import time
from collections.abc import Callable

import grpc
import numpy as np

from savedmodels.server.batching_parameters import BatchingParameters
from savedmodels.server.errors import ServingError, invalid, serving_error
from savedmodels.server.request_queue import RequestQueue, Task
from savedmodels.server.saved_model import Arrays

Run = Callable[[str, Arrays], Arrays]
"""Runs a signature, given by its name, on checked inputs."""


class Batcher:
    """Threads that run what was asked of one version, in batches.

    A batch holds requests of one signature. A worker that is idle runs it at once.
    While it runs, the next one forms; another worker takes that only when it is full.
    When a run ends, its clients are likely to ask again: the next batch then waits for
    as many requests as there were, but for no longer than the parameters' time-out or a
    quarter of the time that the run took.

    Attributes:
        batch_sizes: how many batches of how many rows were run, by signature.
    """

    def __init__(self, run: Run, parameters: BatchingParameters) -> None:
        """Starts the threads.

        Args:
            run: what runs a signature; called in the threads.
            parameters: sizes and limits.
        """
        self.batch_sizes: dict[str, collections.Counter[int]] = {}
        self._run = run
        self._parameters = parameters
        self._queues: dict[str, RequestQueue] = {}
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"batch-{index}", daemon=True)
            for index in range(parameters.num_batch_threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(
        self, signature: str, inputs: Arrays, rows: int, deadline: float = math.inf
    ) -> concurrent.futures.Future:
        """Puts a request into the queue; its future is the outputs.

        Raises:
            ServingError: INVALID_ARGUMENT for more rows than a batch may have,
                UNAVAILABLE when the queue is full or closed.
        """
        most = self._parameters.max_batch_size
        if rows > most:
            raise invalid(
                f"A request must have at most {most} rows, the largest batch. "
                f"Received: {rows}"
            )
        task = Task(inputs, rows, deadline)
        with self._changed:
            if self._closed:
                raise _closing()
            if signature not in self._queues:
                self._queues[signature] = RequestQueue(signature, self._parameters)
                self.batch_sizes[signature] = collections.Counter()
            queue = self._queues[signature]
            queue.put(task)
            # A worker that waits for more rows need not look at each that comes.
            if len(queue.tasks) == 1 or queue.due() <= time.monotonic():
                self._changed.notify()
        return task.future

    def close(self, wait: bool = True) -> None:
        """Ends the threads after what they run; what waits is answered UNAVAILABLE."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            waiting = [queue.empty() for queue in self._queues.values()]
        for task in itertools.chain.from_iterable(waiting):
            if task.future.set_running_or_notify_cancel():
                task.future.set_exception(_closing())
        if wait:
            for thread in self._threads:
                thread.join()

    def _work(self) -> None:
        while self._run_next():
            pass

    def _run_next(self) -> bool:
        """Waits for a batch and runs it; False when the batcher is closed."""
        queue, tasks = self._next_batch()
        if queue is None:
            return False
        started = time.monotonic()
        if tasks:
            self._answer(queue.signature, tasks)
        with self._changed:
            queue.finish(len(tasks), time.monotonic() - started)
            self._changed.notify()
        return True

    def _next_batch(self) -> tuple[RequestQueue | None, list[Task]]:
        with self._changed:
            while not self._closed:
                queue = min(self._queues.values(), key=RequestQueue.due, default=None)
                wait = math.inf if queue is None else queue.due() - time.monotonic()
                if wait <= 0:
                    return queue, queue.take()
                self._changed.wait(None if wait == math.inf else wait)
        return None, []

    def _answer(self, signature: str, tasks: list[Task]) -> None:
        """Runs requests together; where an input is invalid, in ever smaller parts."""
        try:
            answers = self._run_together(signature, tasks)
        except Exception as error:
            error = serving_error(error)
            if error.code is grpc.StatusCode.INVALID_ARGUMENT and len(tasks) > 1:
                middle = len(tasks) // 2
                self._answer(signature, tasks[:middle])
                self._answer(signature, tasks[middle:])
                return
            for task in tasks:
                task.future.set_exception(ServingError(error.code, error.message))
            return
        for task, answer in zip(tasks, answers, strict=True):
            task.future.set_result(answer)

    def _run_together(self, signature: str, tasks: list[Task]) -> list[Arrays]:
        ends = np.cumsum([task.rows for task in tasks])
        rows = self._parameters.padded(int(ends[-1]))
        self.batch_sizes[signature][rows] += 1
        inputs = {
            name: _filled_up([task.inputs[name] for task in tasks], rows)
            for name in tasks[0].inputs
        }
        outputs = self._run(signature, inputs)
        for name, value in outputs.items():
            if value.ndim == 0 or len(value) != rows:
                raise ServingError(
                    grpc.StatusCode.INTERNAL,
                    f"The output {name} must have a row for each of the {rows} rows "
                    f"of a batch. Received: shape {value.shape}",
                )
        parts = {name: np.split(value, ends) for name, value in outputs.items()}
        return [
            {name: part[index] for name, part in parts.items()}
            for index in range(len(tasks))
        ]


class Unbatched:
    """Threads that run each request alone, with the interface of `Batcher`."""

    def __init__(self, run: Run, num_threads: int = 2, max_rows: int = 1024) -> None:
        """Starts the threads.

        Args:
            run: what runs a signature; called in the threads.
            num_threads: requests that may run side by side.
            max_rows: most rows of one request.
        """
        self.batch_sizes: dict[str, collections.Counter[int]] = {}
        self._run = run
        self._max_rows = max_rows
        self._lock = threading.Lock()
        self._pool = concurrent.futures.ThreadPoolExecutor(num_threads, "request")

    def submit(
        self, signature: str, inputs: Arrays, rows: int, deadline: float = math.inf
    ) -> concurrent.futures.Future:
        """Starts a request as soon as a thread is idle; its future is the outputs."""
        if rows > self._max_rows:
            raise invalid(
                f"A request must have at most {self._max_rows} rows. Received: {rows}"
            )
        task = Task(inputs, rows, deadline)
        try:
            self._pool.submit(self._answer, signature, task)
        except RuntimeError:
            raise _closing() from None
        return task.future

    def close(self, wait: bool = True) -> None:
        """Ends the threads after what they run."""
        self._pool.shutdown(wait)

    def _answer(self, signature: str, task: Task) -> None:
        if not task.start():
            return
        with self._lock:
            sizes = self.batch_sizes.setdefault(signature, collections.Counter())
            sizes[task.rows] += 1
        try:
            task.future.set_result(self._run(signature, task.inputs))
        except Exception as error:
            task.future.set_exception(serving_error(error))


def _filled_up(parts: list[np.ndarray], rows: int) -> np.ndarray:
    """All parts in one array, and copies of the first row up to so many rows."""
    missing = rows - sum(map(len, parts))
    if missing:
        parts = [*parts, np.repeat(parts[0][:1], missing, axis=0)]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _closing() -> ServingError:
    return ServingError(grpc.StatusCode.UNAVAILABLE, "The server is shutting down.")
