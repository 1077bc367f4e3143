"""Wrong labels of a dataset, told in a sentence."""

import contextlib
import re
from collections.abc import Iterator

import tensorflow as tf

_FAILED_CHECK = re.compile(r"assertion failed: \[(.+)\] \[Received:\] \[(.*)\]")


@contextlib.contextmanager
def explained(hint: str) -> Iterator[None]:
    """Turns a check of labels that fails inside a dataset into a `ValueError`.

    Datasets are read in graphs, whose errors hold the model's sentence among many
    words of TensorFlow's own. Other errors pass.

    Args:
        hint: what to do, which stands before the sentence.

    Raises:
        ValueError: when a check failed inside the block.
    """
    try:
        yield
    except tf.errors.InvalidArgumentError as error:
        failed = _FAILED_CHECK.search(error.message)
        if failed is None:
            raise
        rule, received = failed.groups()
        raise ValueError(f"{hint} {rule} Received: {received}") from error
