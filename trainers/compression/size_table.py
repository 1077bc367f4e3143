"""Sizes of the same images by several codecs, as text."""

from collections.abc import Sequence


def as_text(
    sizes: Sequence[tuple[str, int | None, str | None]], num_values: int
) -> str:
    """A line for each codec, with bytes and bits per dimension.

    Args:
        sizes: names, and bytes, or why there are none.
        num_values: pixel values of all images.
    """
    width = max(len(name) for name, _, _ in sizes)
    return "\n".join(
        f"{name:{width}}  left out: {reason}"
        if size is None
        else f"{name:{width}}  {size:>13,} bytes  {8 * size / num_values:7.4f} bits/dim"
        for name, size, reason in sizes
    )
