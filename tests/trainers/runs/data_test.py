"""A run's images and its model agree on the levels, or a sentence says what to do."""

import numpy as np
import pytest
from PIL import Image

from tests.trainers.tiny_run import tiny_config
from trainers.autoencoding import training as autoencoding
from trainers.configs import portraits_glyphs
from trainers.image_models import training
from trainers.planning.planned_data import image_format
from trainers.portrait.data import load_portraits
from trainers.runs.data import load_split, load_training_data, num_levels_of
from trainers.runs.run_folder import RunFolder
from trainers.vq import training as vq

REASON = r"num_levels must be 256.*num_levels=17\..*num_levels=256.*merge_levels=True"


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for index in range(20):
        pixels = np.random.default_rng(index).integers(0, 256, (8, 8, 3), "uint8")
        Image.fromarray(pixels).save(folder / f"{index}.png")
    return f"folder:{folder}"


@pytest.fixture
def config(photos):
    return tiny_config(dataset=photos, batch_size=4)


def test_levels_from_the_config_of_other_images(config, tmp_path):
    with pytest.raises(ValueError, match=REASON):
        training.train_and_evaluate(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "load",
    [
        image_format,
        num_levels_of,
        load_training_data,
        lambda config: load_split(config, "test"),
        lambda config: load_portraits({**config, "divide_identities": True}),
        vq.VQ_PRIORS.load_data,
        autoencoding.AUTOENCODERS.load_data,
    ],
)
def test_every_way_to_a_configs_images(config, load):
    with pytest.raises(ValueError, match=REASON):
        load(config)


def test_a_config_of_before_labels_could_be_named(config):
    config.num_levels = 256
    del config["label_feature"]
    assert int(load_split(config.to_dict(), "test").cardinality()) == 2


@pytest.mark.parametrize("levels", [None, 256])
def test_all_levels_are_kept_when_the_config_says_so(config, levels):
    config = {**config, "num_levels": levels}
    data = load_training_data(config)
    assert data.num_levels == num_levels_of(config) == image_format(config)[1] == 256
    found = max(
        example["image"].max() for example in data.validation.as_numpy_iterator()
    )
    assert found > 200


def test_levels_are_merged_on_purpose(config, tmp_path):
    data = load_training_data({**config, "merge_levels": True})
    assert data.num_levels == 17
    found = max(
        example["image"].max() for example in data.validation.as_numpy_iterator()
    )
    assert found == 16


def test_levels_cannot_be_invented(config):
    for merges in (False, True):
        with pytest.raises(ValueError, match="must be at most 256"):
            load_training_data({**config, "num_levels": 257, "merge_levels": merges})


def test_a_run_from_before_the_field_was_there_merges_as_it_did(config, tmp_path):
    config = config.to_dict()
    older = {name: value for name, value in config.items() if name != "merge_levels"}
    assert num_levels_of(older) == 17
    RunFolder(tmp_path).claim(older)
    for merges in (False, True):
        RunFolder(tmp_path).check({**config, "merge_levels": merges})


def test_configs_that_merge_say_so():
    assert portraits_glyphs.get_config().merge_levels
