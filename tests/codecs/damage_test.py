"""Streams that were changed, cut, mixed up or made up: all are told of."""

import numpy as np
import pytest

from keras_pixelcnn.codecs import (
    DamagedStreamError,
    NumericsError,
    PixelCNNCodec,
    WrongModelError,
)
from keras_pixelcnn.codecs.stream import SizeRun, StreamWriter, read_stream
from tests.codecs.markov_model import MarkovModel
from tests.peak_memory import peak_of

HUGE = 10**9


@pytest.fixture(scope="module")
def codec():
    return PixelCNNCodec(MarkovModel(), batch_size=3)


@pytest.fixture(scope="module")
def images(codec):
    return MarkovModel().images(8)


@pytest.fixture(scope="module")
def data(codec, images):
    return codec.compress(images)


def refused(codec, data):
    with pytest.raises(DamagedStreamError) as told:
        codec.decompress(data)
    return str(told.value)


def test_every_flipped_bit_is_detected(codec, data):
    for position in range(len(data)):
        for bit in range(8) if position < 40 else (position % 8,):
            changed = bytearray(data)
            changed[position] ^= 1 << bit
            refused(codec, bytes(changed))


def test_every_cut_is_detected(codec, data):
    for length in range(len(data)):
        refused(codec, data[:length])


def test_what_follows_the_end_is_detected(codec, data):
    assert "left over" in refused(codec, data + b"\0")
    refused(codec, data + data)


def test_swapped_and_repeated_parts_are_detected(codec, data):
    generator = np.random.default_rng(0)
    for _ in range(200):
        a, b, c = sorted(generator.choice(len(data), 3, replace=False))
        swapped = data[:a] + data[b:c] + data[a:b] + data[c:]
        if swapped != data:
            refused(codec, swapped)
        refused(codec, data[:b] + data[a:])


def pieces(data):
    """The start of a stream and its batches, each with its checksum."""
    header, batches = read_stream(data)
    writer = StreamWriter(header)
    return writer.start, [writer.batch(batch) for batch in batches]


def test_batches_stand_at_their_own_place_of_their_own_stream(codec, images, data):
    start, batches = pieces(data)
    assert start + b"".join(batches) == data
    refused(codec, start + batches[1] + batches[0] + batches[2])
    refused(codec, start + batches[0] + batches[0] + batches[2])
    _, others = pieces(codec.compress(images, metadata=b"other"))
    assert len(others[1]) == len(batches[1])
    refused(codec, start + batches[0] + others[1] + batches[2])


@pytest.mark.parametrize("data", [b"", b"KPXC", b"\x89PNG\r\n", bytes(1000)])
def test_other_data_is_told_apart(codec, data):
    refused(codec, data)


def test_another_version_is_told(codec, data):
    assert "version 9" in refused(codec, data[:4] + b"\x09" + data[5:])


CLAIMS = {
    "many images": {"sizes": (SizeRun(HUGE, 3, 4),)},
    "more images than any": {"sizes": (SizeRun(2**62, 2**62, 2**62),)},
    "large images": {"sizes": (SizeRun(8, HUGE, HUGE),)},
    "large batches": {"sizes": (SizeRun(HUGE, 3, 4),), "batch_size": HUGE},
    "largest batches": {"sizes": (SizeRun(HUGE, 3, 4),), "batch_size": 4096},
    "no batches": {"batch_size": 0},
    "no image": {"sizes": ()},
    "empty images": {"sizes": (SizeRun(8, 0, 4),)},
    "many slices": {"most_slices": HUGE},
    "no channels": {"image_shape": (3, 4, 0)},
    "one level": {"num_levels": 1},
}


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=list(CLAIMS))
def test_made_up_headers_with_right_checksums_are_refused(codec, data, claim):
    """And cost hardly more memory than the stream itself."""
    forged = with_header(data, **claim)
    refused(codec, forged)  # once before, as the first error imports modules
    assert peak_of(lambda: refused(codec, forged)) < 200_000


def with_header(data, **changes):
    header, batches = read_stream(data)
    writer = StreamWriter(header._replace(**changes))
    return writer.start + b"".join(writer.batch(batch) for batch in batches)


def test_made_up_batches_with_right_checksums_give_no_wrong_images(codec, images, data):
    """The coder gets words that no encoder wrote, or too few of them.

    The last bits of the last word may be anything.
    """
    header, batches = read_stream(data)
    refusals = 0
    generator = np.random.default_rng(0)
    for trial in range(60):
        number = trial % len(batches)
        (own,) = batches[number].slices
        words = bytearray(own.data)
        if trial % 3:
            words[generator.integers(len(words))] ^= 1 + generator.integers(255)
        else:
            words = generator.bytes(4 * generator.integers(1 + len(words) // 4))
        forged = batches[number]._replace(slices=(own._replace(data=bytes(words)),))
        writer = StreamWriter(header)
        others = [*batches[:number], forged, *batches[number + 1 :]]
        stream = writer.start + b"".join(writer.batch(batch) for batch in others)
        try:
            np.testing.assert_array_equal(codec.decompress(stream), images)
        except NumericsError:
            refusals += 1
    assert refusals > 50


@pytest.mark.parametrize(
    "changes",
    [{"fingerprint": bytes(16)}, {"image_shape": (3, 4, 1)}, {"num_levels": 8}],
    ids=lambda changes: next(iter(changes)),
)
def test_headers_of_other_models_are_refused(codec, data, changes):
    with pytest.raises(WrongModelError):
        codec.decompress(with_header(data, **changes))
