"""Tests of the images of tfds datasets, mocked ones and small ones of our own."""

import re

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds
from PIL import Image

from keras_pixelcnn.datasets import label_names, load, native_num_levels

features = tfds.features


def _pictures(count, shape=(12, 10, 3), levels=256):
    noise = np.random.default_rng(count).integers(0, levels, (count, *shape))
    return noise.astype(np.uint8 if levels == 256 else np.uint16)


class _Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    VERSION = tfds.core.Version("1.0.0")

    def _info(self):
        return tfds.core.DatasetInfo(builder=self, features=self.FEATURES)

    def _split_generators(self, dl_manager):
        return {"train": self.examples(20), "test": self.examples(5)}

    def _generate_examples(self):
        raise NotImplementedError

    def examples(self, count):
        for number, image in enumerate(_pictures(count)):
            yield number, {"image": image, "label": number % 4, "text": "not decoded"}


class TinyPictures(_Builder):
    FEATURES = features.FeaturesDict(
        {
            "image": features.Image(shape=(12, 10, 3)),
            "label": features.ClassLabel(num_classes=4),
            "text": features.Text(),
        }
    )


class TinyUnlabelled(_Builder):
    FEATURES = features.FeaturesDict(
        {
            "image": features.Image(shape=(12, 10, 1)),
            "label": features.Text(),
        }
    )

    def examples(self, count):
        for number, image in enumerate(_pictures(count, (12, 10, 1))):
            yield number, {"image": image, "label": "in words"}


class TinyDeep(_Builder):
    FEATURES = features.FeaturesDict(
        {
            "image": features.Image(shape=(12, 10, 1), dtype=np.uint16),
            "label": features.Scalar(dtype=np.int32),
        }
    )

    def examples(self, count):
        for number, image in enumerate(_pictures(count, (12, 10, 1), levels=65536)):
            yield number, {"image": image, "label": number}


class TinyRagged(_Builder):
    FEATURES = features.FeaturesDict(
        {"image": features.Image(), "label": features.Scalar(dtype=np.int64)}
    )

    def examples(self, count):
        for number in range(count):
            image = np.full((12 + number, 20, 3), number, np.uint8)
            yield number, {"image": image, "label": number}


class TinyFloating(_Builder):
    FEATURES = features.FeaturesDict(
        {"image": features.Image(shape=(12, 10, 1), dtype=np.float32)}
    )


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("tensorflow_datasets")


def _arrays(dataset):
    examples = list(dataset.as_numpy_iterator())
    images = np.stack([example["image"] for example in examples])
    return images, np.array([example["label"] for example in examples])


def _keys(*arguments, **options):
    return [image.tobytes() for image in _arrays(load(*arguments, **options))[0]]


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("mnist", (28, 28, 1)),
        ("fashion_mnist", (28, 28, 1)),
        ("cifar10", (32, 32, 3)),
        ("mnist:3.0.1", (28, 28, 1)),
        ("emnist/letters", (28, 28, 1)),
        ("emnist/letters:3.1.0", (28, 28, 1)),
    ],
)
def test_mocked_datasets_of_each_form_of_name(name, shape):
    with tfds.testing.mock_data(num_examples=7):
        dataset = load(name, "test", batch_size=4)
        batches = list(dataset)
    assert dataset.element_spec == {
        "image": tf.TensorSpec((None, *shape), tf.uint8),
        "label": tf.TensorSpec((None,), tf.int64),
    }
    assert int(dataset.cardinality()) == 2
    assert [len(batch["image"]) for batch in batches] == [4, 3]
    assert native_num_levels(name) == 256


def test_examples_come_as_they_were_written(data_dir):
    images, labels = _arrays(load("tiny_pictures", "test", data_dir=str(data_dir)))
    written = {image.tobytes(): n % 4 for n, image in enumerate(_pictures(5))}
    assert {i.tobytes(): n for i, n in zip(images, labels, strict=True)} == written
    assert images.dtype == np.uint8


@pytest.mark.parametrize(
    ("split", "count"),
    [
        ("train", 20),
        ("test", 5),
        ("train[:90%]", 18),
        ("train[3:5]", 2),
        ("train+test", 25),
    ],
)
def test_splits_slices_and_sums_are_passed_on(data_dir, split, count):
    dataset = load("tiny_pictures", split, data_dir=data_dir)
    assert int(dataset.cardinality()) == count
    assert len(_arrays(dataset)[1]) == count


@pytest.mark.parametrize("split", ["dev", "train[:5%", "train[:200%]", "test[9:]"])
def test_a_wrong_split_is_answered_with_the_ones_there_are(data_dir, split):
    told = rf"'train', 'test', or a slice .* received {re.escape(repr(split))}"
    with pytest.raises(ValueError, match=told):
        load("tiny_pictures", split, data_dir=data_dir)


def test_a_dataset_without_an_integer_label_has_minus_one(data_dir):
    dataset = load("tiny_unlabelled", "test", data_dir=data_dir)
    assert dataset.element_spec["label"] == tf.TensorSpec((), tf.int64)
    assert _arrays(dataset)[1].tolist() == [-1] * 5


def test_16_bit_images_have_65536_levels(data_dir):
    assert native_num_levels("tiny_deep", data_dir) == 65536
    images, labels = _arrays(load("tiny_deep", "test", data_dir=data_dir))
    assert images.dtype == np.int32
    assert labels.dtype == np.int64
    written = _pictures(5, (12, 10, 1), levels=65536)
    np.testing.assert_array_equal(images[np.argsort(labels)], written)
    options = dict(data_dir=data_dir, num_levels=256)
    coarse, _ = _arrays(load("tiny_deep", "test", **options))
    assert coarse.dtype == np.uint8
    np.testing.assert_array_equal(coarse, images // 256)
    options["num_levels"] = 257
    assert load("tiny_deep", "test", **options).element_spec["image"].dtype == tf.int32


def test_images_of_differing_size_need_an_image_size(data_dir):
    with pytest.raises(ValueError, match=r"'tiny_ragged' differ in size.*image_size="):
        load("tiny_ragged", data_dir=data_dir)
    dataset = load("tiny_ragged", "test", image_size=(6, 6), data_dir=data_dir)
    assert dataset.element_spec["image"].shape == (6, 6, 3)
    images, labels = _arrays(dataset)
    expected = np.broadcast_to(labels[:, None, None, None], (5, 6, 6, 3))
    np.testing.assert_array_equal(images, expected)


def test_the_same_images_in_a_folder_look_the_same(data_dir, tmp_path):
    for number, image in enumerate(_pictures(5)):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
    options = dict(image_size=(5, 7), color_mode="grayscale", num_levels=99)
    from_folder = _keys(f"folder:{tmp_path}", "all", **options)
    from_tfds = _keys("tiny_pictures", "test", data_dir=data_dir, **options)
    assert sorted(from_folder) == sorted(from_tfds)


def test_images_without_levels_are_refused(data_dir):
    with pytest.raises(ValueError, match=r"must hold uint8 or uint16 .*float32"):
        load("tiny_floating", data_dir=data_dir)


class TinyPeople(_Builder):
    FEATURES = features.FeaturesDict(
        {
            "image": features.Image(shape=(12, 10, 3)),
            "label": features.Text(),
            "identity": features.FeaturesDict(
                {
                    "number": features.Scalar(np.int64),
                    "side": features.ClassLabel(names=["left", "right"]),
                }
            ),
        }
    )

    def examples(self, count):
        names = ["Zoë", "Ada", "Bob"]
        for number, image in enumerate(_pictures(count)):
            label = names[number % (3 if count == 20 else 2)]
            identity = {"number": 100 + number % 4, "side": number % 2}
            yield number, {"image": image, "label": label, "identity": identity}


def test_labels_that_are_texts_are_numbered_over_all_splits_where_asked(data_dir):
    options = dict(data_dir=data_dir, shuffle=False, label_feature="label")
    written = dict(zip((image.tobytes() for image in _pictures(20)), "zab" * 7))
    images, labels = _arrays(load("tiny_people", "train", **options))
    initials = [written[image.tobytes()] for image in images]
    assert ["abz"[label] for label in labels] == initials
    # Nobody in this split is called Bob, who keeps his number.
    assert set(_arrays(load("tiny_people", "test", **options))[1]) == {0, 2}
    options["label_feature"] = None
    assert set(_arrays(load("tiny_people", "test", **options))[1]) == {-1}


def test_labels_may_stand_inside_of_other_features(data_dir):
    path = "identity/number"
    dataset = load("tiny_people", "test", data_dir=data_dir, label_feature=path)
    assert sorted(_arrays(dataset)[1]) == [100, 100, 101, 102, 103]
    names = {
        path: label_names("tiny_people", data_dir, path)
        for path in ("identity/side", "identity/number", "identity/none", None)
    }
    assert names.pop("identity/side") == ("left", "right")
    assert set(names.values()) == {None}
    for wrong in ("identity", "identity/name", "image", "name"):
        told = f"must be a feature of 'tiny_people'.*received '{wrong}'"
        with pytest.raises(ValueError, match=told):
            load("tiny_people", data_dir=data_dir, label_feature=wrong)
