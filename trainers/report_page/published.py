"""Likelihoods that the Gated PixelCNN paper reports, and which runs they are for.

van den Oord et al., Conditional Image Generation with PixelCNN Decoders, 2016, arXiv
1606.05328: section 3.1, tables 1 and 2, unconditional models.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

PAPER = "van den Oord et al., 2016"
PAPER_URL = "https://arxiv.org/abs/1606.05328"
PAPERS_MODEL = "Gated PixelCNN"


class Published(NamedTuple):
    """Bits per dimension of one model, on test and, where it is told, on train."""

    model: str
    test: float
    train: float | None = None


class PublishedTable(NamedTuple):
    """What the paper reports for one dataset."""

    dataset: str
    place: str
    rows: tuple[Published, ...]
    remark: str | None = None

    def bits_of_papers_model(self) -> float:
        """The test likelihood of the paper's own model."""
        return next(row.test for row in self.rows if row.model == PAPERS_MODEL)


_CIFAR_10 = (
    Published("Uniform", 8.00),
    Published("Multivariate Gaussian", 4.70),
    Published("NICE", 4.48),
    Published("Deep Diffusion", 4.20),
    Published("DRAW", 4.13),
    Published("Deep GMM", 4.00),
    Published("Conv DRAW", 3.58),
    Published("RIDE", 3.47),
    Published("PixelCNN", 3.14, 3.08),
    Published(PAPERS_MODEL, 3.03, 2.90),
    Published("PixelRNN", 3.00, 2.93),
)
_IMAGENET_32 = (
    Published("Conv DRAW", 4.40, 4.35),
    Published("PixelRNN", 3.86, 3.83),
    Published(PAPERS_MODEL, 3.83, 3.77),
)
_IMAGENET_64 = (
    Published("Conv DRAW", 4.10, 4.04),
    Published("PixelRNN", 3.63, 3.57),
    Published(PAPERS_MODEL, 3.57, 3.48),
)
_RESIZED = (
    "imagenet_resized was made smaller in another way than the paper's images, which "
    "are tfds's downsampled_imagenet: likelihoods of the two differ for that reason, "
    "too."
)
_BY_DATASET = {
    "cifar10": (32, PublishedTable("CIFAR-10", "section 3.1, table 1", _CIFAR_10)),
}
for _size, _rows in ((32, _IMAGENET_32), (64, _IMAGENET_64)):
    for _name, _remark in (
        ("downsampled_imagenet", None),
        ("imagenet_resized", _RESIZED),
    ):
        _table = PublishedTable(
            f"ImageNet {_size}x{_size}", "section 3.1, table 2", _rows, _remark
        )
        _BY_DATASET[f"{_name}/{_size}x{_size}"] = (_size, _table)


def find_published(
    config: Mapping[str, Any], metrics: Mapping[str, Any]
) -> PublishedTable | str:
    """The paper's table for a run's dataset; else a sentence why there is none.

    Args:
        config: the run's, which may lack any field.
        metrics: the run's results, which may be empty.
    """
    dataset = config.get("dataset", metrics.get("dataset"))
    if not isinstance(dataset, str):
        return "The dataset is not known, so nothing is compared with the paper."
    name = dataset.split(":")[0]  # without tfds's version
    if name not in _BY_DATASET:
        return f"The paper ({PAPER}) reports no likelihoods for {dataset}."
    side, table = _BY_DATASET[name]
    if not _as_the_papers(side, config, metrics):
        return (
            f"The paper's likelihoods of {table.dataset} are for {side}x{side} pixels, "
            "3 colours and 256 levels. This run's images are others, so they are not "
            "compared."
        )
    return table


def _as_the_papers(
    side: int, config: Mapping[str, Any], metrics: Mapping[str, Any]
) -> bool:
    shape = [side, side, 3]
    return (
        config.get("image_size") in (None, shape[:2])
        and config.get("color_mode") in (None, "rgb")
        and config.get("num_levels") in (None, 256)
        and metrics.get("image_shape", shape) == shape
        and metrics.get("num_levels", 256) == 256
    )
