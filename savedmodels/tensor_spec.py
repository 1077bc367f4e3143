"""TensorSpec: type and shape of an input or output, for client and server."""

from typing import NamedTuple

import numpy as np


class TensorSpec(NamedTuple):
    """Type and shape of an input or output.

    `dtype` is object for strings, whose values are bytes. `shape` leads with the batch,
    None where a size is not fixed; None as a whole where not even the rank is.
    """

    dtype: np.dtype
    shape: tuple[int | None, ...] | None

    @property
    def example_shape(self) -> tuple[int | None, ...]:
        """The shape of one row."""
        return (self.shape or ())[1:]

    def is_example(self, shape: tuple[int, ...]) -> bool:
        """Tells whether this is the shape of one row."""
        return len(shape) == len(self.example_shape) and all(
            size in (None, given)
            for size, given in zip(self.example_shape, shape, strict=True)
        )

    def is_batch(self, shape: tuple[int, ...], count: int | None = None) -> bool:
        """Tells whether this is the shape of so many rows, or of any number."""
        if self.shape is None:
            return True
        return (
            len(shape) > 0 and count in (None, shape[0]) and self.is_example(shape[1:])
        )

    def shape_words(self, batch: int | str | None) -> str:
        """Spells the shape of so many rows, or of one without its batch.

        Args:
            batch: how many, or a letter for any number; None for one.
        """
        sizes = ["any" if size is None else str(size) for size in self.example_shape]
        sizes = sizes if batch is None else [str(batch), *sizes]
        return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"

    def check(self, name: str, dtype: np.dtype, shape: tuple[int, ...]) -> None:
        """Raises a ValueError when an input has another type or shape, or no rows."""
        if dtype != self.dtype:
            raise ValueError(
                f"{name} must be of type {type_name(self.dtype)}. "
                f"Received: {type_name(dtype)}"
            )
        if shape[:1] == (0,):
            raise ValueError(
                f"{name} must have at least one row. Received: shape {shape}"
            )
        if not self.is_batch(shape):
            raise ValueError(
                f"{name} must have the shape {self.shape_words('n')}, n being the "
                f"number of rows. Received: {shape}"
            )


def type_name(dtype: np.dtype) -> str:
    """Spells a type as TensorFlow does."""
    return {"O": "string", "b": "bool"}.get(dtype.kind, dtype.name)
