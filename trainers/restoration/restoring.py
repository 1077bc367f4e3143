"""Restores degraded images, and compares with a method that learns nothing."""

import os
import pathlib
from typing import Any, NamedTuple

import numpy as np

import keras_pixelcnn as kp
from keras_pixelcnn.datasets import degradation
from trainers.runs.data import in_batches
from trainers.runs.run_folder import write_json
from trainers.sampling.pictures import save_rows

PICTURE_FILE = "restored.png"
FIGURES_FILE = "restored.json"
_MOST_ROWS = 16


class Restored(NamedTuple):
    """Degraded images and what was made of them, all (batch, height, width, channels).

    Attributes:
        images: the originals.
        degraded: what the model was given, as a picture; levels, not rounded.
        baseline: what a method restores that learns nothing; levels, not rounded.
        samples: the first sample of each.
        means: of all samples of each; levels, not rounded.
        nats: log probability of what was degraded of each original, given its map,
            (batch,).
        num_values: how many values of each original were degraded, (batch,): those of
            its hole, or all.
        baseline_name: what that method is called.
        num_samples: samples of each image.
        num_levels: of the images.
    """

    images: np.ndarray
    degraded: np.ndarray
    baseline: np.ndarray
    samples: np.ndarray
    means: np.ndarray
    nats: np.ndarray
    num_values: np.ndarray
    baseline_name: str
    num_samples: int
    num_levels: int

    def figures(self) -> dict[str, float]:
        """Returns mean PSNR in decibels, over equal images at most 100, and bits.

        Bits are for each value that was degraded: of an image with a hole those that
        the hole hides, each given the known pixels and what is before it in the hole.
        """
        ways = {
            self.baseline_name: self.baseline,
            "a sample": self.samples,
            f"the mean of {self.num_samples} samples": self.means,
        }
        figures = {
            f"PSNR of {name}": float(
                degradation.psnr(self.images, each, self.num_levels)
                .clip(max=100)
                .mean()
            )
            for name, each in ways.items()
        }
        bits = kp.bits_per_dim(self.nats.sum(), self.num_values.sum())
        figures["bits per dimension given the degraded"] = float(bits)
        return figures


def restore(
    model: kp.AutoregressiveImageModel,
    task: str,
    images: np.ndarray,
    num_samples: int = 8,
    batch_size: int = 64,
    seed: int = 0,
    **options: Any,
) -> Restored:
    """Degrades images, and restores them.

    In inpainting the known pixels are kept.

    Args:
        model: trained with `config.task`, or in any other way on such maps.
        task: a name of `degradation.DEGRADATIONS`.
        images: integers in [0, num_levels), (batch, height, width, channels).
        num_samples: samples of each image. Default 8.
        batch_size: images sampled at once. Default 64.
        seed: of the degradation and the samples. Default 0.
        **options: as for the model's `sample`: temperature, top_p, guidance_scale.

    Raises:
        ValueError: when the model does not take such maps, or an argument is wrong.
    """
    way, shape = degradation.get(task), model.image_shape
    wanted = {"spatial": way.spatial_shape(shape)}
    if model.conditions.shapes != wanted:
        raise ValueError(
            f"The model must take the maps of {task} and nothing else: be made with "
            f"spatial_shape={wanted['spatial']}. Received: a model that takes "
            f"{model.conditions.shapes or 'no conditions'}"
        )
    maps = way.maps(images, model.num_levels, seed)

    def draw(images: np.ndarray, maps: np.ndarray, seeds: np.ndarray) -> np.ndarray:
        """Samples several restored images of each."""
        given, own = maps.repeat(num_samples, axis=0), seeds.reshape(-1)
        if task == "inpainting":
            known = np.broadcast_to(given[..., -1:] == 1, (len(given), *shape))
            whole = images.repeat(num_samples, axis=0)
            drawn = model.complete(whole, known, own, spatial=given, **options)
        else:
            drawn = model.sample(len(given), own, spatial=given, **options)
        return drawn.numpy().reshape(-1, num_samples, *shape)

    seeds = kp.example_seeds(seed, len(images) * num_samples).numpy()
    seeds = seeds.reshape(-1, num_samples)
    drawn = in_batches(draw, max(batch_size // num_samples, 1), images, maps, seeds)
    unknown = np.ones((len(images), *shape), bool)
    if task == "inpainting":
        unknown = np.broadcast_to(maps[..., -1:] == 0, unknown.shape)
    nats = model.log_prob(images, batch_size=batch_size, reduce=False, spatial=maps)
    return Restored(
        images,
        degradation.as_pictures(maps, shape, model.num_levels),
        way.restore(maps, shape, model.num_levels),
        drawn[:, 0],
        drawn.mean(axis=1, dtype=np.float64),
        nats.numpy().sum(axis=(1, 2, 3), where=unknown, dtype=np.float64),
        unknown.sum(axis=(1, 2, 3)),
        way.baseline_name,
        num_samples,
        model.num_levels,
    )


def write(folder: str | os.PathLike[str], restored: Restored) -> pathlib.Path:
    """Writes a picture and the figures as JSON.

    A row shows the degraded image, what the baseline makes of it, a sample, the mean
    of the samples, and the original.

    Args:
        folder: where to; made if missing.
        restored: what `restore` returns.

    Returns:
        The picture's file.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    columns = [
        restored.degraded,
        restored.baseline,
        restored.samples,
        restored.means,
        restored.images,
    ]
    tiles = np.stack([np.rint(each[:_MOST_ROWS]) for each in columns], axis=1)
    tiles = tiles.astype(np.int64)
    save_rows(folder / PICTURE_FILE, tiles, restored.num_levels, min_side=64)
    write_json(folder / FIGURES_FILE, restored.figures())
    return folder / PICTURE_FILE
