"""Tests of the images of identities: nobody is in two splits."""

import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn import datasets
from trainers.configs import (
    digits,
    portraits_celeb_a,
    portraits_glyphs,
    portraits_lfw,
)
from trainers.portrait.data import load_portraits
from trainers.portrait.training import (
    check_portraits_config,
    embedder_config,
    model_config,
)


def config_of(dataset="digits", **fields):
    config = portraits_glyphs.get_config()
    config.update(dataset=dataset, image_size=(8, 8), num_levels=4, **fields)
    return config.to_dict()


@pytest.fixture
def many_identities(monkeypatch):
    """Digits of 60 identities: each class in six, by a label of its own."""
    load = datasets.load

    def load_many(*arguments, **options):
        examples = load(*arguments, **options).enumerate()
        return examples.map(
            lambda place, example: {
                **example,
                "label": example["label"] * 6 + place % 6,
            }
        )

    monkeypatch.setattr(datasets, "load", load_many)


def test_identities_are_divided_and_each_image_is_in_one_split(many_identities):
    data = load_portraits(config_of(divide_identities=True, train_split="all"))
    parts = [set(np.unique(part.label)) for part in data[:3]]
    assert list(map(len, parts)) == [48, 6, 6]
    assert set.union(*parts) == set(range(60))
    assert sum(len(part.image) for part in data[:3]) == 1797
    for part in data[:3]:
        assert part.image.shape[1:] == (8, 8, 1) and part.image.max() < 4
    assert data.num_levels == 4
    again = load_portraits(config_of(divide_identities=True, train_split="all"))
    np.testing.assert_array_equal(again.test.label, data.test.label)


def test_an_identity_in_two_splits_is_refused():
    with pytest.raises(ValueError, match=r"may be in two splits.*divide_identities"):
        load_portraits(config_of())


def test_too_few_identities_are_told():
    with pytest.raises(
        ValueError, match=r"at least two ident.*: 1 in valid.* of digits"
    ):
        load_portraits(config_of(divide_identities=True, train_split="all"))


def test_images_without_identities_are_told(monkeypatch):
    unlabelled = tf.data.Dataset.from_tensor_slices(
        {"image": np.zeros((9, 8, 8, 1), np.uint8), "label": np.full(9, -1)}
    )
    monkeypatch.setattr(datasets, "load", lambda *args, **options: unlabelled)
    with pytest.raises(ValueError, match=r"no identities.*identity/Identity_No.*None$"):
        load_portraits(config_of("celeb_a", divide_identities=True))


@pytest.mark.parametrize(
    "configs", [portraits_celeb_a, portraits_glyphs, portraits_lfw]
)
def test_the_configs_are_right(configs):
    config = configs.get_config().to_dict()
    check_portraits_config(config)
    of_embedder = embedder_config(config)
    own = config["embedder"]
    assert of_embedder["batch_size"] == own["identities"] * own["images_each"]
    assert of_embedder["epochs"] == own["epochs"]
    assert "embedder" not in model_config(config)


@pytest.mark.parametrize("configs", [portraits_celeb_a, portraits_lfw])
def test_the_identities_are_where_tfds_has_them(configs):
    from keras_pixelcnn.datasets.tfds_builder import find_builder
    from keras_pixelcnn.datasets.tfds_labels import TfdsLabels

    config = configs.get_config()
    builder = find_builder(config.dataset, None)
    labels = TfdsLabels.find(config.dataset, builder, config.label_feature)
    assert labels.wanted
    with pytest.raises(ValueError, match=r"`label_feature` must be .*received 'name'"):
        TfdsLabels.find(config.dataset, builder, "name")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"embedder": {}}, r"config\.embedder must have the fields"),
        ({"embedder.identities": 1}, r"config\.embedder\.identities must be an integ"),
        ({"drawing.group_size": 1}, r"config\.drawing\.group_size must be an integ"),
        ({"drawing.top_p": 1.5}, r"config\.drawing\.top_p must be None or in"),
        (
            {"model.condition_dropout": 0, "drawing.guidance_scale": 2.0},
            r"config\.drawing\.guidance_scale is of mod",
        ),
        ({"sample_seed": 2**32}, r"config\.sample_seed must be an integer in"),
        ({"horizontal_flips": True}, r"config\.horizontal_flips must be False"),
        ({"mutation_rate": 0.1}, r"config\.mutation_rate must be 0"),
        ({"initial_model": "a.keras"}, r"config\.initial_model is for trainers\.tr"),
        ({"task": "inpainting"}, r"config\.task is for trainers\.train"),
        ({"sample_every": 2}, r"config\.sample_every is for .* None or 0"),
        ({"colour": 1}, r"config may have .*"),
    ],
)
def test_wrong_fields_are_told(change, told):
    config = config_of()
    for name, value in change.items():
        *outer, inner = name.split(".")
        fields = config
        for each in outer:
            fields = fields[each]
        fields[inner] = value
    with pytest.raises(ValueError, match=f"{told}.* Received[:,]"):
        check_portraits_config(config)


def test_a_config_of_a_single_model_is_sent_to_trainers_train():
    with pytest.raises(ValueError, match=r"'embedder'.*is for trainers\.train"):
        check_portraits_config(digits.get_config().to_dict())
