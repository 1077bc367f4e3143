"""Scores of how strange images are, made of their log probabilities.

All are higher for stranger images, and in nats.
"""

from typing import Any

import numpy as np

from keras_pixelcnn import lossless_files
from keras_pixelcnn.checks import check_images, check_integer, check_share, is_integer
from keras_pixelcnn.evaluation import Estimate

_CODECS = (lossless_files.PNG, lossless_files.WEBP)


def likelihood(log_prob: Any) -> np.ndarray:
    """Computes -log p(x): unsound as a score, and here to be compared with.

    Simpler images are likelier, whatever they show: models of clothes find digits,
    which are mostly black, likelier than clothes. The other scores mend that.

    Args:
        log_prob: of the images, in nats, (batch,).

    Returns:
        float64 (batch,).

    Raises:
        ValueError: when the log probabilities are not as said.

    References:
        Nalisnick et al. 2019, arXiv 1810.09136.
    """
    return -_check_log_prob(log_prob, "log_prob")


def likelihood_ratio(log_prob: Any, background_log_prob: Any) -> np.ndarray:
    """Computes the score by a second model, log p0(x) - log p(x).

    The second model knows the background: it was trained on images that `mutate`
    changed, and is best a small one. What both find likely, as a black border, cancels;
    what the first alone knows is what images are about.

    Args:
        log_prob: of the images under the model, in nats, (batch,).
        background_log_prob: the same under the background model.

    Returns:
        float64 (batch,).

    Raises:
        ValueError: when the log probabilities are not as said.

    References:
        Ren et al. 2019, Likelihood Ratios for Out-of-Distribution Detection, arXiv
        1906.02845, equation 4.
    """
    log_prob = _check_log_prob(log_prob, "log_prob")
    background = _check_log_prob(background_log_prob, "background_log_prob")
    _check_same_number(log_prob, background, "background_log_prob")
    return background - log_prob


def input_complexity(log_prob: Any, images: Any, num_levels: int) -> np.ndarray:
    """Computes the score by a general-purpose codec, -log p(x) - L(x).

    L(x) is the length of the image's smallest lossless file, PNG or WebP: what a model
    that knows nothing of these images needs. It is a likelihood ratio with the codec in
    place of the background model, and nothing needs to be trained. A few milliseconds
    an image.

    Args:
        log_prob: of the images, in nats, (batch,).
        images: integers in [0, num_levels), (batch, height, width, channels), with 1 or
            3 channels.
        num_levels: how many values a pixel can take, at most 256.

    Returns:
        float64 (batch,).

    Raises:
        ValueError: when an argument is not as said.

    References:
        Serra et al. 2020, Input Complexity and Out-of-distribution Detection with
        Likelihood-based Generative Models, arXiv 1909.11480, equation 1.
    """
    log_prob = _check_log_prob(log_prob, "log_prob")
    images = check_images(images, num_levels, "images")
    _check_same_number(log_prob, images, "images")
    return -log_prob - file_nats(images, num_levels)


def file_nats(images: np.ndarray, num_levels: int) -> np.ndarray:
    """Computes the lengths of the images' smallest lossless files, in nats.

    Args:
        images: as for `input_complexity`.
        num_levels: the same.

    Returns:
        float64 (batch,).

    Raises:
        ValueError: when no codec can write such images.
    """
    reasons = {
        codec: codec.reason_against(images.shape[-1], num_levels) for codec in _CODECS
    }
    codecs = [codec for codec, reason in reasons.items() if reason is None]
    if not codecs:
        raise ValueError(
            "The images must be of 1 or 3 channels and at most 256 levels, which PNG "
            f"takes. Received: {images.shape[-1]} channels and {num_levels} levels."
        )
    sizes = [
        min(
            len(file)
            for codec in codecs
            for file in codec.files(image.astype(np.uint8), num_levels)
        )
        for image in images
    ]
    return np.array(sizes, np.float64) * 8 * np.log(2)


def typicality(
    log_prob: Any, reference_log_prob: Any, group_size: int = 1
) -> np.ndarray:
    """Computes the distance from the usual surprise, |mean of -log p(x) - H|.

    H is the mean of -log p over images that are known to be usual. An image that is
    too likely is as strange as one that is too unlikely; but of single images only
    those are found whose likelihood is out of the range. Groups of images of one
    source are told apart much better.

    Args:
        log_prob: of the images, in nats, (batch,). Each `group_size` in turn are a
            group.
        reference_log_prob: of usual images that the model was not trained on, (n,).
        group_size: images that are judged together. Default 1.

    Returns:
        float64 (batch / group_size,), in nats an image.

    Raises:
        ValueError: when an argument is not as said.

    References:
        Nalisnick et al. 2019, Detecting Out-of-Distribution Inputs to Deep Generative
        Models Using Typicality, arXiv 1906.02994, equation 5.
    """
    log_prob = _check_log_prob(log_prob, "log_prob")
    reference = _check_log_prob(reference_log_prob, "reference_log_prob")
    if not is_integer(group_size, 1) or len(log_prob) % group_size:
        raise ValueError(
            "group_size must be an integer of at least 1 that divides the number of "
            f"images, {len(log_prob)}. Received: {group_size!r}"
        )
    means = log_prob.reshape(-1, group_size).mean(axis=1)
    return np.abs(means - reference.mean())


def typicality_threshold(
    reference_log_prob: Any,
    group_size: int = 1,
    false_alarms: float = 0.01,
    num_resamples: int = 10_000,
    seed: int = 0,
) -> float:
    """Computes the `typicality` above which a group counts as strange.

    Args:
        reference_log_prob: as for `typicality`, best not the same images.
        group_size: the same.
        false_alarms: share of the usual groups above the threshold. Default 0.01.
        num_resamples: number of groups that are drawn from the reference. Default
            10,000.
        seed: of the groups. Default 0.

    Returns:
        The threshold, in nats an image.

    Raises:
        ValueError: when an argument is not as said.
    """
    reference = _check_log_prob(reference_log_prob, "reference_log_prob")
    for name, value in (("group_size", group_size), ("num_resamples", num_resamples)):
        check_integer(name, value)
    check_share("false_alarms", false_alarms, "usual groups above the threshold")
    generator = np.random.Generator(np.random.Philox(seed))
    groups = generator.choice(reference, num_resamples * group_size)
    scores = typicality(groups, reference, group_size)
    return float(np.quantile(scores, 1 - false_alarms))


def p_values(scores: Any, usual: Any) -> np.ndarray:
    """Computes the shares of usual images that are at least as strange.

    An image with a p-value of at most 0.01 is strange, where one usual image of 100 may
    be called so, too; 99 usual images are needed for that.

    Args:
        scores: any anomaly scores, (n,), higher for stranger images.
        usual: the same scores of usual images, (m,), that the model was not trained on.

    Returns:
        float64 (n,), in (0, 1]: the image itself counts as one of m + 1.

    Raises:
        ValueError: when the scores are not as said.

    References:
        Bates et al. 2023, Testing for Outliers with Conformal p-values, arXiv
        2104.08279: the marginal ones.
    """
    scores, usual = np.asarray(scores), np.asarray(usual)
    for name, values in (("scores", scores), ("usual", usual)):
        if not _are_scores(values):
            raise ValueError(
                f"{name} must be numbers of shape (images,), of at least one image and "
                f"without NaN. Received: {_tell(values)}"
            )
    below = np.searchsorted(np.sort(usual), scores, "left")
    return (1 + len(usual) - below) / (1 + len(usual))


def auroc(usual: Any, strange: Any) -> Estimate:
    """Computes the AUROC of a score that tells strange images from usual ones.

    Args:
        usual: scores of usual images, (n,), of at least 2.
        strange: scores of strange images, (m,), of at least 2.

    Returns:
        The area under the receiver operating characteristic, which is the probability
        that a strange image scores higher than a usual one, equal scores counting half:
        0.5 for a score that knows nothing. With its standard error.

    Raises:
        ValueError: when the scores are not as said.

    References:
        DeLong, DeLong and Clarke-Pearson 1988, Comparing the areas under two or more
        correlated receiver operating characteristic curves, for the error.
    """
    usual, strange = np.asarray(usual), np.asarray(strange)
    for name, scores in (("usual", usual), ("strange", strange)):
        if not _are_scores(scores, least=2):
            raise ValueError(
                f"{name} must be numbers of shape (images,), of at least 2 images. "
                f"Received: {_tell(scores)}"
            )
    below = _shares_below(strange, usual)
    above = 1 - _shares_below(usual, strange)
    variance = below.var(ddof=1) / len(strange) + above.var(ddof=1) / len(usual)
    return Estimate(float(below.mean()), float(np.sqrt(variance)))


def _shares_below(scores: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Computes the share of the others below each score; equal ones count half."""
    ordered = np.sort(others)
    sides = [np.searchsorted(ordered, scores, side) for side in ("left", "right")]
    return np.mean(sides, axis=0) / len(others)


def _check_log_prob(values: Any, name: str) -> np.ndarray:
    values = np.asarray(values)
    if not _are_scores(values):
        raise ValueError(
            f"{name} must be log probabilities in nats of shape (images,), as a "
            f"model's log_prob gives them. Received: {_tell(values)}"
        )
    return values.astype(np.float64)


def _check_same_number(log_prob: np.ndarray, others: np.ndarray, name: str) -> None:
    if len(log_prob) != len(others):
        raise ValueError(
            f"log_prob and {name} must be of as many images. "
            f"Received: {len(log_prob)} and {len(others)}"
        )


def _are_scores(values: np.ndarray, least: int = 1) -> bool:
    """Tells whether values are numbers of so many images."""
    is_right = values.dtype.kind in "iuf" and values.ndim == 1
    return is_right and len(values) >= least and not np.isnan(values).any()


def _tell(values: np.ndarray) -> str:
    has_nan = values.dtype.kind == "f" and np.isnan(values).any()
    return f"{values.dtype} of shape {values.shape}{', with NaN' if has_nan else ''}"
