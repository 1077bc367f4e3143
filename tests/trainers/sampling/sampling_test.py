"""Tests of what the sample program draws and writes."""

import numpy as np
import pytest
from absl import flags
from PIL import Image

from keras_pixelcnn.datasets.image_file import read_known
from keras_pixelcnn.files import read_array
from keras_pixelcnn.image_grid import image_grid, save_image_grid
from tests.test_case import random_images
from tests.trainers.tiny_run import call, tiny_model
from trainers import sample
from trainers.sampling import sampling

pytestmark = pytest.mark.op_by_op

SHAPE = (4, 3, 1)


@pytest.fixture(scope="module")
def model():
    return tiny_model(SHAPE, num_levels=5, num_classes=4, condition_dropout=0.1)


@pytest.fixture(scope="module")
def strict_model():
    """One that cannot do without its label."""
    return tiny_model(SHAPE, num_levels=5, num_classes=4)


@pytest.fixture(scope="module")
def path(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.keras"
    model.save(path)
    return path


def form(model):
    return model.image_shape, model.num_levels


def save_gray(path, pixels):
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path)
    return path


def read_png(path):
    with Image.open(path) as file:
        return np.asarray(file)


# Conditions.


def test_each_label_gets_a_row_of_so_many_images(model):
    samples = sampling.sample_images(model, 3, ["2", "0"], seed=1)
    assert samples.labels.tolist() == [2, 2, 2, 0, 0, 0]
    expected = model.sample(6, seed=1, label=[2, 2, 2, 0, 0, 0])
    np.testing.assert_array_equal(samples.images, expected)
    assert not np.array_equal(samples.images, model.sample(6, seed=1))
    assert samples.num_each == 3


def test_all_labels_are_those_of_the_model(model):
    samples = sampling.sample_images(model, 2, ["all"], seed=1)
    assert samples.labels.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_without_labels_the_model_is_unconditional(model):
    samples = sampling.sample_images(model, 6, seed=1)
    assert samples.labels is None
    np.testing.assert_array_equal(samples.images, model.sample(6, seed=1))
    assert samples.num_each is None


def test_a_label_that_is_needed_is_asked_for(strict_model):
    with pytest.raises(ValueError, match=r"Pass --label=3 or --label=all\.$") as error:
        sampling.sample_images(strict_model, 2)
    assert "\n" not in str(error.value)


def test_an_embedding_that_is_needed_is_asked_for():
    model = tiny_model(SHAPE, embedding_dim=2, num_classes=2)
    with pytest.raises(ValueError, match=r"Pass --embedding=FILE\.npy\.$"):
        sampling.sample_images(model, 2, ["1"])


@pytest.mark.parametrize("labels", [["4"], ["-1"], ["0", "7"]])
def test_a_label_out_of_range_is_told(strict_model, labels):
    with pytest.raises(ValueError, match=rf"\[0, 4\)\. Received: {labels[-1]}"):
        sampling.sample_images(strict_model, 2, labels)


@pytest.mark.parametrize("labels", [["all"], ["1"]])
def test_labels_of_a_model_without_are_told(labels):
    with pytest.raises(ValueError, match=r"takes no conditions.*\['label'\]"):
        sampling.sample_images(tiny_model(SHAPE), 2, labels)


@pytest.mark.parametrize(
    ("name", "argument", "shape"),
    [
        ("embedding", {"embedding_dim": 3}, (3,)),
        ("embedding", {"embedding_dim": 3}, (5, 3)),
        ("spatial", {"spatial_shape": (2, 2, 1)}, (2, 2, 1)),
        ("spatial", {"spatial_shape": (2, 2, 1)}, (5, 2, 2, 1)),
    ],
)
def test_arrays_are_read_and_given_to_the_model(tmp_path, name, argument, shape):
    model = tiny_model(SHAPE, num_levels=5, **argument)
    values = np.random.default_rng(0).normal(size=shape) * 10
    np.save(tmp_path / "values.npy", values)
    arrays = {name: read_array(name, tmp_path / "values.npy")}
    found = sampling.sample_images(model, 5, conditions=arrays, seed=1).images
    expected = model.sample(5, seed=1, **{name: values})
    np.testing.assert_array_equal(found, expected)
    assert not np.array_equal(found, model.sample(5, seed=1, **{name: 0 * values}))
    if len(shape) in (2, 4):
        with pytest.raises(ValueError, match="one for each of the 4 images"):
            sampling.sample_images(model, 4, conditions=arrays)


def test_files_that_hold_no_array_are_told(tmp_path):
    (tmp_path / "text.npy").write_text("1, 2, 3")
    (tmp_path / "empty.npy").touch()
    np.savez(tmp_path / "two.npz", a=1, b=2)
    np.save(tmp_path / "words.npy", np.array(["a", "b"]))
    np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(
            ValueError, match=r"embedding must be a \.npy file"
        ) as error:
            read_array("embedding", path)
        assert path.name in str(error.value)
    with pytest.raises(FileNotFoundError):
        read_array("embedding", tmp_path / "nothing.npy")


# Completion.


@pytest.mark.parametrize("num_levels", [2, 5, 17, 200, 256])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_saved_image_is_read_back_as_it_was(tmp_path, num_levels, channels):
    model = tiny_model((4, 3, channels), num_levels=num_levels)
    image = random_images(model, 1)
    save_image_grid(tmp_path / "image.png", image, num_levels, min_side=1)
    save_gray(tmp_path / "mask.png", np.full((4, 3), 255))
    known = read_known(tmp_path / "image.png", tmp_path / "mask.png", *form(model))
    np.testing.assert_array_equal(known.image, image[0])
    assert known.mask.all()


@pytest.fixture
def known(model, tmp_path):
    """The upper half of an image of ones, read from files."""
    image = save_gray(tmp_path / "image.png", np.full((4, 3), 64))
    mask = save_gray(tmp_path / "mask.png", [[255] * 3, [192] * 3, [63] * 3, [0] * 3])
    return read_known(image, mask, *form(model))


def test_an_image_of_16_bits_keeps_them(tmp_path):
    """Once the lower 8 were lost on the way to a model of so many levels."""
    model = tiny_model((4, 3, 1), num_levels=65_536)
    image = random_images(model, 1)[0]
    Image.fromarray(image[..., 0].astype("u2")).save(tmp_path / "image.png")
    save_gray(tmp_path / "mask.png", np.full((4, 3), 255))
    known = read_known(tmp_path / "image.png", tmp_path / "mask.png", *form(model))
    np.testing.assert_array_equal(known.image, image)


def test_completions_keep_what_is_known_and_differ_in_the_rest(model, known):
    samples = sampling.sample_images(model, 8, known=known, seed=1)
    assert (samples.images[:, :2] == 1).all()
    assert len(np.unique(samples.images, axis=0)) > 4
    image = np.repeat(known.image[None], 8, axis=0)
    expected = model.complete(image, known.mask, seed=1)
    np.testing.assert_array_equal(samples.images, expected)


@pytest.mark.parametrize("wrong", ["image", "mask"])
def test_another_size_is_told(model, tmp_path, wrong):
    sizes = {"image": (4, 3), "mask": (4, 3), wrong: (8, 6)}
    paths = [
        save_gray(tmp_path / f"{name}.png", np.zeros(size))
        for name, size in sizes.items()
    ]
    with pytest.raises(ValueError, match=rf"{wrong}\.png .*4 x 3 .*: 8 x 6"):
        read_known(*paths, *form(model))


def test_what_is_no_picture_is_told(model, tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(ValueError, match=r"text\.png must be a picture"):
        read_known(tmp_path / "text.png", tmp_path / "text.png", *form(model))
    with pytest.raises(FileNotFoundError):
        read_known(tmp_path / "nothing.png", tmp_path / "text.png", *form(model))


def test_channels_that_no_picture_holds_are_told(tmp_path):
    model = tiny_model((4, 3, 2))
    with pytest.raises(ValueError, match=r"PNG and its kin hold no others.*2 channels"):
        read_known(tmp_path / "image.png", tmp_path / "mask.png", *form(model))


# The program.


def test_the_flags_reach_the_model_and_the_array_holds_labels(model, path, tmp_path):
    call(
        sample,
        f"--model={path}",
        "--num_samples=3",
        "--label=1,3",
        "--seed=7",
        "--temperature=0.9",
        "--top_p=0.8",
        "--guidance_scale=2",
        f"--output={tmp_path / 'grid.png'}",
        f"--array={tmp_path / 'samples'}",
    )
    saved = np.load(tmp_path / "samples")
    labels = [1, 1, 1, 3, 3, 3]
    expected = model.sample(6, 7, 0.9, top_p=0.8, guidance_scale=2, label=labels)
    np.testing.assert_array_equal(saved["image"], expected)
    assert saved["label"].tolist() == labels
    assert saved["seed"] == 7
    grid = image_grid(expected, 5, columns=3)[..., 0]
    np.testing.assert_array_equal(read_png(tmp_path / "grid.png"), grid)


def test_the_program_completes(model, path, known, tmp_path, capsys):
    call(
        sample,
        f"--model={path}",
        "--num_samples=2",
        "--seed=1",
        f"--complete={tmp_path / 'image.png'}",
        f"--mask={tmp_path / 'mask.png'}",
        f"--output={tmp_path / 'grid.png'}",
        f"--array={tmp_path / 'samples.npz'}",
    )
    saved = np.load(tmp_path / "samples.npz")
    assert set(saved) == {"image", "seed"}
    image = np.repeat(known.image[None], 2, axis=0)
    expected = model.complete(image, known.mask, seed=1)
    np.testing.assert_array_equal(saved["image"], expected)
    assert "2 images in" in capsys.readouterr().out


@pytest.mark.parametrize("flag", ["--complete=image.png", "--mask=mask.png"])
def test_an_image_without_its_mask_is_told(path, flag):
    with pytest.raises(flags.IllegalFlagValueError, match="pass both"):
        call(sample, f"--model={path}", flag)


@pytest.mark.parametrize("words", ["", "x", "1,all", "1.5", "0,,1", "--1"])
def test_words_that_are_no_labels_are_told(path, words):
    with pytest.raises(ValueError, match=r"label must (hold integers|name a label)"):
        call(sample, f"--model={path}", f"--label={words}")


def test_labels_go_by_their_names(model):
    names = ["kind 9", "kind 8", "0", "kind 2"]
    model = type(model).from_config({**model.get_config(), "label_names": names})
    by_name = sampling.sample_images(model, 2, ["kind 2", "0", "1"], seed=1)
    by_number = sampling.sample_images(model, 2, [3, 2, 1], seed=1)
    np.testing.assert_array_equal(by_name.images, by_number.images)
    with pytest.raises(ValueError, match=r"names: kind 9.*'kimd 2'. Was 'kind 2'"):
        sampling.sample_images(model, 2, ["kimd 2"])
