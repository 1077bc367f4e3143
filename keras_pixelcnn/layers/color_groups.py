"""Feature groups: how the order of the colour channels is kept inside a pixel.

The features of every layer are dealt out to as many equal, contiguous groups as the
image has channels. Group k may see the groups before it (mask A) or those and itself
(mask B), so that channel k depends on the channels before it only (van den Oord et
al. 2016, arXiv 1601.06759, section 3.4).
"""

import numpy as np

from keras_pixelcnn.checks import is_integer

MASK_TYPES = ("A", "B")


def check_mask_type(mask_type: str) -> None:
    """Raises `ValueError` unless `mask_type` is "A" or "B"."""
    if mask_type not in MASK_TYPES:
        raise ValueError(
            f'mask_type must be "A" (a feature does not see its own input) or "B" (it '
            f"does). Received: mask_type={mask_type!r}"
        )


def check_kernel_size(kernel_size: int, smallest: int = 1) -> None:
    """Raises `ValueError` unless `kernel_size` is odd and at least `smallest`."""
    if not is_integer(kernel_size, smallest) or kernel_size % 2 == 0:
        raise ValueError(
            f"kernel_size must be an odd integer of at least {smallest}, so that it "
            f"has a centre. Received: kernel_size={kernel_size!r}"
        )


def check_divisible(features: int, color_groups: int, what: str) -> None:
    """Raises `ValueError` unless `features` can be dealt out to the groups evenly."""
    positive = is_integer(features, 1) and is_integer(color_groups, 1)
    if not positive or features % color_groups:
        raise ValueError(
            f"{what} must be a positive multiple of {color_groups}, the number of "
            f"colour groups (one a channel of the image), so that every group gets "
            f"equally many features. Received: {what}={features!r}"
        )


def complete_filters(
    filters: int | None, head_filters: int | None, color_groups: int
) -> int:
    """Checks a model's numbers of features, and fills in what was left out.

    Args:
        filters: features of its blocks. Default: the largest multiple of
            `color_groups` of up to 128.
        head_filters: features of the layers before its last; None is none to check.
        color_groups: number of groups.

    Returns:
        The features of its blocks.

    Raises:
        ValueError: when they cannot be dealt out to the groups evenly.
    """
    if filters is None:
        filters = max(128 // color_groups, 1) * color_groups
    check_divisible(filters, color_groups, "filters")
    if head_filters is not None:
        check_divisible(head_filters, color_groups, "head_filters")
    return filters


def visible_features(
    features: int, color_groups: int, group: int, mask_type: str
) -> int:
    """Counts the leading features that `group` may see at its own pixel."""
    groups = group if mask_type == "A" else group + 1
    return groups * features // color_groups


def color_group_mask(
    input_features: int, filters: int, color_groups: int, mask_type: str
) -> np.ndarray:
    """Makes the mask of the input features that each filter sees at its own pixel.

    Args:
        input_features: number of input features, a multiple of `color_groups`.
        filters: number of output features, a multiple of `color_groups`.
        color_groups: number of groups; 1 for grey images.
        mask_type: "A" (groups before the filter's own) or "B" (and its own).

    Returns:
        A float32 array of zeros and ones, (input_features, filters).
    """
    mask = np.zeros((input_features, filters), "float32")
    width = filters // color_groups
    for group in range(color_groups):
        seen = visible_features(input_features, color_groups, group, mask_type)
        mask[:seen, group * width : (group + 1) * width] = 1.0
    return mask
