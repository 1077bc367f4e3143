"""Tests of models that restore: how they are trained, and what they are asked."""

import json

import numpy as np
import pytest
from PIL import Image

import keras_pixelcnn as kp
from keras_pixelcnn.datasets import degradation
from tests.trainers.tiny_run import (
    call,
    images_of,
    read_metrics,
    tiny_config,
    tiny_model,
)
from trainers import restore as program
from trainers.image_models import training
from trainers.restoration.restoring import restore
from trainers.runs.data import load_training_data, training_images

pytestmark = pytest.mark.op_by_op

INPAINTING = {"spatial_shape": (8, 8, 2)}


def prepare(batch):
    assert batch["spatial"].shape[1:] == (8, 8, 2)
    return {name: batch[name] for name in ("image", "spatial")}


@pytest.mark.parametrize("cache", [True, False])
def test_training_images_are_degraded_anew_each_epoch(cache):
    config = tiny_config(task="inpainting", cache=cache)
    data = load_training_data(config)
    images = training_images(config, data, prepare)
    seen = {}
    for epoch in range(2):
        batch = next(images.batches(epoch))
        assert batch["spatial"].shape == (64, 8, 8, 2)
        known = batch["spatial"][..., 1:] == 1
        scaled = batch["image"] / 8 - 1
        np.testing.assert_allclose(batch["spatial"][..., :1][known], scaled[known])
        seen[epoch] = known
        again = next(images.batches(epoch))
        np.testing.assert_array_equal(batch["spatial"], again["spatial"])
    assert (seen[0] != seen[1]).any()


def test_a_run_is_told_to_restore_and_its_model_is_shown(tmp_path, capsys, no_exports):
    config = tiny_config(task="super_resolution_2", steps=3, num_samples=1)
    training.train_and_evaluate(config, tmp_path / "run")
    assert read_metrics(tmp_path / "run")["conditions"] == ["spatial"]
    capsys.readouterr()
    folder = tmp_path / "restored"
    call(
        program,
        f"--model={tmp_path / 'run' / 'model.keras'}",
        *("--task=super_resolution_2", "--dataset=digits", f"--output={folder}"),
        *("--num_images=3", "--num_samples=2", "--batch_size=4"),
    )
    figures = json.loads((folder / "restored.json").read_text())
    printed = capsys.readouterr().out
    for name, figure in figures.items():
        assert name in printed and f"{figure:.4f}" in printed
    assert figures["PSNR of bicubic"] > 10
    with Image.open(folder / "restored.png") as picture:
        assert picture.size == (5 * 65 - 1, 3 * 65 - 1)


def test_figures_are_those_of_the_arrays():
    model, images = tiny_model(**INPAINTING), images_of("test")[:5]
    found = restore(model, "inpainting", images, 3, batch_size=7, seed=2)
    maps = degradation.get("inpainting").maps(images, 17, 2)
    known = maps[..., 1:] == 1
    nats = model.log_prob(images, reduce=False, spatial=maps).numpy()[~known]
    np.testing.assert_allclose(found.nats.sum(), nats.sum(), rtol=1e-5)
    assert found.num_values.tolist() == (~known).sum((1, 2, 3)).tolist()
    figures = found.figures()
    bits = kp.bits_per_dim(nats.sum(), nats.size)
    assert figures["bits per dimension given the degraded"] == pytest.approx(bits)
    error = np.mean((found.means - images) ** 2, axis=(1, 2, 3))
    expected = np.mean(10 * np.log10(256 / error))
    assert figures["PSNR of the mean of 3 samples"] == pytest.approx(expected)
    for restored in (found.samples, found.means, found.baseline):
        np.testing.assert_allclose(restored[known], images[known], atol=1e-5)
    assert (found.samples != images).any() and (found.means % 1 > 0).any()


def test_what_is_hidden_changes_no_sample():
    model, images = tiny_model(**INPAINTING), images_of("test")[:4]
    hidden = degradation.get("inpainting").maps(images, 17, 2)[..., 1:] == 0
    others = np.where(hidden, 16 - images, images)
    samples = [
        restore(model, "inpainting", each, 1, seed=2) for each in (images, others)
    ]
    np.testing.assert_array_equal(samples[0].samples, samples[1].samples)


def test_models_of_other_maps_are_refused():
    images = images_of("test")[:2]
    for model in (tiny_model(), tiny_model(spatial_shape=(4, 4, 2))):
        with pytest.raises(ValueError, match=r"spatial_shape=\(8, 8, 2\)\. Received: "):
            restore(model, "inpainting", images)
    with pytest.raises(ValueError, match="The task must be one of"):
        restore(tiny_model(**INPAINTING), "sharpening", images)
    with pytest.raises(ValueError, match="images of 3 channels"):
        restore(tiny_model(**INPAINTING), "colorization", images)
