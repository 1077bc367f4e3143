"""Every verb by a server over both protocols, against the same verb in Python."""

import io

import numpy as np
import pytest
from absl import flags
from PIL import Image

from keras_pixelcnn.image_grid import image_grid, save_image_grid
from keras_pixelcnn.pixel_values import to_levels, to_pixels
from savedmodels.client import Client, InvalidRequestError, NotFoundError, __main__
from savedmodels.server import LocalServer
from tests.served import decode, encode, encode_masks
from tests.test_case import random_images
from tests.trainers.tiny_run import call

pytestmark = pytest.mark.op_by_op


@pytest.fixture(scope="module")
def model(published):
    """One that can do without its conditions; captions are in conformance_test."""
    return published[0]


@pytest.fixture(scope="module")
def server(published):
    with LocalServer({"tiny": published[1].parent}) as server:
        server.wait_until_available("tiny")
        yield server


@pytest.fixture(scope="module", params=["rest", "grpc"])
def address(request, server):
    if request.param == "rest":
        return server.rest_url
    return f"grpc://{server.grpc_address}"


@pytest.fixture(scope="module")
def client(address):
    with Client(address, "tiny", max_rows=4) as client:
        yield client


@pytest.fixture
def conditions():
    rng = np.random.default_rng(1)
    return {
        "label": [0, -1, 2, 1, 2],
        "embedding": rng.normal(size=(5, 2)),
        "spatial": rng.normal(size=(2, 1, 3)),
    }


@pytest.fixture
def images(model):
    return random_images(model, 5)


def test_sample(client, model, conditions):
    images = client.sample(seed=3, temperature=0.8, **conditions)
    assert images.dtype == np.uint8
    expected = model.sample(seed=3, temperature=0.8, **conditions)
    np.testing.assert_array_equal(images, expected)
    np.testing.assert_array_equal(client.sample(6, seed=3), model.sample(6, seed=3))


def test_sample_png(client, model, conditions):
    files = client.sample_png(seed=range(5), **conditions)
    with Image.open(io.BytesIO(files[0])) as picture:
        assert picture.format == "PNG"
        pixels = np.asarray(picture)
    expected = model.sample(5, seed=range(5), **conditions).numpy()
    np.testing.assert_array_equal(to_levels(pixels, 5), expected[0, :, :, 0])
    np.testing.assert_array_equal(decode(model, files), expected)


def test_sample_from_noise(client, model, conditions):
    noise = np.random.default_rng(0).random((5, *model.image_shape), "f4")
    found = client.sample_from_noise(noise, 0.7, **conditions)
    expected = model.sample_from_noise(noise, 0.7, **conditions)
    np.testing.assert_array_equal(found, expected)


def test_scores(client, model, conditions, images):
    expected = model.log_prob(images, **conditions)
    nats = client.log_prob(images, **conditions)
    np.testing.assert_allclose(nats, expected, rtol=1e-5)
    bits = client.bits_per_dim(images, **conditions)
    np.testing.assert_allclose(bits, -nats / (8 * np.log(2)), rtol=1e-5)


def test_complete(client, model, conditions, images):
    mask = np.random.default_rng(0).random((5, 4, 2)) < 0.5
    for given in (mask, mask[0]):
        found = client.complete(images, given, seed=4, **conditions)
        expected = model.complete(images, given, seed=4, **conditions)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("image", "mask", "sentence"),
    [
        (np.zeros((4, 2, 1)), np.ones((4, 2)), r"image\[None\]"),
        (np.zeros((3, 4, 2, 1)), np.ones((2, 4, 2)), r"mask .*\(3, 4, 2\)\. Received"),
        (
            np.full((1, 4, 2, 1), 9),
            np.ones((4, 2)),
            r"image must hold .*: .*9.*HTTP|gR",
        ),
    ],
)
def test_what_cannot_be_completed_is_refused(client, image, mask, sentence):
    with pytest.raises(InvalidRequestError, match=sentence):
        client.complete(image, mask)


def test_complete_png(client, model, conditions, images):
    mask = np.zeros((4, 2), bool)
    mask[:2] = True
    files = list(encode(model, images))
    (mask_file,) = encode_masks(mask[None])
    found = client.complete_png(files, mask_file, seed=4, **conditions)
    expected = model.complete(images, mask, seed=4, **conditions)
    np.testing.assert_array_equal(decode(model, found), expected)


def test_classify(client, model, conditions, images):
    del conditions["label"]
    found = client.classify(images, **conditions)
    expected = model.classify(images, **conditions).numpy()
    np.testing.assert_allclose(found.probabilities, expected, rtol=1e-4)
    np.testing.assert_array_equal(found.label, expected.argmax(-1))


@pytest.mark.parametrize("method", ["linear", "spherical"])
def test_interpolate(client, model, conditions, method):
    a, b = np.random.default_rng(0).normal(size=(2, 2, 2))
    others = {"spatial": conditions["spatial"], "temperature": [0.9, 1.1]}
    options = {"steps": 3, "seed": 5, "method": method, "label": [2, 0], **others}
    found = client.interpolate(a, b, **options)
    assert found.shape == (2, 3, 4, 2, 1)
    np.testing.assert_array_equal(found, model.interpolate(a, b, **options))
    options = {**options, "label": 1, "temperature": 1.0}
    found = client.interpolate(a[0], b[0], **options)
    assert found.shape == (3, 4, 2, 1)
    np.testing.assert_array_equal(found, model.interpolate(a[0], b[0], **options))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"embedding_b": [1.0]},
            r"one shape, \(2,\) or \(rows, 2\)\. Received: \(2,\)",
        ),
        ({"label": [0, 1]}, r"label must be one for all rows.*shape \(1,\)"),
        ({"label": None}, r"Missing: \['label'\]"),
    ],
)
def test_impossible_ways_are_refused(client, conditions, options, sentence):
    way = {"embedding_a": [1.0, 2.0], "embedding_b": [0.0, 1.0], "label": 1}
    with pytest.raises(InvalidRequestError, match=sentence):
        client.interpolate(**{**way, "spatial": conditions["spatial"], **options})


def test_the_servers_sentences_arrive(client, address, conditions):
    label = r"label must hold integers in \[0, 3\), or -1 .* Received: .*3"
    for wrong, sentence in [
        ({"temperature": 0}, "temperature must be finite numbers above 0"),
        ({"temperature": np.nan}, "temperature must be finite numbers above 0"),
        ({"label": 3}, label),
        ({"embedding": [np.inf, 0]}, "embedding must hold finite numbers"),
    ]:
        with pytest.raises(InvalidRequestError, match=sentence) as error:
            client.sample(5, **{**conditions, **wrong})
        assert f"(signature 'sample' of model 'tiny' at {address})" in str(error.value)


def test_models_and_versions_that_are_not_there(address):
    for other in ({"model": "other"}, {"model": "tiny", "version": 7}):
        with Client(address, **other) as client:
            with pytest.raises(NotFoundError, match=r"Client\.status\(\)"):
                client.sample()


# The command line.


@pytest.fixture
def draw(server, tmp_path, conditions):
    """Calls the program, and gives the levels of the picture that it writes."""
    np.save(tmp_path / "embedding.npy", conditions["embedding"][0])
    np.save(tmp_path / "spatial.npy", conditions["spatial"])
    paths = [f"--{name}={tmp_path / name}.npy" for name in ("embedding", "spatial")]

    def draw(*arguments, conditions=True):
        output = tmp_path / "grid.png"
        given = [f"--address={server.rest_url}", "--model=tiny", f"--output={output}"]
        call(__main__, *given, *(paths if conditions else []), *arguments)
        with Image.open(output) as picture:
            return np.asarray(picture)

    return draw


def first(conditions):
    return {**conditions, "embedding": conditions["embedding"][0]}


def test_the_program_draws_a_row_for_each_label(model, draw, conditions, capsys):
    conditions = {**first(conditions), "label": [2, 2, 2, 0, 0, 0]}
    expected = model.sample(6, 7, 0.9, **conditions)
    expected = image_grid(expected, 5, columns=3)[..., 0]
    options = ["--num_samples=3", "--seed=7", "--temperature=0.9"]
    found = draw("--label=2,0", *options)
    np.testing.assert_array_equal(found, expected)
    assert "6 images in" in capsys.readouterr().out


def test_the_program_knows_labels_by_their_names(draw):
    np.testing.assert_array_equal(
        draw("--label=shoe,shirt", "--num_samples=2"),
        draw("--label=1,0", "--num_samples=2"),
    )


def test_the_program_draws_without_conditions_and_over_grpc(model, server, draw):
    expected = image_grid(model.sample(16, 0), 5)[..., 0]
    found = draw(f"--address=grpc://{server.grpc_address}", conditions=False)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("num_samples", "columns"), [(3, 3), (20, 10)])
def test_the_program_completes(model, draw, tmp_path, conditions, num_samples, columns):
    image = random_images(model, 1)
    save_image_grid(tmp_path / "image.png", image, 5, min_side=1)
    mask = np.array([[True, True], [True, False], [False, False], [False, False]])
    (tmp_path / "mask.png").write_bytes(encode_masks(mask[None])[0])
    conditions = {**first(conditions), "label": 1}
    whole = np.repeat(image, num_samples, axis=0)
    drawn = model.complete(whole, mask, seed=0, **conditions).numpy()
    shown = np.where(mask[..., None], to_pixels(image, 5), np.uint8(128))
    rows = to_pixels(drawn, 5).reshape(-1, columns, *model.image_shape)
    tiles = np.concatenate([tile for row in rows for tile in (shown, row)])
    found = draw(
        "--label=1",
        f"--num_samples={num_samples}",
        f"--complete={tmp_path / 'image.png'}",
        f"--mask={tmp_path / 'mask.png'}",
    )
    np.testing.assert_array_equal(found, image_grid(tiles, columns=columns + 1)[..., 0])


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("--label=7", r"label must hold integers in \[0, 3\)"),
        ("--label=many", r"one of \['shirt', 'shoe', 'hat'\], or a number.*'many'"),
        ("--version=9", "Client.status"),
        ("--model=other", "'other'"),
    ],
)
def test_the_program_tells_what_is_wrong_as_a_value_error(draw, argument, sentence):
    label = [] if argument.startswith("--label") else ["--label=1"]
    with pytest.raises(ValueError, match=sentence):
        draw(argument, *label)


def test_an_image_without_its_mask_is_told(draw):
    with pytest.raises(flags.IllegalFlagValueError, match="pass both"):
        draw("--complete=image.png")
