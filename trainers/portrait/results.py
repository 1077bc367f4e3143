"""The results of a portraits run: likelihoods, retrieval accuracy, pictures."""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

import keras_pixelcnn as kp
from keras_pixelcnn.models import load_model
from keras_pixelcnn.training import RunState
from trainers.portrait import pictures, retrieval_accuracy
from trainers.runs import environment
from trainers.runs.config import format_sampling_options, sampling_options
from trainers.runs.data import LabelledImages
from trainers.runs.run import Run
from trainers.runs.run_folder import RunFolder, write_json
from trainers.sampling.interpolation import sample_rows
from trainers.sampling.pictures import save_rows
from trainers.scoring.scoring import mean_bits_per_dim

EMBEDDER_FIELDS = ("embedding_dim", "filters", "margin", "dropout_rate")
"""Fields of config.embedder that are arguments of `FaceEmbedder`."""


def embedder_path(folder: RunFolder) -> pathlib.Path:
    """Returns the path of a run's embedder."""
    return folder.path / "embedder" / "model.keras"


def write_results(run: Run, states: tuple[RunState, RunState]) -> dict[str, Any]:
    """Scores and samples; writes pictures and, last, the metrics.

    Returns:
        What was written to `metrics.json`.
    """
    config, data, folder = run.config, run.data, run.folder
    of_embedder, of_model = states
    splits = {"train": data.train, "validation": data.validation, "test": data.test}
    embedder = load_model(embedder_path(folder), kp.FaceEmbedder)
    model = load_model(folder.model)
    embedding = embedder.embed(data.test.image)
    label, generator = data.test.label, np.random.default_rng(config["sample_seed"])
    told = {
        "test_bits_per_dim": np.arange(len(label)),
        "test_bits_per_dim_of_another_image": retrieval_accuracy.others_of_same(
            label, generator
        ),
        "test_bits_per_dim_of_another_identity": retrieval_accuracy.others(
            label, generator
        ),
    }
    likelihoods = {}
    for name, rows in told.items():  # given its own embedding, and those of others
        nats = model.log_prob(
            data.test.image, config["batch_size"], embedding=embedding[rows]
        )
        likelihoods[name] = mean_bits_per_dim(nats, model)
    metrics = {
        "model": type(model).__name__,
        "dataset": config["dataset"],
        "identities": {x: len(np.unique(part.label)) for x, part in splits.items()},
        "images": {x: len(part.label) for x, part in splits.items()},
        "image_shape": list(model.image_shape),
        "num_levels": data.num_levels,
        "parameters": model.count_params(),
        **likelihoods,
        "identification": _identify(embedder, model, data.test, embedding, config),
        "embedder": {
            "parameters": embedder.count_params(),
            "embedding_dim": embedder.embedding_dim,
            **_training_facts(of_embedder, "triplet_loss"),
        },
        **_training_facts(of_model, "bits_per_dim"),
        "seed": config["seed"],
        **environment.describe(),
    }
    seed = config["sample_seed"]
    options = config["drawing"]
    pictures.save_samples(folder.samples, model, data.test, embedding, options, seed)
    ways = sample_rows(  # from one image to another, along the sphere
        model,
        embedder.embed,
        data.test,
        options["rows"],
        options["columns"],
        seed,
        method="spherical",
        **sampling_options(options),
    )
    save_rows(folder.path / "interpolation.png", ways, model.num_levels)
    write_json(folder.metrics, metrics)
    return metrics


def _training_facts(state: RunState, name: str) -> dict[str, Any]:
    return {
        f"validation_{name}": state.best_score,
        "best_epoch": state.best_epoch,
        "steps": state.step,
        "steps_skipped": state.num_skipped,
        "training_seconds": state.seconds,
    }


def _identify(
    embedder: kp.FaceEmbedder,
    model: kp.AutoregressiveImageModel,
    test: LabelledImages,
    embedding: np.ndarray,
    config: Mapping[str, Any],
) -> dict[str, Any]:
    """Returns how often the right identity is nearest; see `retrieval_accuracy`."""
    options, seed = config["drawing"], config["sample_seed"]
    sources = retrieval_accuracy.choose_sources(
        test.label, options["sources"], options["groups"], options["group_size"], seed
    )
    each = options["images_each"]

    def share_of_drawn(**sampling: float) -> float:
        drawn = pictures.sample_from_sources(
            model, embedding[sources.row], each, seed, **sampling
        )
        queries = embedder.embed(drawn).reshape(len(sources.row), each, -1)
        return retrieval_accuracy.share_right(queries, sources, embedding, test.label)

    chosen = sampling_options(options)
    more = {}
    if chosen:
        more = {"sampling_options": chosen, "chosen": share_of_drawn(**chosen)}
    real = embedding[sources.row][:, np.newaxis]
    return {
        "group_size": options["group_size"],
        "chance": 1 / options["group_size"],
        "sources": len(sources.row),
        "images_each": each,
        "groups": options["groups"],
        "drawn": share_of_drawn(),
        **more,
        "real": retrieval_accuracy.share_right(real, sources, embedding, test.label),
    }


def format_table(metrics: Mapping[str, Any]) -> str:
    """Returns the metrics of a finished run as a table."""
    found = metrics["identification"]
    told = [
        ("given its own embedding", metrics["test_bits_per_dim"]),
        ("given another image's", metrics["test_bits_per_dim_of_another_image"]),
        ("given another identity's", metrics["test_bits_per_dim_of_another_identity"]),
    ]
    shares = [("real", found["real"]), ("drawn", found["drawn"])]
    if "chosen" in found:
        said = format_sampling_options(found["sampling_options"])
        shares.append((f"  {said}", found["chosen"]))
    shares.append(("chance", found["chance"]))
    return "\n".join(
        [
            "",
            f"bits/dim over the {metrics['images']['test']} images of "
            f"{metrics['identities']['test']} identities that were never seen",
            *(f"  {name:34}{value:8.4f}" for name, value in told),
            "",
            f"the right one of {found['group_size']} identities is nearest, of "
            f"{found['sources']} sources with {found['images_each']} images each",
            *(f"  {name:34}{value:8.1%}" for name, value in shares),
            "",
        ]
    )
