"""The results of an auto-encoder's run: measures, pictures, export, metrics.json."""

from collections.abc import Mapping
from typing import Any

import numpy as np

import keras_pixelcnn as kp
from keras_pixelcnn.models import load_model
from keras_pixelcnn.models.autoencoder.gaussian_posterior import standard_normal
from keras_pixelcnn.training import RunState
from trainers.autoencoding import latent_use
from trainers.autoencoding.pictures import (
    save_interpolations,
    save_reconstructions,
)
from trainers.runs.config import format_sampling_options, sampling_options
from trainers.runs.data import LabelledImages, as_arrays, in_batches, load_split
from trainers.runs.run import Run, training_facts
from trainers.runs.run_folder import write_json
from trainers.sampling.pictures import examples_apart
from trainers.scoring.scoring import mean_bits_per_dim

BASELINE = "mse"
"""The baseline's folder, in that of the run."""


def write_results(run: Run, state: RunState) -> dict[str, Any]:
    """Measures model and baseline on the test split; writes pictures, export, metrics.

    Returns:
        What was written to `metrics.json`, which is written last.
    """
    config, data, folder = run.config, run.data, run.folder
    model = load_model(folder.model, kp.PixelCNNAutoencoder)
    path = folder.path / BASELINE / "model.keras"
    baseline = load_model(path, kp.MSEAutoencoder)
    split = load_split(config, config["test_split"])
    test = as_arrays(split)
    metrics = {
        "model": type(model).__name__,
        "dataset": config["dataset"],
        "test_split": config["test_split"],
        "test_images": len(test.image),
        "image_shape": list(model.image_shape),
        "num_levels": model.num_levels,
        "latent_dim": model.latent_dim,
        "beta": model.beta,
        "parameters": model.count_params(),
        **measure_likelihood(model, test.image, config),
        **_probes(model, baseline, test, config),
        "mse_mean_squared_error": baseline.evaluate(
            test.image, batch_size=config["batch_size"], verbose=0, return_dict=True
        )["mean_squared_error"],
    }
    fields, seed = config["autoencoder"], config["sample_seed"]
    images = examples_apart(split, fields["num_rows"])["image"]
    options = sampling_options(fields)
    save_reconstructions(
        folder.path / "reconstructions.png",
        model,
        images,
        baseline=baseline,
        num_reconstructions=fields["num_reconstructions"],
        seed=seed,
        **options,
    )
    if len(images) > 1:
        path = folder.path / "interpolations.png"
        save_interpolations(path, model, images, seed, **options)
    # Without its bits/dim: given z, they compare with those of no other model.
    if not folder.export.exists():  # else from this run, killed a little later
        model.export(folder.export, verbose=False)
    metrics |= training_facts(config, data.steps_per_epoch, state)
    write_json(folder.metrics, metrics)
    return metrics


def measure_likelihood(
    model: kp.PixelCNNAutoencoder, images: np.ndarray, config: Mapping[str, Any]
) -> dict[str, Any]:
    """Returns likelihoods in bits/dim, and whether the latent is used.

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
    prior = standard_normal(model.latent_dim)
    divergence = in_batches(
        lambda part: model.posterior(part).kl_divergence(prior), size, images
    )
    return {
        "test_elbo_bits_per_dim": mean_bits_per_dim(elbo, model),
        "test_importance_weighted_bits_per_dim": mean_bits_per_dim(weighted, model),
        "importance_samples": samples,
        "kl_divergence_nats": float(divergence.mean(dtype="float64")),
        **scores,
    }


def _probes(
    model: kp.PixelCNNAutoencoder,
    baseline: kp.MSEAutoencoder,
    test: LabelledImages,
    config: Mapping[str, Any],
) -> dict[str, Any]:
    train = as_arrays(load_split(config, config["train_split"]))
    fields, seed = config["autoencoder"], config["sample_seed"]
    train = train.choose(fields["probe_images"])
    measured = model, train, test, fields["accuracy_images"], seed
    found = latent_use.reconstruction_accuracy(*measured)
    drawn, real = found or (None, None)
    options = sampling_options(fields)
    chosen = {}
    if options:
        again = latent_use.reconstruction_accuracy(*measured, **options)
        chosen = {
            "sampling_options": options,
            "chosen_reconstruction_accuracy": again and again[0],
        }
    return {
        "probe_images": len(train.image),
        "probe_accuracy": latent_use.probe_accuracy(model, train, test),
        "mse_probe_accuracy": latent_use.probe_accuracy(baseline, train, test),
        "accuracy_images": min(fields["accuracy_images"], len(test.image)),
        "reconstruction_accuracy": drawn,
        **chosen,
        "real_accuracy": real,
    }


def format_table(metrics: Mapping[str, Any]) -> str:
    """Returns the metrics of a finished run as a table."""
    shape = "x".join(map(str, metrics["image_shape"]))
    likelihoods = {
        "test_elbo_bits_per_dim": "bits/dim at most (ELBO)",
        "test_importance_weighted_bits_per_dim": "bits/dim, importance weighted",
        "given_latent_bits_per_dim": "bits/dim given z",
        "shuffled_bits_per_dim": "  given another image's z",
    }
    rows = [
        (said, f"{metrics[name]:.4f}")
        for name, said in likelihoods.items()
        if name in metrics
    ]
    if "kl_divergence_nats" in metrics:
        nats = f"{metrics['kl_divergence_nats']:.2f} nats"
        rows.append(("KL of the posteriors", nats))
    rows += [
        ("linear probe on z", _share(metrics["probe_accuracy"])),
        ("  on the MSE model's z", _share(metrics["mse_probe_accuracy"])),
        ("reconstructions in class", _share(metrics.get("reconstruction_accuracy"))),
    ]
    if "sampling_options" in metrics:
        said = format_sampling_options(metrics["sampling_options"])
        share = _share(metrics["chosen_reconstruction_accuracy"])
        rows.append((f"  {said}", share))
    rows += [
        ("  real images", _share(metrics.get("real_accuracy"))),
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


def _share(accuracy: float | None) -> str:
    missing = "-       left out: the images have no labels"
    return missing if accuracy is None else f"{accuracy:.4f}"
