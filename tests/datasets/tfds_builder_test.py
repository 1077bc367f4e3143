"""Tests that a tfds dataset is found, prepared, and not read where it is not whole."""

import json
import pathlib
import time

import numpy as np
import pytest
import requests
import tensorflow_datasets as tfds
from tensorflow_datasets.core.download import downloader
from tensorflow_datasets.core.utils import tqdm_utils

from keras_pixelcnn.datasets import DatasetUnavailableError, load


class SmallPictures(tfds.core.GeneratorBasedBuilder):
    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        image = tfds.features.Image(shape=(12, 10, 3))
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict({"image": image})
        )

    def _split_generators(self, dl_manager):
        return {"train": self.examples(20), "test": self.examples(5)}

    def _generate_examples(self):
        raise NotImplementedError

    def examples(self, count):
        random = np.random.default_rng(0)
        for number in range(count):
            yield number, {"image": random.integers(0, 256, (12, 10, 3), np.uint8)}


class RemotePictures(SmallPictures):
    def _split_generators(self, dl_manager):
        # Nothing listens at this port, so that the connection is refused at once.
        dl_manager.download("http://127.0.0.1:9/pictures.zip")


@pytest.fixture
def prepared(tmp_path):
    """The folder of SmallPictures in a data folder that a test may damage."""
    load("small_pictures", data_dir=tmp_path)
    return tmp_path / "small_pictures" / "1.0.0"


def test_what_is_not_prepared_is_prepared_without_a_word(tmp_path, capsys):
    dataset = load("small_pictures", data_dir=tmp_path)
    assert int(dataset.cardinality()) == 20
    assert (tmp_path / "small_pictures" / "1.0.0" / "dataset_info.json").exists()
    assert capsys.readouterr() == ("", "")
    assert tqdm_utils._active
    assert downloader.MAX_RETRIES > 2


@pytest.mark.parametrize(
    ("name", "close"),
    [
        ("mnits", "'mnist'"),
        ("digit", "'digits'"),
        ("Cifar", "'cifar10'"),
        ("caption", "'captions'"),
    ],
)
def test_a_wrong_name_is_answered_with_the_closest_and_the_forms_there_are(name, close):
    with pytest.raises(ValueError, match=rf"closest names are .*{close}") as raised:
        load(name)
    forms = ("'digits'", "tensorflow-datasets", "'folder:PATH'", "'idx:PATH'")
    for form in (*forms, "'patches:PATH'"):
        assert form in str(raised.value)


@pytest.mark.parametrize("name", ["a b", "/no/such/folder", "folders:/tmp"])
def test_what_is_no_name_at_all_is_answered_with_the_forms_there_are(name):
    with pytest.raises(ValueError, match=r"'captions', a name that .* 'folder:PATH'"):
        load(name)


def test_a_bare_path_is_answered_with_the_prefix(tmp_path):
    with pytest.raises(ValueError, match=f"pass 'folder:{tmp_path}'"):
        load(str(tmp_path))


@pytest.mark.parametrize("name", ["mnist:9.9.9", "emnist/nonsense"])
def test_a_wrong_version_or_config_is_named(name):
    with pytest.raises(ValueError, match=f"cannot load '{name}': .*(version|Config)"):
        load(name)


def test_without_a_connection_it_gives_up_soon(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    start = time.monotonic()
    with pytest.raises(DatasetUnavailableError, match="could not be downloaded"):
        load("remote_pictures", data_dir=tmp_path)
    assert time.monotonic() - start < 20
    assert downloader.MAX_RETRIES > 2


def test_a_failed_download_tells_what_is_missing_and_what_to_do(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise requests.exceptions.ConnectionError("no route to host")

    monkeypatch.setattr(downloader, "_open_with_requests", refuse)
    with pytest.raises(DatasetUnavailableError) as raised:
        load("cifar10", data_dir=tmp_path)
    for part in (
        f"'cifar10' is not prepared in {tmp_path}/cifar10/3.0.2",
        "ConnectionError: no route to host",
        "cifar-10-binary.tar.gz",
        f"copy DIR/cifar10/3.0.2 to {tmp_path}/cifar10/3.0.2",
        f"{tmp_path}/downloads/manual",
        "DownloadConfig(manual_dir=",
        "folder:PATH",
    ):
        assert part in str(raised.value)
    assert isinstance(raised.value.__cause__, requests.exceptions.ConnectionError)


def test_a_failed_download_does_not_stand_in_the_way_of_the_next(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(SmallPictures, "examples", lambda *_: 1 / 0)
        with pytest.raises(DatasetUnavailableError, match="ZeroDivisionError"):
            load("small_pictures", data_dir=tmp_path)
    assert len(list(load("small_pictures", data_dir=tmp_path))) == 20


def _reload(folder: pathlib.Path, split="train"):
    return load("small_pictures", split, data_dir=folder.parents[1])


def test_a_folder_without_its_metadata_is_not_taken_for_data(prepared):
    (prepared / "dataset_info.json").unlink()
    with pytest.raises(
        DatasetUnavailableError, match=rf"{prepared} .*dataset_info.json is"
    ):
        _reload(prepared)


def test_half_written_metadata_is_not_taken_for_data(prepared):
    path = prepared / "dataset_info.json"
    path.write_text(path.read_text()[:40])
    with pytest.raises(DatasetUnavailableError, match=r"cannot be read .*Delete"):
        _reload(prepared)


def test_a_missing_file_is_named_and_other_splits_still_work(prepared):
    (prepared / "small_pictures-train.tfrecord-00000-of-00001").unlink()
    with pytest.raises(
        DatasetUnavailableError, match=r"train\.tfrecord-00000-.* missing"
    ):
        _reload(prepared)
    assert len(list(_reload(prepared, "test"))) == 5


def test_a_file_cut_short_is_found_while_loading(prepared):
    path = prepared / "small_pictures-train.tfrecord-00000-of-00001"
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(DatasetUnavailableError, match="'train' are cut short"):
        _reload(prepared)
    assert len(list(_reload(prepared, "test"))) == 5


def test_data_whose_code_is_unknown_is_read_from_its_files(prepared):
    root = prepared.parents[1]
    renamed = root / "somebodys_pictures" / "1.0.0"
    renamed.parent.mkdir()
    prepared.rename(renamed)
    for path in renamed.glob("small_pictures-*"):
        path.rename(path.with_name(path.name.replace("small", "somebodys")))
    info = json.loads((renamed / "dataset_info.json").read_text())
    info["name"] = "somebodys_pictures"
    (renamed / "dataset_info.json").write_text(json.dumps(info))
    assert len(list(load("somebodys_pictures", "test", data_dir=root))) == 5
