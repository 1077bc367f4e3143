"""Tests of the trained models in the package."""

import hashlib
import importlib
import pathlib
import re
import shutil

import numpy as np
import pytest
from absl import flags

import keras_pixelcnn as kp
from keras_pixelcnn import datasets
from keras_pixelcnn.pretrained import preset
from keras_pixelcnn.pretrained.fine_tuning import changed
from tests.trainers.tiny_run import call

ROOT = pathlib.Path(__file__).parent.parent
DIGITS = "gated_pixelcnn_digits"
NAMES = sorted(kp.presets())
CONFIGS = {
    DIGITS: "digits_best",
    "gated_pixelcnn_emoji": "emoji",
    "gated_pixelcnn_fashion_mnist": "fashion_mnist_unconditional",
    "gated_pixelcnn_fashion_mnist_conditional": "fashion_mnist",
}
"""The config that trains a preset's network."""


@pytest.fixture(scope="module")
def model():
    return kp.from_preset(DIGITS)


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """The digits' preset in a folder in which it can be damaged."""
    shutil.copytree(preset.PRETRAINED / DIGITS, tmp_path / DIGITS)
    monkeypatch.setattr(preset, "PRETRAINED", tmp_path)
    return tmp_path / DIGITS


def test_the_models_of_the_readme_are_there():
    assert set(CONFIGS) == set(NAMES)


@pytest.mark.op_by_op
def test_the_recorded_likelihood_is_the_models(model):
    test = datasets.load("digits", "test", batch_size=64)
    logs = model.evaluate(test, return_dict=True, verbose=0)
    recorded = kp.presets()[DIGITS].test_bits_per_dim
    np.testing.assert_allclose(logs["bits_per_dim"], recorded, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_is_what_its_record_says(name):
    record, model = kp.presets()[name], kp.from_preset(name)
    assert record.model == type(model).__name__
    assert record.image_shape == model.image_shape
    assert record.num_levels == model.num_levels
    assert record.conditions == tuple(model.conditions.names)
    assert record.num_parameters == model.count_params()
    assert 0 < record.test_bits_per_dim < min(record.baselines.values())
    assert re.fullmatch("[0-9a-f]{40}", record.commit)
    assert record.training_hours > 0
    if record.label_names is not None:
        assert model.label_names == record.label_names


@pytest.mark.parametrize("name", NAMES)
def test_a_config_trains_its_network(name):
    record = kp.presets()[name]
    config = importlib.import_module(f"trainers.configs.{CONFIGS[name]}").get_config()
    given = config.model.to_dict()
    trained = dict(record.config["model"], dtype=None)
    assert {key: trained[key] for key, value in given.items() if value is not None} == {
        key: value for key, value in given.items() if value is not None
    }
    assert config.num_levels == record.num_levels
    assert config.model_class == record.model


@pytest.mark.parametrize("name", NAMES)
def test_a_card_stands_beside_each_model(name):
    record = kp.presets()[name]
    card = (record.folder / preset.CARD_FILE).read_text("utf-8")
    for fact in (name, record.commit, record.model_sha256, record.dataset):
        assert fact in card
    assert f"{record.test_bits_per_dim:.3f}" in card
    assert (record.folder / "samples.png").is_file()


@pytest.mark.parametrize("name", NAMES)
def test_the_file_is_the_published_one_and_holds_no_optimizer(name):
    record = kp.presets()[name]
    content = (record.folder / preset.MODEL_FILE).read_bytes()
    assert len(content) == record.model_bytes
    assert hashlib.sha256(content).hexdigest() == record.model_sha256
    assert len(content) < 4 * record.num_parameters * 1.3 + 200_000


def test_all_together_are_a_few_megabytes():
    files = [path for path in preset.PRETRAINED.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 25e6


def test_presets_are_installed_with_the_package():
    setup = (ROOT / "setup.py").read_text("utf-8")
    assert '"pretrained/*/*"' in setup


@pytest.mark.parametrize("name", ["gated_pixelcnn_digit", "", None, []])
def test_a_name_that_is_none_is_told(name):
    with pytest.raises(ValueError, match=re.escape(f"Received: {name!r}")):
        kp.from_preset(name)


def test_a_name_that_is_nearly_one_gets_a_suggestion():
    with pytest.raises(ValueError, match=f"Was {DIGITS} meant"):
        kp.from_preset("gated_pixelcnn_digit")


@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_a_file_that_is_not_the_published_one_is_not_loaded(copied, damage):
    path = copied / preset.MODEL_FILE
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    if damage == "remove":
        path.unlink()
    else:
        path.write_bytes(content if damage == "flip" else content[:1000])
    with pytest.raises(ValueError, match="must be the published file of"):
        kp.from_preset(DIGITS)


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"unknown": 1}'])
def test_a_damaged_record_is_told(copied, content):
    (copied / preset.RECORD_FILE).write_text(content)
    with pytest.raises(ValueError, match="and is damaged"):
        kp.presets()


def test_what_presets_returns_can_be_changed_without_harm():
    known = kp.presets()
    known[DIGITS].config["seed"] = 99
    known.clear()
    assert kp.presets()[DIGITS].config["seed"] == 0


def test_a_damaged_record_does_not_stand_in_another_models_way(copied):
    (copied.parent / "other").mkdir()
    (copied.parent / "other" / preset.RECORD_FILE).write_text("{")
    assert kp.from_preset(DIGITS).num_levels == 17


@pytest.mark.op_by_op
def test_a_model_can_be_trained_further():
    model = kp.from_preset(DIGITS)
    before = model.get_weights()
    images = np.zeros((8, *model.image_shape), "uint8")
    model.fit(images, epochs=1, verbose=0)
    assert any((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))


# Programs take a preset's name for a file's.


def test_programs_take_a_name_where_there_is_no_such_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert preset.find_preset(DIGITS).name == DIGITS
    assert preset.find_preset("digits.keras") is None
    with pytest.raises(FileNotFoundError, match=f"nor.*preset.*{DIGITS}|Nor.*{DIGITS}"):
        preset.load_model_or_preset("digits.keras")
    (tmp_path / DIGITS).write_text("no model")
    with pytest.raises(ValueError, match=r"must be a \.keras file"):
        preset.load_model_or_preset(DIGITS)


def test_samples_are_drawn_from_a_preset(tmp_path, capsys):
    from trainers import sample

    output = tmp_path / "samples.png"
    call(sample, f"--model={DIGITS}", "--num_samples=2", f"--output={output}")
    assert output.is_file()
    assert "2 images" in capsys.readouterr().out


def test_a_preset_is_sampled_as_its_card_shows_unless_told():
    from trainers import sample

    def options(*arguments):
        values = flags.FlagValues()
        sample.define_flags(values)
        values(["sample", *arguments])
        return sample._options(values)

    name = "gated_pixelcnn_fashion_mnist_conditional"
    recommended = kp.presets()[name].sampling
    assert recommended == {"guidance_scale": 3, "top_p": 0.9}
    by_class = options(f"--model={name}", "--label=all", "--seed=3")
    assert {**by_class, **recommended, "seed": 3} == by_class
    for told in (["--guidance_scale=1"], ["--top_p=1"]):
        plain = options(f"--model={name}", "--label=all", *told)
        assert plain["guidance_scale"] != 3 and plain["top_p"] != 0.9
    assert options(f"--model={name}")["guidance_scale"] is None  # given nothing
    assert options(f"--model={DIGITS}", "--label=0")["guidance_scale"] is None


def test_an_export_knows_what_the_preset_knows(monkeypatch):
    from savedmodels import export
    from savedmodels.publish import publishing

    told = []
    monkeypatch.setattr(publishing, "publish", lambda *_, **given: told.append(given))
    call(export, f"--model={DIGITS}", "--base=served")
    assert told[0]["bits_per_dim"] == kp.presets()[DIGITS].test_bits_per_dim


# Presets that are trained further on other images.


@pytest.mark.op_by_op
def test_what_cannot_be_kept_begins_anew(caplog):
    caplog.set_level("INFO", logger="absl")
    model = kp.from_preset(DIGITS, label_names=("even", "odd"), image_shape=(6, 9, 1))
    assert model.conditions.num_classes == 2 and model.label_names == ("even", "odd")
    assert model.sample(1, seed=1, label="odd").shape == (1, 6, 9, 1)
    trained = {weight.path: weight for weight in kp.from_preset(DIGITS).weights}
    taken = [weight for weight in model.weights if weight.path in trained]
    assert len(taken) == len(trained)
    told = [each for each in caplog.records if "were taken over" in each.getMessage()]
    assert [each.levelname for each in told] == ["INFO"]
    for weight in taken:
        np.testing.assert_array_equal(weight, trained[weight.path])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"filters": 6}, "must have its network"),
        ({"image_shape": (8, 8, 3), "filters": 48}, "convert the images"),
        ({"num_class": 2}, "has the arguments .*num_classes.* Received: num_class"),
    ],
)
def test_changes_that_keep_nothing_are_refused(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        kp.from_preset(DIGITS, **changes)


def test_a_model_without_labels_is_changed():
    """Once it needed `num_classes`, which not all models have."""
    model = kp.MSEAutoencoder((4, 4, 1), 5, latent_dim=2, encoder_filters=2)
    new, transfer = changed(model, {"num_levels": 5}, "mine")
    assert not transfer.anew
    for weight, old in zip(new.weights, model.weights, strict=True):
        np.testing.assert_array_equal(weight, old)
    with pytest.raises(ValueError, match="Received: label_names"):
        changed(model, {"label_names": ("a", "b")}, "mine")
