"""A model conditioned on embeddings of images, and interpolations between them."""

from collections.abc import Callable

import keras
import numpy as np

import keras_pixelcnn as kp
from keras_pixelcnn import datasets
from trainers.runs.data import LabelledImages, as_arrays

Embed = Callable[[np.ndarray], np.ndarray]
"""Maps images (n, height, width, channels) to embeddings (n, d)."""


def load_splits(dataset: str) -> list[LabelledImages]:
    """Loads the training and test splits of a dataset into memory.

    Raises:
        ValueError: when its images have no labels.
    """
    splits = [
        as_arrays(datasets.load(dataset, split, shuffle=False))
        for split in ("train", "test")
    ]
    for _, labels in splits:
        if len(np.unique(labels)) < 2:
            raise ValueError(
                "Each split must have at least two classes, which an embedding can "
                f"tell apart. Received: labels {np.unique(labels)} of {dataset}"
            )
    return splits


def train_on_embeddings(
    train: LabelledImages, num_levels: int, epochs: int, seed: int
) -> tuple[kp.GatedPixelCNN, Embed]:
    """Fits the embedding, then the model of images given their embeddings.

    Args:
        train: images to learn from, and their classes.
        num_levels: values that a pixel can take.
        epochs: passes over the training images.
        seed: of the model's weights and the order of the images.

    Returns:
        The model, and the function that embeds images for it.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    keras.utils.set_random_seed(seed)
    pixels = train.image.reshape(len(train.image), -1)
    analysis = LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto")
    analysis.fit(pixels, train.label)
    scale = analysis.transform(pixels).std(axis=0)

    def embed(images: np.ndarray) -> np.ndarray:
        return analysis.transform(images.reshape(len(images), -1)) / scale

    model = kp.GatedPixelCNN(
        train.image.shape[1:],
        num_levels,
        filters=48,
        num_blocks=6,
        first_kernel_size=5,
        dropout_rate=0.2,
        embedding_dim=len(scale),
    )
    steps = epochs * -(-len(pixels) // 64)
    schedule = keras.optimizers.schedules.CosineDecay(2e-3, steps)
    model.compile(keras.optimizers.AdamW(schedule))
    features = {"image": train.image, "embedding": embed(train.image)}
    model.fit(features, batch_size=64, epochs=epochs, verbose=2)
    return model, embed


def sample_rows(
    model: kp.GatedPixelCNN,
    embed: Embed,
    test: LabelledImages,
    rows: int,
    steps: int,
    seed: int,
    method: str = "linear",
    **options: float,
) -> np.ndarray:
    """Samples interpolations between pairs of images of different classes.

    Args:
        model: given embeddings.
        embed: maps images to them.
        test: images that are the ends, and their classes.
        rows: number of pairs.
        steps: samples of a row.
        seed: of the pairs and of the noise.
        method: "linear" or "spherical".
        **options: guidance_scale, top_p, as of `sample`.

    Returns:
        Integers (rows, steps + 2, height, width, channels); the first and the last
        image of each row are the pair.
    """
    generator, pairs = np.random.default_rng(seed), []
    while len(pairs) < rows:
        pair = generator.integers(0, len(test.label), 2)
        if test.label[pair[0]] != test.label[pair[1]]:
            pairs.append(pair)
    ends = test.image[np.array(pairs)]
    drawn = model.interpolate(
        embed(ends[:, 0]), embed(ends[:, 1]), steps, seed, method, **options
    )
    return np.concatenate([ends[:, :1], drawn.numpy(), ends[:, 1:]], axis=1)
