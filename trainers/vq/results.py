"""The results of a VQ-VAE's and its prior's run: measures, samples, metrics.json."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

import keras_pixelcnn as kp
from keras_pixelcnn.callbacks import plan_samples
from keras_pixelcnn.image_grid import save_image_grid
from keras_pixelcnn.models import load_model
from keras_pixelcnn.training import RunState
from trainers.runs import environment
from trainers.runs.data import LabelledImages, as_arrays, load_split
from trainers.runs.run import Run
from trainers.runs.run_folder import RunFolder, write_json
from trainers.scoring.classifier_accuracy import make_classifier, sample_by_class
from trainers.vq.vq_vae import VQVAE, code_features

VQ_VAE = "vq_vae.keras"
PRIOR = "prior"
"""The VQ-VAE's file and the prior's folder, in the folder of the run."""

GUIDANCE_SCALE = 1.5
_MOST_TRAIN, _MOST_TEST = 10_000, 2_000
_NUM_SAMPLES, _BATCH_SIZE = 500, 100


def load_vq_vae(folder: RunFolder) -> VQVAE:
    """Loads the VQ-VAE of a run.

    Raises:
        ValueError: when its file is damaged.
    """
    path = folder.path / VQ_VAE
    try:
        return load_model(path, VQVAE)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{path} must hold the auto-encoder of this run, and is damaged: {error}. "
            "Remove it: the same command goes on from its checkpoints."
        ) from error


def write_results(run: Run, state: RunState) -> dict[str, Any]:
    """Measures both on the test split, and the classifier's accuracy on their images.

    Returns:
        What was written to `metrics.json`, which is written last.

    Raises:
        ValueError: when the decoder's pixels are not finite.
    """
    config, folder, train = run.config, run.folder, run.data.train
    vq_vae = load_vq_vae(folder)
    prior = load_model(folder.path / PRIOR / "model.keras")
    test = as_arrays(load_split(config, config["test_split"]))
    _save_picture(config, vq_vae, prior, test, folder)
    metrics = {
        "dataset": config["dataset"],
        "test_split": config["test_split"],
        "test_images": len(test.image),
        "image_shape": list(vq_vae.image_shape),
        "code_shape": list(vq_vae.code_shape),
        "num_codes": prior.num_levels,
        "vq_vae": {
            **{f"test_{k}": v for k, v in measure_codes(vq_vae, test.image).items()},
            "parameters": vq_vae.count_params(),
        },
        "prior": {
            **_scores(prior, code_features(vq_vae, test, prior)),
            "uniform_bits_per_dim": math.log2(prior.num_levels),
            "parameters": prior.count_params(),
            "best_epoch": state.best_epoch,
            "steps": state.step,
            "training_seconds": state.seconds,
        },
        "classifier": code_accuracies(
            vq_vae, prior, train, test, config["sample_seed"]
        ),
        "seed": config["seed"],
        **environment.describe(),
    }
    write_json(folder.metrics, metrics)
    return metrics


def measure_codes(model: VQVAE, images: np.ndarray) -> dict[str, Any]:
    """Returns how well images are reconstructed, and how much of the codebook they use.

    Returns:
        "squared_error", the mean over all values, from 0 to 1; "perplexity" of the
        codes, 2 to the entropy in bits; "codes_used".
    """
    codes = model.encode(images)
    shares = np.bincount(codes.ravel(), minlength=1) / codes.size
    shares = shares[shares > 0]
    error = (model.decode(codes) - images.astype("float64")) / (model.num_levels - 1)
    return {
        "squared_error": float(np.mean(error**2)),
        "perplexity": float(2 ** -np.sum(shares * np.log2(shares))),
        "codes_used": len(shares),
    }


def code_accuracies(
    vq_vae: VQVAE,
    prior: kp.AutoregressiveImageModel,
    train: LabelledImages,
    test: LabelledImages,
    seed: int,
    num_samples: int = _NUM_SAMPLES,
) -> dict[str, Any] | None:
    """Returns the accuracy of a classifier of real images on decoded codes.

    It is that of `trainers.sample_accuracy`, and learns from at most 10,000 images.

    Args:
        vq_vae: the auto-encoder.
        prior: over its codes.
        train: real images to learn from.
        test: others, of which at most 2,000 are taken.
        seed: of the samples.
        num_samples: number of samples, labels in turn. Default 500.

    Returns:
        The numbers of images, and the shares from 0 to 1: "test_accuracy" of real
        images, "reconstruction_accuracy" of the same by way of their codes,
        "sample_accuracy", and with a prior that was trained with condition_dropout
        "guided_sample_accuracy", of samples with the "guidance_scale" named. None for a
        prior without labels, or where the training images have one label only.
    """
    if not prior.conditions.names or len(np.unique(train.label)) < 2:
        return None
    train, test = train.choose(_MOST_TRAIN), test.choose(_MOST_TEST)
    classifier = make_classifier(vq_vae.num_levels).fit(*train)

    def accuracy(images: np.ndarray, labels: np.ndarray) -> float:
        return float(classifier.score(images, labels))

    def sample_accuracy(**options: Any) -> float:
        labels, codes = sample_by_class(
            prior, num_samples, _BATCH_SIZE, seed, **options
        )
        return accuracy(vq_vae.decode(codes), labels)

    reconstructions = vq_vae.decode(vq_vae.encode(test.image))
    found = {
        "train_images": len(train.image),
        "test_images": len(test.image),
        "samples": num_samples,
        "test_accuracy": accuracy(*test),
        "reconstruction_accuracy": accuracy(reconstructions, test.label),
        "sample_accuracy": sample_accuracy(),
    }
    if prior.conditions.optional:
        found["guidance_scale"] = GUIDANCE_SCALE
        found["guided_sample_accuracy"] = sample_accuracy(guidance_scale=GUIDANCE_SCALE)
    return found


def _scores(
    prior: kp.AutoregressiveImageModel, features: Mapping[str, np.ndarray]
) -> dict[str, float]:
    """Returns bits per code and per image, given the label if there is one."""
    codes = features["image"]
    given = {name: value for name, value in features.items() if name != "image"}
    scores = {"": prior.log_prob(codes, **given)}
    if prior.conditions.optional:
        scores["_unconditional"] = prior.log_prob(codes)
    found = {}
    for name, nats in scores.items():
        bits = -float(np.mean(nats.numpy(), dtype="float64")) / math.log(2)
        found[f"test_bits_per_dim{name}"] = bits / prior.num_dims
        found[f"test_bits_per_image{name}"] = bits
    return found


def _save_picture(
    config: Mapping[str, Any],
    vq_vae: VQVAE,
    prior: kp.AutoregressiveImageModel,
    test: LabelledImages,
    folder: RunFolder,
) -> None:
    """Writes a row of originals, one of their reconstructions, and rows of samples.

    With labels there is a column for each class.
    """
    classes = prior.conditions.num_classes or 10
    plan = plan_samples(prior, config["num_samples"])
    conditions, rows = dict(plan.conditions), max(plan.num_samples // classes, 1)
    if "label" in conditions:
        conditions["label"] = np.tile(np.arange(classes), rows)
    samples = prior.sample(rows * classes, config["sample_seed"], **conditions)
    originals, anew = _examples(vq_vae, test, classes)
    images = np.concatenate([originals, anew, vq_vae.decode(samples.numpy())])
    save_image_grid(folder.samples, images, vq_vae.num_levels, columns=classes)


def _examples(
    vq_vae: VQVAE, test: LabelledImages, number: int
) -> tuple[np.ndarray, np.ndarray]:
    """Returns an image of each class, or the first ones, and their reconstructions.

    Zeros stand for images that the split does not have.
    """
    chosen = np.arange(min(number, len(test.image)))
    places = chosen
    if (test.label >= 0).all():
        places, chosen = np.unique(test.label, return_index=True)
        places, chosen = places[places < number], chosen[places < number]
    found = test.image[chosen].astype("int32")
    originals = np.zeros((number, *vq_vae.image_shape), "int32")
    anew = np.zeros_like(originals)
    originals[places] = found
    anew[places] = vq_vae.decode(vq_vae.encode(found))
    return originals, anew


def format_table(metrics: Mapping[str, Any]) -> str:
    """Returns the metrics of a finished run as a table."""
    vq_vae, prior = metrics["vq_vae"], metrics["prior"]
    codes = "x".join(map(str, metrics["code_shape"][:2]))
    lines = [
        f"{metrics['test_images']} images of {metrics['dataset']}, split "
        f"{metrics['test_split']}; {codes} codes of {metrics['num_codes']}",
        f"  {'squared error':24}{vq_vae['test_squared_error']:.5f}",
        f"  {'perplexity':24}{vq_vae['test_perplexity']:.1f}, "
        f"{vq_vae['test_codes_used']} codes used",
        f"  {'prior, bits/dim':24}{prior['test_bits_per_dim']:.4f} "
        f"(uniform {prior['uniform_bits_per_dim']:.4f})",
        f"  {'prior, bits/image':24}{prior['test_bits_per_image']:.2f}",
        f"  {'training time of prior':24}{prior['training_seconds']:.0f} s",
    ]
    accuracies = metrics.get("classifier")
    if accuracies is not None:
        rows = {
            "real images": "test_accuracy",
            "reconstructions": "reconstruction_accuracy",
            "samples": "sample_accuracy",
            "guided samples": "guided_sample_accuracy",
        }
        lines.append("  taken for their class by a classifier")
        for said, name in rows.items():
            if name in accuracies:
                lines.append(f"    {said:22}{accuracies[name]:.4f}")
    return "\n".join(lines)
