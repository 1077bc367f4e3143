"""Streams that were changed, cut, mixed up or made up: all are told of."""

import gc

import numpy as np
import pytest

from keras_pixelcnn.codecs import (
    DamagedStreamError,
    NumericsError,
    PixelCNNCodec,
    WrongModelError,
    read_header,
)
from keras_pixelcnn.codecs.batch_coder import CodedBatch, CodedSlice
from keras_pixelcnn.codecs.byte_fields import ByteReader, number
from keras_pixelcnn.codecs.stream import SizeRun, StreamWriter, read_stream
from keras_pixelcnn.models.base.conditions import Conditions
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


def test_numbers_that_are_cut_or_have_no_end_are_told():
    """By headers, too, whose checksum is right."""
    for damaged in (number(5), b"\xff" * 9):
        with pytest.raises(DamagedStreamError, match="numbers should follow"):
            ByteReader(damaged).numbers(2)
    with pytest.raises(DamagedStreamError, match="has no end"):
        ByteReader(b"\xff" * 9 + b"\x01" * 9).numbers(2)


def test_every_cut_is_detected(codec, data):
    for length in range(len(data)):
        refused(codec, data[:length])


def test_what_follows_the_end_is_detected(codec, data):
    assert "left over" in refused(codec, data + b"\0")
    refused(codec, data + data)


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
    "no image, and huge": {"sizes": (SizeRun(0, 2**62, 2**62),)},
    "no image, and wide": {"sizes": (SizeRun(0, 1, 2**62),)},
    "runs of no image": {"sizes": (SizeRun(0, 3, 4),) * 2, "is_array": False},
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


def with_batches(header, count, data=b"\0\0\0\0"):
    """A stream of as many batches as its header claims, all of them made up."""
    writer = StreamWriter(header)
    batch = CodedBatch(0, bytes(8), (CodedSlice(0, data),))
    return writer.start + b"".join(writer.batch(batch) for _ in range(count))


LARGEST = {"batch_size": 4096, "most_slices": 1}


@pytest.mark.parametrize(
    "size",
    [SizeRun(4096 * 100, 3, 4), SizeRun(1, 3 * 4096, 4 * 100)],
    ids=["many images", "a large image"],
)
@pytest.mark.parametrize("is_conditional", [False, True])
def test_memory_is_that_of_one_batch_though_all_batches_are_there(
    size, is_conditional, monkeypatch
):
    """Also that of conditions, which TensorFlow takes: they are made for a batch."""
    asked = []
    prepare = Conditions.prepare

    def watched(self, given, num_examples):
        asked.append(num_examples)
        return prepare(self, given, num_examples)

    monkeypatch.setattr(Conditions, "prepare", watched)
    conditions = {"embedding_dim": 2, "dropout_rate": 0.5} if is_conditional else {}
    codec = PixelCNNCodec(MarkovModel(**conditions))
    header = read_header(codec.compress(MarkovModel().images(0)))
    header = header._replace(sizes=(size,), **LARGEST)
    few = with_batches(header._replace(sizes=(SizeRun(4096, 3, 4),)), 1)

    def fails(stream):
        with pytest.raises(NumericsError):
            codec.decompress(stream)

    fails(few)
    forged = with_batches(header, 100)
    assert len(forged) < 5000
    assert peak_of(lambda: fails(forged)) < peak_of(lambda: fails(few)) + 200_000
    assert max(asked) <= 4096


def test_labels_are_no_more_than_their_bits_allow():
    codec = PixelCNNCodec(MarkovModel(num_classes=5))
    data = codec.compress(MarkovModel().images(2), label=[1, 2])
    header = read_header(data)._replace(sizes=(SizeRun(4096 * 100, 3, 4),), **LARGEST)
    told = refused(codec, with_batches(header, 100))
    assert "conditions are cut" in told


def test_a_slice_of_no_word_is_refused(codec, data):
    header = read_header(data)._replace(sizes=(SizeRun(4096, 3, 4),), **LARGEST)
    assert "codes nothing" in refused(codec, with_batches(header, 1, data=b""))


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
        except (NumericsError, DamagedStreamError):  # the latter: no words at all
            refusals += 1
    assert refusals > 50


def test_millions_of_runs_are_not_millions_of_objects(data):
    """Once a header of 3 MB took half a minute, most of it to collect garbage."""
    runs = [SizeRun(1, 1 + i % 2, 2**62 - 1 - i) for i in range(20_000)]
    header, _ = read_stream(data)
    start = StreamWriter(header._replace(sizes=runs, is_array=False)).start
    gc.collect()
    before = len(gc.get_objects())
    with pytest.raises(DamagedStreamError, match="makes no sense"):
        read_header(start)
    runs = [SizeRun(1 + i, 1 + i % 2, 3 + i**3) for i in range(20_000)]
    found = read_header(StreamWriter(header._replace(sizes=runs, is_array=False)).start)
    assert len(gc.get_objects()) < before + 2000
    assert list(found.sizes) == runs and len(found.sizes) == 20_000
    assert runs[7] in found.sizes and SizeRun(9, 9, 9) not in found.sizes
    assert found.num_images == sum(run.count for run in runs)


@pytest.mark.parametrize(
    "changes",
    [{"fingerprint": bytes(16)}, {"image_shape": (3, 4, 1)}, {"num_levels": 8}],
    ids=lambda changes: next(iter(changes)),
)
def test_headers_of_other_models_are_refused(codec, data, changes):
    with pytest.raises(WrongModelError):
        codec.decompress(with_header(data, **changes))
