"""AUROC of each anomaly score between strange images and usual ones."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from keras_pixelcnn import AutoregressiveImageModel, anomaly
from keras_pixelcnn.evaluation import Estimate


class Detection(NamedTuple):
    """The AUROC of each score on each set of strange images.

    Attributes:
        aurocs: by the name of a set, by the name of a score.
        num_usual: number of usual images.
        num_strange: number of images of each set.
        mean_nats: the mean log probability of each set; of the usual images as "usual".
    """

    aurocs: dict[str, dict[str, Estimate]]
    num_usual: int
    num_strange: dict[str, int]
    mean_nats: dict[str, float]


def compare(
    model: AutoregressiveImageModel,
    usual: np.ndarray,
    reference: np.ndarray,
    strange: Mapping[str, np.ndarray],
    background: AutoregressiveImageModel | None = None,
    batch_size: int = 64,
) -> Detection:
    """Scores usual and strange images in every way.

    Args:
        model: one that takes no conditions, or can do without.
        usual: images of the kind that the model was trained on, but not those.
        reference: more of them: what surprise is usual is measured on these.
        strange: other images, by the name of their kind.
        background: a model trained with `mutation_rate`. Default: no likelihood ratio.
        batch_size: images scored at once. Default 64.

    Raises:
        ValueError: when the images do not fit a model, or the models each other.
    """
    _check_alike(model, background)
    reference_nats = model.log_prob(reference, batch_size=batch_size).numpy()
    scores, mean_nats = {}, {}
    for name, images in {"usual": usual, **strange}.items():
        nats = model.log_prob(images, batch_size=batch_size).numpy()
        mean_nats[name] = float(nats.mean())
        others = None
        if background is not None:
            others = background.log_prob(images, batch_size=batch_size).numpy()
        scores[name] = scores_of(model, images, nats, reference_nats, others)
    usual_scores = scores.pop("usual")
    aurocs = {
        name: {
            score: anomaly.auroc(usual_scores[score], values)
            for score, values in own.items()
        }
        for name, own in scores.items()
    }
    counts = {name: len(images) for name, images in strange.items()}
    return Detection(aurocs, len(usual), counts, mean_nats)


def scores_of(
    model: AutoregressiveImageModel,
    images: np.ndarray,
    nats: np.ndarray,
    reference_nats: np.ndarray,
    background_nats: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Computes all anomaly scores that there can be of a model's images.

    Args:
        model: any.
        images: (n, height, width, channels).
        nats: their log probabilities (n,).
        reference_nats: those of usual images.
        background_nats: the images' by a background model. Default: no ratio.

    Returns:
        Floats (n,) by the names of the scores.
    """
    scores = {"likelihood": anomaly.likelihood(nats)}
    if background_nats is not None:
        scores["likelihood ratio"] = anomaly.likelihood_ratio(nats, background_nats)
    if model.image_shape[-1] in (1, 3) and model.num_levels <= 256:
        scores["input complexity"] = anomaly.input_complexity(
            nats, images, model.num_levels
        )
    scores["typicality"] = anomaly.typicality(nats, reference_nats)
    return scores


class DefectDetection(NamedTuple):
    """The accuracy with which painted faults are found in the map of the surprise.

    Attributes:
        pixels: AUROC of the map, pixels of faults against all others of these images.
        images: AUROC of a map's highest value, images with faults against the same ones
            without.
        located: share of the faults in which the map is highest.
        num_images: number of images.
    """

    pixels: float
    images: Estimate
    located: float
    num_images: int


def find_defects(
    model: AutoregressiveImageModel,
    images: np.ndarray,
    size: int = 3,
    batch_size: int = 64,
) -> DefectDetection:
    """Paints a fault into each image and looks for it.

    Args:
        model: as for `compare`.
        images: usual ones, which show something on a background of 0.
        size: height and width of a fault, and of the square that surprise is averaged
            over; odd. Default 3.
        batch_size: images scored at once. Default 64.

    Raises:
        ValueError: when an argument is not as said.
    """
    _check_alike(model, None)
    faulty, mask = anomaly.paint_defects(images, model.num_levels, size)
    whole, broken = (
        anomaly.surprise_map(
            model.log_prob(each, batch_size=batch_size, reduce=False), size
        )
        for each in (images, faulty)
    )
    places = broken.reshape(len(broken), -1).argmax(axis=1)
    located = np.take_along_axis(mask.reshape(len(mask), -1), places[:, None], axis=1)
    return DefectDetection(
        anomaly.auroc(broken[~mask], broken[mask]).value,
        anomaly.auroc(whole.max(axis=(1, 2)), broken.max(axis=(1, 2))),
        float(located.mean()),
        len(images),
    )


def format_defects(found: DefectDetection) -> str:
    """Returns the numbers as text.

    Args:
        found: what `find_defects` returns.
    """
    return "\n".join(
        [
            f"faults            {found.num_images} images with one each",
            f"  AUROC, pixels   {found.pixels:.4f}",
            f"  AUROC, images   {found.images.value:.4f} +- "
            f"{found.images.standard_error:.4f}",
            f"  located         {found.located:.4f}",
        ]
    )


def _check_alike(
    model: AutoregressiveImageModel, background: AutoregressiveImageModel | None
) -> None:
    for each in (model, background):
        if each is not None and each.conditions.names and not each.conditions.optional:
            raise ValueError(
                "Models must take no conditions, or be trained with condition_dropout. "
                f"Received: a model that takes {each.conditions.names}"
            )
    if background is None:
        return
    forms = [(each.image_shape, each.num_levels) for each in (model, background)]
    if forms[0] != forms[1]:
        raise ValueError(
            "The background model must be for images of the same shape and levels. "
            f"Received: {forms[1]} for a model of {forms[0]}"
        )


def format_detection(detection: Detection) -> str:
    """Returns the table as text.

    Args:
        detection: what `compare` returns.
    """
    names = list(detection.aurocs)
    widths = [max(len(name), 15) for name in names]

    def row(head: str, *cells: str) -> str:
        filled = (
            f"{cell:>{width + 2}}" for cell, width in zip(cells, widths, strict=True)
        )
        return f"{head:<18}{''.join(filled)}"

    lines = [row("AUROC", *names)]
    for score in detection.aurocs[names[0]]:
        found = (detection.aurocs[name][score] for name in names)
        cells = (f"{each.value:.4f} +- {each.standard_error:.4f}" for each in found)
        lines.append(row(score, *cells))
    nats = (f"{detection.mean_nats[name]:.1f}" for name in names)
    counts = (str(detection.num_strange[name]) for name in names)
    usual = f"{detection.mean_nats['usual']:.1f}"
    lines += [
        row("nats an image", *nats) + f"   usual images: {usual}",
        row("images", *counts) + f"   usual images: {detection.num_usual}",
    ]
    return "\n".join(lines)
