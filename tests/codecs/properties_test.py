"""Streams of any images, and any bytes as streams: what went in, or a sentence."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_pixelcnn.codecs import CodecError, PixelCNNCodec
from tests.codecs.markov_model import MarkovModel
from tests.models.doors.strategies import answered, are_levels, arrays, fast

MODEL = MarkovModel((2, 2, 1), num_levels=3)
IMAGES = MODEL.images(5)


@pytest.fixture(scope="module")
def codec():
    return PixelCNNCodec(MODEL, batch_size=3)


@pytest.fixture(scope="module")
def streams(codec):
    return [
        codec.compress(IMAGES),
        codec.compress(IMAGES[:2], metadata=b"other"),
        codec.compress(IMAGES[:0]),
    ]


@fast
@given(
    values=arrays([(2, 2, 1), (1, 3, 1)], pool=[0, 1, 2]),
    as_list=st.booleans(),
)
def test_images(codec, values, as_list):
    as_list = as_list and values.ndim and len(values)  # of nothing, there is no type
    given = list(values) if as_list else values
    data = answered(codec.compress, given, told="must|Received")
    fits = values.ndim == 4 and values.shape[-1] == 1 and 0 not in values.shape[1:]
    if not fits or values.dtype.kind not in "buif" or not are_levels(values):
        assert data is None
        return
    back = codec.decompress(data)
    np.testing.assert_array_equal(np.stack(back) if as_list else back, values)


@st.composite
def edits(draw):
    """Changes of a stream: bytes that are changed, cut, put in, doubled or swapped."""
    kind = draw(st.sampled_from(["set", "cut", "insert", "remove", "double", "join"]))
    place, other = draw(st.floats(0, 1)), draw(st.floats(0, 1))
    return kind, place, other, draw(st.binary(min_size=1, max_size=9))


def edited(data, streams, edit):
    kind, place, other, content = edit
    i, j = sorted((int(place * len(data)), int(other * len(data))))
    return {
        "set": data[:i] + content + data[i + len(content) :],
        "cut": data[:i],
        "insert": data[:i] + content + data[i:],
        "remove": data[:i] + data[j:],
        "double": data[:j] + data[i:],
        "join": data[:i] + streams[content[0] % 3][j:],
    }[kind]


@fast
@given(which=st.integers(0, 2), changes=st.lists(edits(), max_size=2))
def test_streams(codec, streams, which, changes):
    data = streams[which]
    for change in changes:
        data = edited(data, streams, change)
    try:
        back = codec.decompress(data)
    except CodecError:
        assert data not in streams
        return
    count = (5, 2, 0)[streams.index(data)]
    np.testing.assert_array_equal(back, IMAGES[:count])


@fast
@given(data=st.binary(max_size=200), begins_right=st.integers(0, 40))
def test_bytes(codec, streams, data, begins_right):
    with pytest.raises(CodecError):
        codec.decompress(streams[0][:begins_right] + data)
