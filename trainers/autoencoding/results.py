"""Measures a trained auto-encoder and writes everything that a finished run holds."""

from collections.abc import Mapping
from typing import Any

import numpy as np

import keras_pixelcnn as kp
from keras_pixelcnn.models import load_model
from keras_pixelcnn.training import Progress
from trainers.autoencoding import latent_use
from trainers.autoencoding.baseline import mean_squared_error, train_baseline
from trainers.autoencoding.linear_probe import labelled_arrays, probe_accuracy
from trainers.autoencoding.pictures import (
    images_apart,
    save_interpolations,
    save_reconstructions,
)
from trainers.runs.data import TrainingData, load_split
from trainers.runs.results_writing import training_facts
from trainers.runs.run_folder import RunFolder, write_json


def write_results(
    config: Mapping[str, Any],
    data: TrainingData,
    folder: RunFolder,
    progress: Progress,
    on_nonfinite: str = "stop",
) -> dict[str, Any]:
    """Trains the baseline, measures both on the test split; pictures, export, metrics.

    Args:
        config: the run's.
        data: what the model was trained on.
        folder: the run's, which holds the best model.
        progress: of the training, at its end.
        on_nonfinite: of the baseline's training; see `LoopOptions`.

    Returns:
        What was written to `metrics.json`, which is written last.
    """
    model = load_model(folder.model, kp.PixelCNNAutoencoder)
    baseline = train_baseline(config, data, folder.path / "mse", on_nonfinite)
    test = labelled_arrays(load_split(config, config["test_split"]))
    metrics = {
        "model": type(model).__name__,
        "dataset": config["dataset"],
        "test_split": config["test_split"],
        "test_images": len(test[0]),
        "image_shape": list(model.image_shape),
        "num_levels": model.num_levels,
        "latent_dim": model.latent_dim,
        "beta": model.beta,
        "parameters": model.count_params(),
        **measure_likelihood(model, test[0], config),
        **_probes(model, baseline, test, config),
        "mse_mean_squared_error": mean_squared_error(
            baseline, test[0], config["batch_size"]
        ),
    }
    _save_pictures(model, baseline, config, folder)
    # Without its bits/dim: given z, they compare with those of no other model.
    if not folder.export.exists():  # else from this run, killed a little later
        model.export(folder.export, verbose=False)
    metrics |= training_facts(config, data, progress)
    write_json(folder.metrics, metrics)
    return metrics


def measure_likelihood(
    model: kp.PixelCNNAutoencoder, images: np.ndarray, config: Mapping[str, Any]
) -> dict[str, Any]:
    """Likelihoods in bits/dim, and whether the latent is used.

    Args:
        model: what is measured; with beta above 0 by bounds, called so.
        images: integers (images, height, width, channels).
        config: with the fields of `trainers.configs.autoencoder_digits`.
    """
    use = latent_use.measure(model, images, config["batch_size"])
    scores = {
        "given_latent_bits_per_dim": use.bits_per_dim,
        "shuffled_bits_per_dim": use.shuffled_bits_per_dim,
        "bits_saved_per_image": use.bits_saved,
        "is_collapsed": use.is_collapsed,
        "verdict": use.verdict(),
    }
    if not model.is_variational:
        return {"test_bits_per_dim": use.bits_per_dim, **scores}
    samples = config["autoencoder"]["importance_samples"]
    seed, size = config["sample_seed"], config["batch_size"]
    elbo = model.elbo(images, samples, seed, size)
    weighted = model.importance_weighted_log_prob(images, samples, seed, size)
    divergence = latent_use.mean_divergence(model, images, size)
    return {
        "test_elbo_bits_per_dim": _mean_bits(elbo, model),
        "test_importance_weighted_bits_per_dim": _mean_bits(weighted, model),
        "importance_samples": samples,
        "kl_divergence_nats": divergence,
        **scores,
    }


def _mean_bits(nats: Any, model: kp.PixelCNNAutoencoder) -> float:
    mean = float(np.mean(nats.numpy(), dtype="float64"))
    return kp.bits_per_dim(mean, model.num_dims)


def _probes(
    model: kp.PixelCNNAutoencoder,
    baseline: kp.MSEAutoencoder,
    test: tuple[np.ndarray, np.ndarray],
    config: Mapping[str, Any],
) -> dict[str, Any]:
    train = load_split(config, config["train_split"])
    train = labelled_arrays(train, config["autoencoder"]["probe_images"])
    return {
        "probe_images": len(train[0]),
        "probe_accuracy": probe_accuracy(model, train, test),
        "mse_probe_accuracy": probe_accuracy(baseline, train, test),
    }


def _save_pictures(
    model: kp.PixelCNNAutoencoder,
    baseline: kp.MSEAutoencoder,
    config: Mapping[str, Any],
    folder: RunFolder,
) -> None:
    fields, seed = config["autoencoder"], config["sample_seed"]
    test = load_split(config, config["test_split"])
    images = images_apart(test, fields["num_rows"])
    save_reconstructions(
        folder.path / "reconstructions.png",
        model,
        images,
        baseline=baseline,
        num_reconstructions=fields["num_reconstructions"],
        seed=seed,
    )
    path = folder.path / "interpolations.png"
    if len(images) > 1:
        save_interpolations(path, model, images, seed=seed)


def format_table(metrics: Mapping[str, Any]) -> str:
    """The metrics of a finished run, to be read.

    Args:
        metrics: what `write_results` returns.
    """
    shape = "x".join(map(str, metrics["image_shape"]))
    rows = [
        *_bits_rows(metrics),
        ("linear probe on z", _share(metrics["probe_accuracy"])),
        ("  on the MSE model's z", _share(metrics["mse_probe_accuracy"])),
        ("MSE model's squared error", f"{metrics['mse_mean_squared_error']:.5f}"),
        ("best epoch", f"{metrics['best_epoch']} of {metrics['epochs']}"),
        ("parameters", f"{metrics['parameters']:,}"),
        ("training time", f"{metrics['training_seconds']:.0f} s"),
    ]
    return "\n".join(
        [
            "",
            f"{metrics['test_images']} images of {metrics['dataset']}, split "
            f"{metrics['test_split']} ({shape}, {metrics['num_levels']} levels), "
            f"z of {metrics['latent_dim']} numbers",
            *(f"  {name:32}{value}" for name, value in rows),
            "",
            metrics["verdict"],
            "",
        ]
    )


def _bits_rows(metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    names = {
        "test_elbo_bits_per_dim": "bits/dim at most (ELBO)",
        "test_importance_weighted_bits_per_dim": "bits/dim, importance weighted",
        "given_latent_bits_per_dim": "bits/dim given z",
        "shuffled_bits_per_dim": "  given another image's z",
    }
    rows = [
        (said, f"{metrics[name]:.4f}")
        for name, said in names.items()
        if name in metrics
    ]
    if "kl_divergence_nats" in metrics:
        rows.append(
            ("KL of the posteriors", f"{metrics['kl_divergence_nats']:.2f} nats")
        )
    return rows


def _share(accuracy: float | None) -> str:
    return (
        "-       left out: the images have no labels"
        if accuracy is None
        else (f"{accuracy:.4f}")
    )
