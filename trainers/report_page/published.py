"""Likelihoods that the Gated PixelCNN paper reports, and which runs they are for.

van den Oord et al., Conditional Image Generation with PixelCNN Decoders, 2016, arXiv
1606.05328: section 3.1, tables 1 and 2, unconditional models.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

_PAPERS_MODEL = "Gated PixelCNN"


class PublishedTable(NamedTuple):
    """The paper's results on a dataset: each model's bits/dim on test and train."""

    dataset: str
    side: int
    place: str
    rows: dict[str, tuple[float, float | None]]

    @property
    def bits_of_papers_model(self) -> float:
        """The test likelihood of the paper's own model."""
        return self.rows[_PAPERS_MODEL][0]


_CIFAR_10 = {
    "Uniform": (8.00, None),
    "Multivariate Gaussian": (4.70, None),
    "NICE": (4.48, None),
    "Deep Diffusion": (4.20, None),
    "DRAW": (4.13, None),
    "Deep GMM": (4.00, None),
    "Conv DRAW": (3.58, None),
    "RIDE": (3.47, None),
    "PixelCNN": (3.14, 3.08),
    _PAPERS_MODEL: (3.03, 2.90),
    "PixelRNN": (3.00, 2.93),
}
_CONV_DRAW = {32: (4.40, 4.35), 64: (4.10, 4.04)}
_PIXEL_RNN = {32: (3.86, 3.83), 64: (3.63, 3.57)}
_GATED = {32: (3.83, 3.77), 64: (3.57, 3.48)}
_TABLES = {"cifar10": PublishedTable("CIFAR-10", 32, "table 1", _CIFAR_10)}
for _side in (32, 64):
    _rows = {
        "Conv DRAW": _CONV_DRAW[_side],
        "PixelRNN": _PIXEL_RNN[_side],
        _PAPERS_MODEL: _GATED[_side],
    }
    _table = PublishedTable(f"ImageNet {_side}x{_side}", _side, "table 2", _rows)
    for _name in ("downsampled_imagenet", "imagenet_resized"):
        _TABLES[f"{_name}/{_side}x{_side}"] = _table


def find_published(
    config: Mapping[str, Any], metrics: Mapping[str, Any]
) -> tuple[PublishedTable | None, list[str]]:
    """Returns the paper's table for a run's dataset, if any, and what to know of it.

    Args:
        config: the run's, which may lack any field.
        metrics: the run's results, which may be empty.
    """
    dataset = config.get("dataset", metrics.get("dataset"))
    table = _TABLES.get(str(dataset).split(":")[0])  # without tfds's version
    if table is None:
        return None, [f"The paper reports no likelihoods for {dataset}."]
    shape = [table.side, table.side, 3]
    told = [config.get("image_size"), config.get("color_mode")]
    images = [metrics.get("image_shape", shape), metrics.get("num_levels", 256)]
    levels = config.get("num_levels")
    is_same = told[0] in (None, shape[:2]) and told[1] in (None, "rgb")
    if not is_same or levels not in (None, 256) or images != [shape, 256]:
        return None, [
            f"The paper's likelihoods of {table.dataset} are for {table.side}x"
            f"{table.side} pixels, 3 colours and 256 levels. This run's images are "
            "others, so they are not compared."
        ]
    remarks = [
        "The paper's: van den Oord et al., 2016, arXiv 1606.05328, section 3.1, "
        f"{table.place}, {table.dataset}; numbers as published there, of unconditional "
        "models. For models given the class (section 3.2) it reports none, and says "
        "that they hardly differ."
    ]
    if "imagenet_resized" in dataset:
        remarks.append(
            "imagenet_resized was made smaller in another way than the paper's images, "
            "which are tfds's downsampled_imagenet: likelihoods of the two differ for "
            "that reason, too."
        )
    return table, remarks
