"""Tests of what a config leaves open: chosen by pictures and time, kept, overridden."""

import json
import re

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageDraw

import keras_pixelcnn as kp
from tests.trainers.tiny_run import tiny_model
from trainers.configs import folder
from trainers.image_models import choosing
from trainers.image_models.choosing import Timing
from trainers.image_models.picture_facts import ImageFacts, look_at
from trainers.image_models.training import IMAGE_MODELS
from trainers.runs.config import to_dict
from trainers.runs.run_folder import RunFolder

pytestmark = pytest.mark.op_by_op

FACTS = ImageFacts(240, np.array([[48, 64], [40, 40]]), False, ("circle", "square"))


@pytest.fixture
def pictures(tmp_path):
    """Thirty grey pictures of two kinds and two sizes, of which some hold colours."""
    chance = np.random.default_rng(0)
    for number in range(30):
        size = (20, 12) if number % 3 else (12, 12)
        values = np.repeat(chance.integers(0, 256, (*size, 1), "uint8"), 3, axis=-1)
        path = tmp_path / "pictures" / ("b" if number % 2 else "a") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(values).save(path)
    return tmp_path / "pictures"


@pytest.fixture
def untimed(monkeypatch):
    """Nothing is measured: a step takes 10 ms."""
    timing = Timing(first=1.0, step=0.01, epoch_end=0.1)
    monkeypatch.setattr(choosing, "_measure", lambda *_: timing)


def config_of(dataset, **fields):
    config = folder.get_config()
    config.update(dataset=str(dataset), deterministic=False, **fields)
    return to_dict(config)


def by_name(choices):
    return {choice.name: choice.value for choice in choices}


def complete(config, workdir):
    return choosing.complete(config, RunFolder(workdir), tf.distribute.get_strategy())


def test_pictures_are_looked_at(pictures):
    facts = look_at(config_of(f"folder:{pictures}"))
    assert facts.num_images == 24 and facts.is_grey and facts.flat < 0.1
    assert facts.label_names == ("a", "b")
    assert {tuple(size) for size in facts.sizes} == {(20, 12), (12, 12)}
    values = np.zeros((8, 8, 3), "uint8")
    values[0, 0, 0] = 90
    Image.fromarray(values).save(pictures / "a" / "red.png")
    assert not look_at(config_of(f"folder:{pictures}")).is_grey


@pytest.mark.filterwarnings("error")
def test_hidden_colors_of_transparent_pictures_are_none(tmp_path):
    hidden = np.zeros((8, 8, 4), "uint8")
    hidden[..., 0], hidden[2:4, 2:4] = 200, (90, 90, 90, 255)
    Image.fromarray(hidden).save(tmp_path / "hidden.png")
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([90, 90, 90, 200, 0, 0])
    palette.paste(0, (2, 2, 4, 4))
    palette.save(tmp_path / "palette.png", transparency=bytes([255, 0]))
    assert look_at(config_of(f"folder:{tmp_path}")).is_grey


def test_everything_is_chosen_told_and_valid(pictures, untimed, tmp_path, capsys):
    config = config_of(f"folder:{pictures}")
    chosen = complete(config, tmp_path / "run")
    IMAGE_MODELS.check_config(chosen)
    assert chosen["image_size"] == (20, 12) and chosen["color_mode"] == "grayscale"
    assert chosen["batch_size"] == 4 and chosen["num_levels"] == 256
    model = chosen["model"]
    assert model["num_classes"] == 2 and model["condition_dropout"] > 0
    assert model["likelihood"] == "logistic_mixture"  # of noise
    told = capsys.readouterr().out
    for name in ("image_size", "model.num_classes", "epochs", "model.filters"):
        assert f"\n  {name} " in told
    assert "a, b" in told and "10 ms a step" in told
    before = told[: told.index("Chosen by")].splitlines()
    begins = [line.split()[0] for line in before]
    assert begins == ["Looking", "Reading", "Measuring", "Measuring"]


def test_what_is_set_stays_and_is_told(pictures, untimed, tmp_path, capsys):
    config = config_of(f"folder:{pictures}", image_size=(8,), epochs=3)
    config["model"] |= {"filters": 6, "num_classes": 0}
    chosen = complete(to_dict(config), tmp_path / "run")
    assert chosen["image_size"] == (8, 8) and chosen["epochs"] == 3
    assert chosen["model"]["filters"] == 6
    assert chosen["model"]["num_classes"] is None
    assert chosen["model"]["condition_dropout"] == 0
    told = capsys.readouterr().out
    assert re.search(r"\n  epochs +3 +as you have set it", told)
    IMAGE_MODELS.check_config(chosen)


def test_a_run_that_has_begun_keeps_what_was_chosen(
    pictures, untimed, tmp_path, monkeypatch, capsys
):
    config, run = config_of(f"folder:{pictures}"), RunFolder(tmp_path / "run")
    chosen = complete(config, run.path)
    run.path.mkdir()
    run.config.write_text(json.dumps(chosen))
    monkeypatch.setattr(choosing, "_measure", None)
    capsys.readouterr()
    run.check(complete(config, run.path))
    with pytest.raises(ValueError, match="batch_size is 4 there, 2 now"):
        run.check(complete({**config, "batch_size": 2}, run.path))


def test_a_model_to_begin_with_gives_the_network(pictures, untimed, tmp_path):
    tiny_model(num_levels=256, first_kernel_size=5).save(tmp_path / "model.keras")
    config = config_of(
        f"folder:{pictures}", initial_model=str(tmp_path / "model.keras")
    )
    chosen = complete(config, tmp_path / "run")
    model = chosen["model"]
    assert (model["filters"], model["first_kernel_size"]) == (4, 5)
    assert model["likelihood"] == "categorical" and model["num_classes"] == 2


def draw(folder, count=32):
    """Pictures of a coloured disc each, or a square."""
    for number in range(count):
        picture = Image.new("RGB", (32, 32), "white")
        place = (4 + number % 8, 6, 20 + number % 8, 24)
        pen = ImageDraw.Draw(picture)
        (pen.ellipse if number % 2 else pen.rectangle)(place, fill=(200, 40, number))
        path = folder / ("square", "disc")[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path)


def test_few_drawings_begin_with_a_preset(untimed, tmp_path, capsys):
    draw(tmp_path / "drawn")
    config = config_of(f"folder:{tmp_path / 'drawn'}")
    chosen = complete(config, tmp_path / "run")
    IMAGE_MODELS.check_config(chosen)
    assert chosen["initial_model"] == "gated_pixelcnn_emoji"
    assert re.search(
        r"\n  initial_model +gated_pixelcnn_emoji ", capsys.readouterr().out
    )
    own = kp.from_preset("gated_pixelcnn_emoji")
    assert chosen["model"]["filters"] == own.filters
    assert chosen["model"]["num_classes"] == 2
    for fields, model in (
        ({"initial_model": ""}, {}),
        ({"num_levels": 16}, {}),
        ({"color_mode": "grayscale"}, {}),
        ({}, {"filters": 12}),
        ({}, {"likelihood": "logistic_mixture"}),
    ):
        config = config_of(f"folder:{tmp_path / 'drawn'}", **fields)
        config["model"] |= model
        assert not complete(config, tmp_path / "run")["initial_model"]


def test_a_preset_is_begun_with_where_it_learns_something_in_the_time(
    tmp_path, monkeypatch
):
    """At a second a step it once took 30 steps in five minutes, and drew blots."""
    draw(tmp_path / "drawn")
    slow = Timing(first=8.0, step=0.12, epoch_end=1.0)
    monkeypatch.setattr(choosing, "_measure", lambda *_: slow)
    chosen = {}
    for minutes in (5.0, 60.0):
        config = config_of(f"folder:{tmp_path / 'drawn'}", minutes=minutes)
        chosen[minutes] = complete(config, tmp_path / "run")
        IMAGE_MODELS.check_config(chosen[minutes])
    assert not chosen[5.0]["initial_model"]
    assert chosen[5.0]["model"]["filters"] == choosing.NETWORKS[0][0]
    assert chosen[60.0]["initial_model"] == "gated_pixelcnn_emoji"


def test_pictures_must_be_named(tmp_path):
    with pytest.raises(ValueError, match=r"--config\.dataset=folder:PATH"):
        complete(to_dict(folder.get_config()), tmp_path)


def test_size_and_batch_follow_from_the_pictures():
    config = config_of("folder:x")
    chosen = by_name(choosing.choose_form(config, FACTS))
    height, width = chosen["image_size"]
    assert max(height, width) <= 64 and height % 4 == width % 4 == 0
    hurried = by_name(choosing.choose_form({**config, "minutes": 1.0}, FACTS))
    assert max(hurried["image_size"]) <= max(height, width)
    assert chosen["color_mode"] == "rgb" and chosen["batch_size"] == 8
    same = FACTS._replace(sizes=np.array([[28, 30], [28, 30]]), num_images=10**5)
    chosen = by_name(choosing.choose_form(config, same))
    assert chosen["image_size"] == (28, 30) and chosen["batch_size"] == 64


def test_squares_of_photographs_and_their_batch_follow_from_the_time():
    config = config_of("patches:x", minutes=4.0)
    choices = choosing.choose_form(config, FACTS._replace(num_images=4000))
    assert by_name(choices)["image_size"] == (16, 16)
    timing = Timing(first=1.0, step=0.5, epoch_end=0.1)
    chosen, halved = choosing.with_batch_in_time(choices, timing, 240.0)
    assert by_name(choices)["batch_size"] == 64
    assert by_name(chosen)["batch_size"] == 8 and halved.step == 0.5 / 8
    assert choosing.with_batch_in_time(choices, timing, 3000.0) == (choices, timing)


def test_the_length_follows_from_the_squares_of_the_chosen_size(
    untimed, tmp_path, monkeypatch
):
    (tmp_path / "photos").mkdir()
    values = np.random.default_rng(0).integers(0, 256, (10, 64, 64, 3), "uint8")
    for number, picture in enumerate(values):
        Image.fromarray(picture).save(tmp_path / "photos" / f"{number}.png")
    sizes = []
    monkeypatch.setattr(
        choosing, "num_images", lambda c: sizes.append(c["image_size"]) or 64_000
    )
    config = config_of(f"patches:{tmp_path / 'photos'}", minutes=4.0)
    epochs = complete(config, tmp_path / "run")["epochs"]
    assert sizes == [(16, 16)] and epochs < 400


def test_drawings_and_photographs_get_their_likelihoods():
    config = {"num_levels": 256}
    flat = np.zeros((2, 8, 8, 3), "uint8")
    noise = np.random.default_rng(0).integers(0, 256, flat.shape)
    for images, expected in ((flat, "categorical"), (noise, "logistic_mixture")):
        chosen = by_name(choosing.choose_likelihood(config, images))
        assert chosen["model.likelihood"] == expected
    few = by_name(choosing.choose_likelihood({"num_levels": 8}, noise // 32))
    assert few["model.likelihood"] == "categorical"


def test_more_time_and_more_pictures_give_larger_networks_and_longer_runs():
    def size(images, seconds):
        facts = FACTS._replace(num_images=images)
        timing = Timing(2.0, 0.01, 0.1)
        chosen = by_name(choosing.choose_network(facts, timing, seconds, 16, True))
        return chosen["model.filters"]

    assert size(10**5, 60) < size(10**5, 600) < size(10**5, 10**5)
    assert size(240, 10**5) < size(10**5, 10**5)

    config = config_of("folder:x", batch_size=16)
    timing = Timing(2.0, 0.01, 0.5)
    short, long = (
        by_name(choosing.choose_length(config, FACTS, timing, seconds))
        for seconds in (30, 60)
    )
    assert 1 < short["epochs"] < long["epochs"]
    steps = short["epochs"] * (240 // 16)
    validations = short["epochs"] / short["validate_every"]
    assert 15 < steps * 0.01 + validations * 0.5 < 30
    assert short["sample_every"] % short["validate_every"] == 0
