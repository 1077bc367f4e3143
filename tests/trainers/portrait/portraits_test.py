"""Tests of a whole run: an embedder, a model told its embeddings, and pictures."""

import dataclasses
import json

import numpy as np
import pytest
from PIL import Image

import keras_pixelcnn as kp
from keras_pixelcnn.models import load_model
from keras_pixelcnn.training import TrainStep
from tests.models.face_embedder.model_test import stripes
from tests.trainers.runs.power_cut import power_cut
from trainers.configs import portraits_glyphs
from trainers.portrait import pictures, retrieval_accuracy, training
from trainers.portrait.data import PortraitData
from trainers.portrait.training import train_portraits
from trainers.runs.data import LabelledImages

pytestmark = pytest.mark.op_by_op

EMBEDDER_STEPS, MODEL_STEPS = 8, 9


def tiny_config():
    config = portraits_glyphs.get_config()
    config.update(num_levels=5, batch_size=16, epochs=3, deterministic=False)
    config.update(checkpoint_every=2, learning_rate=0.01)
    config.model.update(filters=4, num_blocks=1)
    config.embedder.update(embedding_dim=4, filters=4, identities=4, images_each=3)
    config.embedder.update(epochs=2, learning_rate=0.01)
    config.drawing.update(rows=2, columns=3, group_size=3, sources=6, images_each=2)
    config.drawing.update(groups=5, guidance_scale=2.0, top_p=0.9)
    return config


def tiny_data(config):
    images, labels = stripes(108)
    parts = (labels + 6 * (np.arange(108) // 54)) * 2  # 12 identities, gaps between
    return PortraitData(
        *(
            LabelledImages(images[chosen], parts[chosen])
            for chosen in (parts < 12, (parts >= 12) & (parts < 18), parts >= 18)
        ),
        5,
    )


@pytest.fixture(scope="module")
def module_patch():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "load_portraits", tiny_data)
        yield patch


@pytest.fixture(scope="module")
def finished(module_patch, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("runs") / "portraits"
    return workdir, train_portraits(tiny_config(), workdir)


def test_a_finished_run_holds_both_models_figures_and_pictures(finished):
    workdir, metrics = finished
    assert metrics == json.loads((workdir / "metrics.json").read_text())
    assert metrics["identities"] == {"train": 6, "validation": 3, "test": 3}
    assert metrics["images"] == {"train": 54, "validation": 27, "test": 27}
    assert metrics["steps"] == MODEL_STEPS
    assert metrics["embedder"]["steps"] == EMBEDDER_STEPS
    found = metrics["identification"]
    assert found["chance"] == 1 / 3
    assert 0 <= found["drawn"] <= 1 and 0 <= found["real"] <= 1
    assert found["sampling_options"] == {"guidance_scale": 2.0, "top_p": 0.9}
    for name, columns in (("samples", 4 + 1 + 3), ("interpolation", 2 + 3)):
        with Image.open(workdir / f"{name}.png") as picture:
            assert picture.size == (columns * (6 * 4 + 1) - 1, 2 * (9 * 4 + 1) - 1)


def test_the_figures_are_those_of_the_saved_models(finished):
    workdir, metrics = finished
    embedder = load_model(workdir / "embedder" / "model.keras", kp.FaceEmbedder)
    model = load_model(workdir / "model.keras")
    test = tiny_data(None).test
    embedding = embedder.embed(test.image)
    found = metrics["identification"]
    rows = retrieval_accuracy.choose_sources(test.label, 6, 5, 3, seed=0)
    for name, options in (("drawn", {}), ("chosen", found["sampling_options"])):
        drawn = pictures.sample_from_sources(
            model, embedding[rows.row], 2, 0, **options
        )
        queries = embedder.embed(drawn).reshape(6, 2, -1)
        share = retrieval_accuracy.share_right(queries, rows, embedding, test.label)
        assert found[name] == pytest.approx(share)
    nats = model.log_prob(test.image, embedding=embedding).numpy()
    expected = kp.bits_per_dim(nats.mean(), model.num_dims)
    np.testing.assert_allclose(metrics["test_bits_per_dim"], expected, rtol=1e-5)
    assert model.conditions.names == ["embedding"]
    history = (workdir / "embedder" / "history.jsonl").read_text().splitlines()
    rows = [json.loads(row) for row in history]
    name = "validation_ema_triplet_loss"
    losses = [row[name] for row in rows if name in row]
    assert len(losses) == 2
    assert metrics["embedder"]["validation_triplet_loss"] == min(losses)


def test_a_run_that_is_cut_in_both_trainings_ends_with_the_same_weights(
    finished, monkeypatch, tmp_path, capsys
):
    with power_cut(monkeypatch, EMBEDDER_STEPS - 2):
        train_portraits(tiny_config(), tmp_path)
    assert not (tmp_path / "model.keras").exists()
    with power_cut(monkeypatch, 3 + 6):
        train_portraits(tiny_config(), tmp_path)
    kind = dataclasses.replace(
        training.PORTRAITS, write_results=lambda *arguments: {}, format_table=str
    )
    capsys.readouterr()
    train_portraits(tiny_config(), tmp_path, kind=kind)
    printed = capsys.readouterr().out
    assert f"Going on after step {EMBEDDER_STEPS} of {EMBEDDER_STEPS}" in printed
    assert f"Going on after step 4 of {MODEL_STEPS}" in printed
    for path, kind in (
        ("embedder/model.keras", kp.FaceEmbedder),
        ("model.keras", kp.GatedPixelCNN),
    ):
        ours, theirs = (
            load_model(folder / path, kind) for folder in (finished[0], tmp_path)
        )
        for weight, other in zip(ours.get_weights(), theirs.get_weights()):
            np.testing.assert_allclose(weight, other, atol=1e-5)


def test_a_group_that_the_test_identities_cannot_fill_is_told_before_training(
    module_patch, monkeypatch, tmp_path
):
    monkeypatch.setattr(TrainStep, "__call__", None)
    config = tiny_config()
    config.drawing.group_size = 4
    with pytest.raises(ValueError, match=r"group_size must be at most 3, .*ved: 4"):
        train_portraits(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()
