"""Tests of the client over both protocols, against servers that answer as told."""

import re
import socket
import threading
import time

import numpy as np
import pytest

from savedmodels.client import (
    Client,
    DeadlineExceededError,
    InvalidRequestError,
    NotFoundError,
    RetryPolicy,
    ServerError,
    UnavailableError,
)
from tests.savedmodels.client import fakes

# So that no test waits.
AT_ONCE = RetryPolicy(5, sleep=lambda seconds: None)


@pytest.fixture
def client(fake):
    with Client(fake.address, "digits", max_rows=4, retries=AT_ONCE) as client:
        yield client


# Rows.


@pytest.mark.parametrize("count", [1, 4, 11])
def test_large_calls_are_cut_and_put_together_again(fake, client, count):
    labels = np.arange(count) % 3
    temperature = np.arange(1, count + 1) / 10
    images = client.sample(count, np.zeros(count, int), temperature, label=labels)
    assert images.dtype == np.uint8
    expected = np.stack([labels, np.arange(1, count + 1)], 1)
    np.testing.assert_array_equal(images[..., 0, 0], expected)
    assert fake.rows == [4] * (count // 4) + [count % 4] * (count % 4 > 0)


def test_no_image_needs_no_request(fake, client):
    images = client.sample(0, label=1)
    assert images.shape == (0, 2, 1, 1)
    assert images.dtype == np.uint8
    assert client.log_prob(np.zeros((0, 2, 1, 1), int), label=1).shape == (0,)
    assert fake.rows == []


# What a call means.


def test_all_64_bits_of_a_seed_arrive(client):
    seeds = [2**63 - 1, -(2**63), 2**53 + 1]
    images = client.sample(seed=seeds, label=1)
    assert images[:, 1, 0, 0].tolist() == [10 + seed % 10 for seed in seeds]


def test_there_are_as_many_images_as_conditions_or_seeds(client):
    assert len(client.sample(label=1)) == 1
    assert len(client.sample(label=[1, 2, 0])) == 3
    assert len(client.sample(seed=[1, 2])) == 2
    assert len(client.sample_png(label=[1, 2, 0], seed=1)) == 3


def test_one_file_stands_for_all_or_there_is_one_for_each(client):
    assert client.complete_png(b"a\0", b"b") == [b"a\0\0b"]
    assert client.complete_png([b"a", b"c"], b"b") == [b"a\0b", b"c\0b"]
    assert client.complete_png(b"a", b"b", label=[0, 1]) == [b"a\0b"] * 2
    with pytest.raises(InvalidRequestError, match=r"mask_bytes .* shape \(3,\)\. Rec"):
        client.complete_png([b"a"] * 3, [b"b"] * 2)


def test_masks_that_keep_all_or_nothing_are_told(client):
    """Once only the program that samples told of them."""
    with pytest.warns(UserWarning, match=r"images \[1, 2\] keep nothing: all of it is"):
        drawn = client.complete_png(b"a", [b"b", b"nothing", b"nothing"])
    assert len(drawn) == 3
    with pytest.warns(UserWarning, match=r"images \[0\] keep all: nothing is drawn"):
        client.complete_png(b"a", b"all")


def test_what_the_model_is_is_asked_for_once_by_calls_that_need_it(fake, client):
    client.sample(2, seed=[1, 2])
    client.sample(3, seed=[1, 2, 3])
    assert fake.rows == [1, 2, 3]
    assert client.metadata() == fakes.DOCUMENT
    assert fake.rows == [1, 2, 3, 1]


def test_versions_and_their_states(client):
    assert client.status() == [(2, "AVAILABLE", ""), (1, "END", "broken")]


def test_threads_share_a_client(client):
    found = {}

    def draw(label):
        found[label] = client.sample(9, seed=range(9), label=label)

    threads = [threading.Thread(target=draw, args=[label]) for label in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for label in range(8):
        assert (found[label][:, 0] == label).all()
        assert found[label][:, 1, 0, 0].tolist() == list(range(10, 19))


# Arguments that are refused before anything is sent.


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"num_samples": -1}, "num_samples must be an integer of at least 0"),
        ({"num_samples": 2, "label": [1, 2, 0]}, r"label .* shape \(2,\)\. Received"),
        ({"num_samples": 2, "temperature": [1, 1, 1]}, r"temperature .* \(2,\)"),
        ({"top_p": 0.5}, r"takes the conditions \['label'\]\. Received: \['top_p'\]"),
    ],
)
def test_impossible_arguments_are_refused(fake, client, arguments, sentence):
    with pytest.raises(InvalidRequestError, match=sentence):
        client.sample(**{"label": 1, **arguments})
    assert fake.rows == []


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (
            np.zeros((2, 1, 1)),
            r"image .*\(batch, 2, 1, 1\).* batch axis, image\[None\]",
        ),
        (
            np.zeros((3, 2, 2, 1)),
            r"\(batch, 2, 1, 1\)\. Received: shape \(3, 2, 2, 1\)",
        ),
        (np.zeros((2, 1)), r"Received: shape \(2, 1\)\.$"),
    ],
)
def test_what_is_no_image_is_refused(client, image, sentence):
    with pytest.raises(InvalidRequestError, match=sentence):
        client.log_prob(image, label=1)


def test_inputs_of_a_signature_are_all_needed_and_no_others(client):
    with pytest.raises(InvalidRequestError, match=r"'sample' .*: \['label'\]"):
        client.predict("sample", seed=1, temperature=1)
    with pytest.raises(InvalidRequestError, match=r"takes \['row'\].*\['image'\]"):
        client.predict("metadata", row=1, image=1)


@pytest.mark.parametrize("verb", ["classify", "interpolate"])
def test_verbs_that_the_model_has_not_are_told(client, verb):
    arguments = {"classify": [1], "interpolate": [[1.0], [2.0]]}[verb]
    with pytest.raises(
        NotFoundError, match=rf"'digits' .* no signature '{verb}'\. It "
    ):
        getattr(client, verb)(*arguments)


def test_interpolate_says_how_an_auto_encoder_is_asked(client, monkeypatch):
    image = ("DT_INT32", [2, 1, 1])
    inputs = {"image_a": image, "image_b": image, "position": ("DT_FLOAT", [])}
    outputs = {"image": ("DT_UINT8", [2, 1, 1])}
    monkeypatch.setitem(fakes.SIGNATURES, "interpolate", (inputs, outputs))
    sentence = (
        r"takes embeddings.*predict\('interpolate', image_a=..., image_b=..., pos"
    )
    with pytest.raises(InvalidRequestError, match=sentence):
        client.interpolate([1.0], [2.0])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"address": "127.0.0.1:8501"}, 'must be "http://host:8501"'),
        ({"address": "grpc://host"}, '"grpc://host:8500"'),
        ({"address": "http://host:x"}, "Received: 'http://host:x'"),
        ({"address": None}, "Received: None"),
        ({"model": ""}, "model must be the name of a model"),
        ({"version": 1, "version_label": "stable"}, "not by both"),
        ({"version": "1"}, "version must be an integer of at least 0"),
        ({"version_label": ""}, "version_label must be a name"),
        ({"timeout": 0}, "timeout must be a number of seconds above 0"),
        ({"timeout": float("inf")}, "timeout must be a number of seconds above 0"),
        ({"max_rows": 0}, "max_rows must be an integer of at least 1"),
        ({"retries": -1}, "retries must be an integer of at least 0"),
    ],
)
def test_impossible_clients_are_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        Client(**{"address": "http://host:1", **arguments})


# Servers that fail.


@pytest.mark.parametrize(
    ("status", "kind", "base"),
    [
        ("INVALID_ARGUMENT", InvalidRequestError, ValueError),
        ("NOT_FOUND", NotFoundError, LookupError),
        ("DEADLINE_EXCEEDED", DeadlineExceededError, TimeoutError),
        ("UNAVAILABLE", UnavailableError, ConnectionError),
        ("INTERNAL", ServerError, RuntimeError),
    ],
)
def test_errors_say_what_where_and_what_to_do(fake, client, status, kind, base):
    fake.script = [(status, "label must be small. Received: 9")] * 6
    with pytest.raises(kind) as error:
        client.sample(label=9)
    assert isinstance(error.value, base)
    message = str(error.value)
    assert message.startswith("label must be small. Received: 9 [")
    where = f"(signature 'sample' of model 'digits' at {fake.address})"
    assert where in message
    assert f"{where} {kind.advice}".rstrip() in message
    assert len(fake.seen) == (6 if status == "UNAVAILABLE" else 1)


@pytest.mark.parametrize(
    "sentence",
    ["Too hot. Received: [0 -1]", "assertion failed: [Too hot.] [Received:] [0 -1]"],
)
def test_only_the_sentence_of_a_graph_is_told(fake, client, sentence):
    sentence = f"{{{{function_node __inference_x_1}}}} {sentence}\n\t "
    sentence += "[[{{node Assert/Assert}}]]\n [[{{node x}} StatefulPartitionedCall/x]]"
    fake.script = [("INVALID_ARGUMENT", sentence)]
    with pytest.raises(InvalidRequestError) as error:
        client.sample(label=1)
    assert re.match(r"Too hot\. Received: \[?0 -1\]? \[(HTTP|gRPC)", str(error.value))


def test_a_server_that_is_unavailable_twice_is_asked_again(fake, client):
    fake.script = [("UNAVAILABLE", "Queue full."), ("UNAVAILABLE", "Queue full.")]
    assert client.sample(seed=[5], label=2).ravel().tolist() == [2, 15]
    assert len(fake.seen) == 3
    assert fake.seen[0] == fake.seen[2]


@pytest.mark.parametrize("kind", fakes.FAKES)
def test_a_server_that_comes_up_late_is_found(kind):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server, delays = fakes.FAKES[kind](), []

    def sleep(seconds):
        delays.append(seconds)
        if len(delays) == 3:
            server.__enter__(port)
        time.sleep(0.01)  # gRPC tries to connect at its own pace

    policy = RetryPolicy(1000, longest_delay=0.01, sleep=sleep)
    scheme = "http" if kind == "rest" else "grpc"
    try:
        with Client(f"{scheme}://127.0.0.1:{port}", retries=policy) as client:
            assert client.sample(seed=[5], label=2).ravel().tolist() == [2, 15]
        assert len(delays) >= 3
    finally:
        server.__exit__()


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_a_server_that_is_not_there_is_told(scheme):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"{scheme}://127.0.0.1:{port}"
    with Client(address, retries=RetryPolicy(2, sleep=lambda seconds: None)) as client:
        for ask in (client.sample, client.status, client.metadata):
            with pytest.raises(UnavailableError, match=r"Tried 3 times\.$") as error:
                ask()
            assert address in str(error.value)
            assert "Is the server running" in str(error.value)


def test_a_server_that_does_not_answer_is_not_waited_for(fake):
    with Client(fake.address, timeout=0.2) as client:
        client.metadata()
        fake.script = [lambda handler: fake.released.wait(10)]
        with pytest.raises(DeadlineExceededError, match="Pass a longer timeout"):
            client.sample(2, seed=[1, 2], label=1)
        fake.released.set()


class _Slow(list):
    """Rows of requests that take four seconds each."""

    def __init__(self, now):
        super().__init__()
        self._now = now

    def append(self, rows):
        super().append(rows)
        self._now[0] += 4


def test_the_deadline_is_one_for_all_pieces(fake):
    now = [0.0]
    policy = RetryPolicy(5, sleep=lambda seconds: None, clock=lambda: now[0])
    with Client(fake.address, retries=policy, timeout=10, max_rows=1) as client:
        client.metadata()

        assert len(client.sample(5, seed=range(5), label=1)) == 5
        fake.rows = _Slow(now)
        with pytest.raises(DeadlineExceededError, match="within its 10 s"):
            client.sample(5, seed=range(5), label=1)
        assert fake.rows == [1, 1, 1]


def test_a_model_that_became_another_one_is_learned_anew(fake, client, monkeypatch):
    client.sample(seed=[1], label=1)
    _, outputs = fakes.SIGNATURES["sample"]
    inputs = {"seed": ("DT_INT64", []), "temperature": ("DT_FLOAT", [])}
    monkeypatch.setitem(fakes.described.__defaults__[0], "sample", (inputs, outputs))
    fake.script = [("INVALID_ARGUMENT", "There is no input label.")]
    with pytest.raises(InvalidRequestError, match="There is no input label"):
        client.sample(seed=[1], label=1)
    with pytest.raises(InvalidRequestError, match="takes no conditions"):
        client.sample(seed=[1], label=1)
