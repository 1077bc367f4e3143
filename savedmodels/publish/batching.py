"""Batching limits that an export gives to the server."""

import dataclasses
from collections.abc import Iterable

from keras_pixelcnn.checks import is_integer

BATCHING_FILE = "batching_params.pbtxt"
"""Path of the batching limits in the folder of a version."""


@dataclasses.dataclass(frozen=True)
class Batching:
    """Limits of the batches into which a server merges concurrent requests.

    TF Serving follows them when started with `--enable_batching` and
    `--enable_per_model_batching_parameters`. How many threads work on batches is for
    the whole server to say and stands in its own file.

    Args:
        max_batch_size: rows of the largest batch, and so of the largest request. The
            largest warm-up requests have as many. Default 64.
        batch_timeout_micros: microseconds that a request waits for others. Default
            5,000.
        max_enqueued_batches: full batches that may wait; with more, requests are
            answered UNAVAILABLE. Default 64.
        allowed_batch_sizes: smaller batches are filled up to the next of these with
            copies; increasing, and the last is `max_batch_size`. Default: the powers
            of two up to there.

    Raises:
        ValueError: when a limit is not as said.
    """

    max_batch_size: int = 64
    batch_timeout_micros: int = 5_000
    max_enqueued_batches: int = 64
    allowed_batch_sizes: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        _check_integer("max_batch_size", self.max_batch_size, least=1)
        _check_integer("batch_timeout_micros", self.batch_timeout_micros, least=0)
        _check_integer("max_enqueued_batches", self.max_enqueued_batches, least=1)
        sizes, largest = self.allowed_batch_sizes, self.max_batch_size
        if sizes is None:
            sizes = [2**i for i in range((largest - 1).bit_length())] + [largest]
        elif not isinstance(sizes, Iterable):
            raise ValueError(
                "allowed_batch_sizes must be a list of integers. "
                f"Received: allowed_batch_sizes={sizes!r}"
            )
        sizes = tuple(sizes)
        object.__setattr__(self, "allowed_batch_sizes", sizes)
        for size in sizes:
            _check_integer("allowed_batch_sizes", size, least=1)
        if list(sizes) != sorted(set(sizes)) or sizes[-1:] != (largest,):
            raise ValueError(
                "allowed_batch_sizes must increase, and the last must be "
                f"max_batch_size={largest}. Received: allowed_batch_sizes={sizes}"
            )

    def to_text(self) -> str:
        """Returns the limits as `tensorflow.serving.BatchingParameters` in text."""
        lines = [
            f"max_batch_size {{ value: {self.max_batch_size} }}",
            f"batch_timeout_micros {{ value: {self.batch_timeout_micros} }}",
            f"max_enqueued_batches {{ value: {self.max_enqueued_batches} }}",
            *(f"allowed_batch_sizes: {size}" for size in self.allowed_batch_sizes),
        ]
        return "\n".join(lines) + "\n"


def _check_integer(name: str, value: object, least: int) -> None:
    if not is_integer(value, least) or value >= 2**63:
        raise ValueError(
            f"{name} must be an integer of at least {least}, of 64 bits. "
            f"Received: {name}={value!r}"
        )
