"""One version of a model, loaded, warmed up and ready for requests."""

import concurrent.futures
import math
import os
import pathlib

from savedmodels.publish.batching import BATCHING_FILE
from savedmodels.server.batching import Batcher, Unbatched
from savedmodels.server.batching_parameters import (
    BatchingParameters,
    read_batching_parameters,
)
from savedmodels.server.saved_model import Arrays, ServedModel, ServedSignature
from savedmodels.server.warm_up import replay_warm_up

Batching = BatchingParameters | bool
"""True for the parameters beside a version, or the default ones; False for none."""


class ServedVersion:
    """A version and the threads that run it.

    Attributes:
        model: what was loaded.
        runner: what runs it; its `batch_sizes` tell which batches were formed.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        batching: Batching = True,
        max_rows: int = 1024,
    ) -> None:
        """Loads a version and replays its warm-up requests.

        Args:
            path: the version's folder.
            batching: how requests are put together.
            max_rows: most rows of one request, where there is no batching.

        Raises:
            ValueError, OSError, ServingError, tf.errors.OpError: when the version
                cannot be served.
        """
        parameters = _parameters(pathlib.Path(path), batching)
        self.model = ServedModel(path)
        replay_warm_up(self.model, path)
        if parameters is None:
            self.runner = Unbatched(self.model.run, max_rows=max_rows)
        else:
            self.runner = Batcher(self.model.run, parameters)

    def submit(
        self, signature: ServedSignature, inputs: Arrays, deadline: float = math.inf
    ) -> concurrent.futures.Future:
        """Asks for a run.

        Args:
            signature: one of the model's.
            inputs: arrays by name, which are checked first.
            deadline: when nobody waits any more, by `time.monotonic`.

        Returns:
            A future of the outputs by name; its exception is a ServingError.

        Raises:
            ServingError: when the request cannot be run.
        """
        rows = signature.num_rows(inputs)
        return self.runner.submit(signature.name, inputs, rows, deadline)

    def close(self, wait: bool = True) -> None:
        """Ends the threads."""
        self.runner.close(wait)


def _parameters(path: pathlib.Path, batching: Batching) -> BatchingParameters | None:
    if not isinstance(batching, bool):
        return batching
    if not batching:
        return None
    file = path / BATCHING_FILE
    return read_batching_parameters(file) if file.is_file() else BatchingParameters()
