"""Computes all measures of sample quality at once."""

from typing import Any, NamedTuple

from keras_pixelcnn.checks import check_images
from keras_pixelcnn.evaluation.distances import frechet_distance, kernel_distance
from keras_pixelcnn.evaluation.features import Estimate, Features, extract
from keras_pixelcnn.evaluation.neighbours import (
    Memorisation,
    memorisation,
    precision_recall,
)


class SampleQuality(NamedTuple):
    """The quality of samples, measured beside real images.

    Attributes:
        frechet: see `frechet_distance`.
        kernel: see `kernel_distance`.
        precision: see `precision_recall`.
        recall: the same.
        memorisation: see `memorisation`; None where no training images were given.
        num_generated: number of samples.
        num_real: number of real images.
    """

    frechet: Estimate
    kernel: Estimate
    precision: Estimate
    recall: Estimate
    memorisation: Memorisation | None
    num_generated: int
    num_real: int

    def __str__(self) -> str:
        lines = [
            f"Frechet distance    {self.frechet}",
            f"kernel distance     {self.kernel}",
            f"precision           {self.precision}",
            f"recall              {self.recall}",
        ]
        if self.memorisation is not None:
            lines.append(
                f"nearer than unseen  {self.memorisation.share:.4f} "
                f"(z = {self.memorisation.z_score:.1f})"
            )
        lines.append(f"samples, images     {self.num_generated}, {self.num_real}")
        return "\n".join(lines)


def sample_quality(
    generated: Any,
    real: Any,
    num_levels: int,
    features: Features | None = None,
    *,
    train: Any = None,
    batch_size: int = 256,
    num_neighbours: int = 3,
    num_resamples: int = 100,
    seed: int = 0,
) -> SampleQuality:
    """Compares samples with real images that were not trained on.

    The features decide what counts. The pixels themselves, the default, know
    brightness and place and nothing of what is shown; a network that was trained to
    tell such images apart knows that. Numbers compare only over the same features, the
    same real images and as many samples.

    Args:
        generated: samples, integers in [0, num_levels), (batch, height, width,
            channels).
        real: images to compare them with, of the same shape.
        num_levels: how many values a pixel can take.
        features: see `extract`. Default: the pixels.
        train: the images that the model was trained on; then `real` must not be among
            them. Default: none, and nothing is told of memorisation.
        batch_size: as for `extract`.
        num_neighbours: as for `precision_recall`.
        num_resamples: as for the measures.
        seed: of the resamples. Default 0.

    Returns:
        All measures.

    Raises:
        ValueError: when an argument is not as said.

    Example:
        >>> cut = keras.Model(classifier.inputs, classifier.layers[-2].output)
        >>> quality = sample_quality(samples, test, 256, cut.predict_on_batch)
        >>> print(quality)
    """
    real = check_images(real, num_levels, "real")
    shape = real.shape[1:]
    generated = check_images(generated, num_levels, "generated", shape)
    sets = {"real": real, "generated": generated}
    if train is not None:
        sets["train"] = check_images(train, num_levels, "train", shape)
    rows = {name: extract(x, features, batch_size) for name, x in sets.items()}
    pair = rows["real"], rows["generated"]
    options = {"num_resamples": num_resamples, "seed": seed}
    return SampleQuality(
        frechet_distance(*pair, **options),
        kernel_distance(*pair, **options),
        *precision_recall(*pair, num_neighbours, **options),
        None
        if train is None
        else memorisation(rows["generated"], rows["train"], rows["real"]),
        len(generated),
        len(real),
    )
