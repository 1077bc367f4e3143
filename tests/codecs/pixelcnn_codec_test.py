"""The codec's own rules: sizes, types, conditions, progress; on a model of no cost."""

import numpy as np
import pytest
import tensorflow as tf

from keras_pixelcnn.codecs import (
    CodecError,
    NumericsError,
    PixelCNNCodec,
    WrongModelError,
    pixelcnn_codec,
    read_header,
)
from keras_pixelcnn.codecs.slice_coders import SliceDecoder
from tests.codecs.markov_model import MarkovModel

CONDITIONAL = {"num_classes": 5, "embedding_dim": 2, "dropout_rate": 0.1}


@pytest.fixture(scope="module")
def model():
    return MarkovModel()


@pytest.fixture(scope="module")
def codec(model):
    return PixelCNNCodec(model, batch_size=20)


def check_round_trip(codec, images, **conditions):
    back = codec.decompress(codec.compress(images, **conditions))
    assert type(back) is type(images)
    for image, again in zip(images, back, strict=True):
        assert image.dtype == again.dtype
        np.testing.assert_array_equal(image, again)


# Images.


@pytest.mark.parametrize("count", [0, 1, 7, 20, 21, 50])
def test_any_number_of_images_comes_back(codec, model, count):
    check_round_trip(codec, model.images(count))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "int64", ">i2"])
def test_images_keep_their_type(codec, model, dtype):
    back = codec.decompress(codec.compress(model.images(3).astype(dtype)))
    assert back.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(back, model.images(3))


def test_whole_floats_come_back_as_integers(codec, model):
    back = codec.decompress(codec.compress(model.images(3).astype("float64")))
    assert back.dtype == np.int32
    np.testing.assert_array_equal(back, model.images(3))


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (2, 9), (7, 8)])
def test_images_of_another_size_go_in_tiles(codec, model, size):
    check_round_trip(codec, model.images(4, size=size))


def test_images_of_several_sizes_come_back_as_a_list(codec, model):
    sizes = [(3, 4), (3, 4), (1, 9), (8, 2), (3, 4)]
    check_round_trip(codec, [model.images(1, size=size)[0] for size in sizes])
    check_round_trip(codec, [])


def test_what_fills_up_tiles_costs_nothing(codec, model):
    """A pixel that is not there takes no bits: images of one, in tiles of 3x4."""
    start = len(codec.compress(model.images(0)))
    whole = len(codec.compress(model.images(20))) - start
    parts = len(codec.compress(model.images(20, size=(1, 1)))) - start
    assert parts <= whole / 12 + 60


@pytest.mark.parametrize(
    ("images", "rule"),
    [
        (np.full((2, 3, 4, 2), 7), r"integers in \[0, 7\)"),
        (np.zeros((2, 3, 4, 3), int), "model's channels: 2"),
        (np.zeros((3, 4, 2), int), r"shape \(batch, height, width, channels\)"),
        ([np.zeros((3, 4, 2), int), np.full((3, 4, 2), 0.5)], r"images\[1\]"),
        ("images", "Received: str"),
        (None, "Received: NoneType"),
    ],
)
def test_images_that_cannot_be_coded_are_told(codec, images, rule):
    with pytest.raises(ValueError, match=rule):
        codec.compress(images)


@pytest.mark.parametrize("batch_size", [0, 4097, 2.5, None, True])
def test_a_wrong_batch_size_is_told(model, batch_size):
    with pytest.raises(ValueError, match="batch_size must be an integer from 1"):
        PixelCNNCodec(model, batch_size)


@pytest.mark.parametrize("data", ["images.kpxc", None, 7, [1, 2]])
def test_what_must_be_bytes_is_told(codec, model, data):
    for call in (codec.decompress, read_header):
        with pytest.raises(TypeError, match=r"data must be bytes.*read_bytes\(\)"):
            call(data)
    with pytest.raises(TypeError, match="metadata must be bytes"):
        codec.compress(model.images(1), metadata=data)


# What the stream costs and tells.


def test_the_stream_takes_the_bits_that_the_model_gives(model):
    codec = PixelCNNCodec(model, batch_size=4000)
    logits = model.weights[0].numpy().astype("float64")
    nats = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    generator, images = np.random.default_rng(3), np.zeros((4000, 24), "uint8")
    before, bits = np.zeros(4000, int), 0.0
    for place in range(24):
        gumbel = nats[before] + generator.gumbel(size=(4000, 7))
        images[:, place] = gumbel.argmax(axis=1)
        bits -= nats[before, images[:, place]].sum() / np.log(2)
        before = images[:, place].astype(int)
    data = codec.compress(images.reshape(4000, 3, 4, 2))
    assert 8 * len(data) < 1.001 * bits + 8 * 300


def test_the_overhead_is_as_documented(codec, model):
    assert len(codec.compress(model.images(0))) <= 250
    one = PixelCNNCodec(model, batch_size=1)
    images = np.stack([model.images(1)[0]] * 9)
    first, all_nine = len(one.compress(images[:1])), len(one.compress(images))
    bits = 24 * np.log2(7) + 24
    assert (all_nine - first) / 8 <= 20 + 16 + 2 * bits / 8


def test_a_header_says_what_is_in_the_stream(codec, model):
    images = [model.images(1, size=size)[0] for size in [(3, 4), (6, 4), (6, 4)]]
    header = read_header(codec.compress(images, metadata=b"names"))
    assert header.num_images == 3
    assert header.num_values == 2 * (12 + 24 + 24)
    assert header.num_tiles == 5
    assert list(header.image_sizes()) == [(3, 4), (6, 4), (6, 4)]
    assert header.metadata == b"names"
    assert f"tensorflow {tf.__version__}" in header.numerics


def test_progress_is_told_after_each_batch(codec, model):
    steps = []
    data = codec.compress(model.images(50), on_batch=lambda *step: steps.append(step))
    assert [done for done, _ in steps] == [20, 40, 50]
    assert 0.9 * len(data) - 250 < sum(size for _, size in steps) < len(data)
    steps.clear()
    codec.decompress(data, on_batch=lambda *step: steps.append(step))
    assert [done for done, _ in steps] == [20, 40, 50]


def test_decoding_follows_the_stream_and_not_the_codec(model, codec):
    data = PixelCNNCodec(model, batch_size=7).compress(model.images(50))
    np.testing.assert_array_equal(codec.decompress(data), model.images(50))


# Conditions.


@pytest.fixture(scope="module")
def conditional():
    return PixelCNNCodec(MarkovModel(**CONDITIONAL), batch_size=20)


@pytest.fixture(scope="module")
def conditions():
    generator = np.random.default_rng(0)
    labels = generator.integers(-1, 5, 30)
    return {"label": labels, "embedding": generator.normal(size=(30, 2))}


def test_labels_travel_and_embeddings_are_asked_for(conditional, model, conditions):
    images = model.images(30)
    data = conditional.compress(images, **conditions)
    embedding = conditions["embedding"]
    np.testing.assert_array_equal(
        conditional.decompress(data, embedding=embedding), images
    )
    with pytest.raises(ValueError, match="Missing: \\['embedding'\\]"):
        conditional.decompress(data)
    with pytest.raises(WrongModelError, match="those that the images were compressed"):
        conditional.decompress(data, embedding=embedding + 1)
    with pytest.raises(ValueError, match="Labels travel in the stream"):
        conditional.decompress(data, **conditions)


def test_conditions_change_what_is_written(conditional, model, conditions):
    images = model.images(30)
    given = conditional.compress(images, **conditions)
    others = {**conditions, "label": np.roll(conditions["label"], 1)}
    assert conditional.compress(images, **others) != given


def test_a_model_that_can_do_without_conditions_needs_none(conditional, model):
    images = model.images(5)
    data = conditional.compress(images)
    np.testing.assert_array_equal(conditional.decompress(data), images)
    none = {"label": -1, "embedding": np.ones(2)}
    assert conditional.compress(images, **none) == data


@pytest.mark.parametrize("num_classes", [1, 2, 300])
def test_labels_take_their_bits_and_count_for_all_tiles(num_classes):
    model = MarkovModel((3, 4, 1), num_classes=num_classes)
    codec = PixelCNNCodec(model, batch_size=50)
    labels = np.random.default_rng(0).integers(0, num_classes, 100)
    images = model.images(100, size=(4, 4))
    data = codec.compress(images, label=labels)
    np.testing.assert_array_equal(codec.decompress(data), images)
    codes = read_header(data).conditions
    assert 8 * len(codes) <= 100 * np.log2(num_classes) + 64
    with pytest.raises(ValueError, match="Missing: \\['label'\\]"):
        codec.compress(images)


# Models and machines.


def test_weights_are_those_that_stand_at_the_call():
    model = MarkovModel()
    codec, images = PixelCNNCodec(model, batch_size=20), model.images(9)
    before = codec.compress(images)
    model.weights[0].assign(-model.weights[0])
    after = codec.compress(images)
    np.testing.assert_array_equal(codec.decompress(after), images)
    with pytest.raises(WrongModelError, match="with the same weights"):
        codec.decompress(before)


def test_other_numerics_end_in_an_error_that_names_them(codec, model, monkeypatch):
    """One table of the last row is another, as by a last digit."""
    code = SliceDecoder._code

    def of_another_machine(self, place, coded, tables, step):
        if place == (2, 0, 0):
            tables = tables.copy()
            tables[0] = np.roll(tables[0], 1)
        return code(self, place, coded, tables, step)

    data = codec.compress(model.images(50))
    monkeypatch.setattr(SliceDecoder, "_code", of_another_machine)
    told = "on the machine and build that wrote it. Written with: tensorflow"
    with pytest.raises(NumericsError, match=told):
        codec.decompress(data)


def test_first_tables_that_differ_are_told_at_once(codec, model, monkeypatch):
    data = codec.compress(model.images(20))
    seen = []
    scan = MarkovModel.scan

    def softer(self, draw, conditions, slices):
        def draw_softer(index, row):
            draw_value = draw(index, row)
            seen.append(row)
            return lambda column, channel, logits: draw_value(
                column, channel, logits * 0.999
            )

        return scan(self, draw_softer, conditions, slices)

    monkeypatch.setattr(MarkovModel, "scan", softer)
    same = MarkovModel()  # whose graphs are not traced yet
    with pytest.raises(NumericsError, match="come out otherwise here"):
        PixelCNNCodec(same).decompress(data)
    assert seen


def test_a_model_that_gives_no_numbers_is_told():
    model = MarkovModel()
    model.weights[0].assign(model.weights[0] * np.nan)
    with pytest.raises(CodecError, match="must give finite parameters"):
        PixelCNNCodec(model).compress(model.images(2))


def test_slices_are_those_of_the_encoder(monkeypatch):
    """A stream of two slices is decoded where one would serve, and the reverse."""
    model, streams = MarkovModel(), []
    for count in (1, 2, 3):
        monkeypatch.setattr(pixelcnn_codec, "most_slices_in_graphs", lambda n=count: n)
        codec = PixelCNNCodec(model, batch_size=40)
        streams.append(codec.compress(model.images(40)))
        for data in streams:
            np.testing.assert_array_equal(codec.decompress(data), model.images(40))
    assert len(set(streams)) == 3


@pytest.mark.parametrize("model", ["gated_pixelcnn_digits", None])
def test_what_is_no_model_is_refused_when_the_codec_is_made(model):
    with pytest.raises(ValueError, match="takes a model of keras_pixelcnn"):
        PixelCNNCodec(model)
