import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_pixelcnn as kp
from keras_pixelcnn import receptive_field
from tests.test_case import expected_dependencies, randomize

SHAPE = (5, 6, 1)


def small_model(kind=kp.PixelCNN, shape=SHAPE, **arguments):
    arguments = {"filters": 4 * shape[-1], "head_filters": 16 * shape[-1], **arguments}
    model = kind(
        shape,
        num_levels=5,
        num_blocks=2,
        kernel_size=3,
        first_kernel_size=3,
        **arguments,
    )
    return randomize(model)


@pytest.fixture(scope="module")
def model():
    return small_model()


@pytest.fixture(scope="module")
def gated():
    return small_model(kp.GatedPixelCNN)


def test_one_pixel_is_a_part_of_all():
    """In passes of any size, for colours and conditions as well."""
    arguments = {"num_classes": 3, "condition_dropout": 0.1}
    model = small_model(kp.GatedPixelCNN, (3, 4, 2), **arguments)
    every = kp.dependencies(model)
    assert every.shape == (3, 4, 2, 3, 4, 2) and every.dtype == bool
    np.testing.assert_array_equal(kp.dependencies(model, batch_size=7), every)
    one = kp.dependencies(model, (2, 1), batch_size=1)
    assert one.shape == (2, 3, 4, 2)
    np.testing.assert_array_equal(one, every[2, 1])
    assert one[1, 2, 1, 0] and not one[0, 2, 1].any()


def test_finds_a_model_that_sees_the_future(model):
    """Gradients, not masks, say what is seen."""
    image = model.input["image"]
    encoded = keras.layers.Rescaling(0.5, name="encoding", dtype="float32")(image)
    future = keras.layers.Conv2D(5, 3, padding="same")(encoded)
    outputs = keras.layers.Reshape((*SHAPE, 5))(future)
    cheat = kp.AutoregressiveImageModel(
        inputs={"image": image},
        outputs=outputs,
        image_shape=SHAPE,
        likelihood=kp.likelihoods.get("categorical", 5, 1),
    )
    seen = kp.dependencies(cheat, (2, 2))[0, ..., 0]
    expected = np.zeros(SHAPE[:2], bool)
    expected[1:4, 1:4] = True
    np.testing.assert_array_equal(seen, expected)


def test_is_the_same_for_the_same_seed_and_leaves_the_model_alone(model):
    weights = model.get_weights()
    found = [kp.dependencies(model, (3, 3), tries=1, seed=2) for _ in range(2)]
    np.testing.assert_array_equal(*found)
    for before, after in zip(weights, model.get_weights()):
        np.testing.assert_array_equal(before, after)


def test_large_images_take_a_pass_for_each_channel_of_the_pixel_alone():
    model = kp.GatedPixelCNN(
        (64, 64, 3), 5, filters=12, num_blocks=1, first_kernel_size=3, head_filters=48
    )
    seen = kp.dependencies(model, (40, 30), tries=2)
    assert seen.shape == (3, 64, 64, 3)
    expected = expected_dependencies((3, 3, 3), 1)[1, 1]
    np.testing.assert_array_equal(seen[:, 39:42, 29:32], expected)
    assert seen.sum() == expected.sum()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"pixel": (5, 0)}, r"pixel must be \(row, column\) in an image of 5 rows.*5"),
        ({"pixel": (-1, 0)}, "pixel must be"),
        ({"pixel": (0, 0, 0)}, "pixel must be"),
        ({"pixel": 3}, "pixel must be"),
        ({"pixel": (1.0, 0)}, "pixel must be"),
        ({"tries": 0}, "tries must be an integer of at least 1.*tries=0"),
        ({"batch_size": 2.5}, "batch_size must be an integer"),
        ({"tries": True}, "tries must be an integer of at least 1.*tries=True"),
        ({"seed": "a"}, "seed must be an integer of at least 0.*seed='a'"),
        ({"seed": -1}, "seed must be an integer of at least 0.*seed=-1"),
    ],
)
def test_refuses(model, arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        kp.dependencies(model, **arguments)


def test_refuses_what_is_no_model_of_this_package(model):
    with pytest.raises(ValueError, match=r"such as GatedPixelCNN.*: Sequential"):
        kp.dependencies(keras.Sequential())
    image = keras.Input(SHAPE, name="image", dtype="int32")
    plain = kp.AutoregressiveImageModel(
        inputs={"image": image},
        outputs=keras.layers.Embedding(5, 5)(image[..., 0])[..., None, :],
        image_shape=SHAPE,
        likelihood=model.pixel_likelihood,
    )
    with pytest.raises(ValueError, match='a layer named "encoding"'):
        kp.dependencies(plain)


def colors_of(picture, top, left, cell=20):
    """The colours of the cells of one panel, (5, 6, 3)."""
    rows = top + cell // 2 + cell * np.arange(SHAPE[0])
    columns = left + cell // 2 + cell * np.arange(SHAPE[1])
    return picture[rows[:, None], columns]


def test_draws_what_is_seen(model, tmp_path):
    from PIL import Image

    path = tmp_path / "new" / "seen.png"
    picture = kp.plot_receptive_field(model, (3, 2), path)
    np.testing.assert_array_equal(np.asarray(Image.open(path)), picture)
    assert [file.name for file in path.parent.iterdir()] == ["seen.png"]
    assert picture.dtype == np.uint8 and picture.shape[-1] == 3
    cells = colors_of(picture, top=10, left=10)
    pixel, seen, unseen, later = receptive_field._COLORS
    expected = np.broadcast_to(later, (5, 6, 3)).copy()
    expected[:3] = expected[3, :2] = unseen
    expected[kp.dependencies(model, (3, 2)).any((0, -1))] = seen
    expected[3, 2] = pixel
    np.testing.assert_array_equal(cells, expected)
    assert (cells[2, 4:] == unseen).all()  # the blind spot


def test_draws_several_models_side_by_side(model, gated):
    picture = kp.plot_receptive_field({"PixelCNN": model, "Gated": gated}, (3, 2))
    assert picture.shape[1] == 2 * (6 * 20 + 1 + 20)
    one, other = (colors_of(picture, 28, left) for left in (10, 10 + 121 + 20))
    differ = np.any(one != other, axis=-1)
    assert differ[2, 4] and not differ[3:].any()


def test_draws_the_middle_by_default(gated):
    np.testing.assert_array_equal(
        kp.plot_receptive_field(gated, cell_size=4),
        kp.plot_receptive_field(gated, (2, 3), cell_size=4),
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"model": {}}, "Received: none"),
        ({"model": {3: None}}, r"by the text .* above each. Received: \[3\]"),
        ({"model": "model"}, "such as GatedPixelCNN"),
        ({"pixel": (9, 9)}, "pixel must be"),
        ({"cell_size": 1}, "cell_size must be an integer of at least 2.*=1"),
    ],
)
def test_refuses_to_draw(gated, arguments, sentence, tmp_path):
    with pytest.raises(ValueError, match=sentence):
        kp.plot_receptive_field(
            **{"model": gated, "path": tmp_path / "a.png", **arguments}
        )
    assert not list(tmp_path.iterdir())


def test_gradients_are_those_of_the_inner_network(gated):
    """The network of encoded images is the model's own."""
    images = np.random.default_rng(0).integers(0, 5, (2, *SHAPE))
    encoded = tf.cast(images, tf.float32) / 2 - 1
    network = receptive_field.network_of_encoded(gated)
    np.testing.assert_allclose(network(encoded, {}), gated(images), atol=1e-6)
