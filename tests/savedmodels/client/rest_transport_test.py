"""Tests of what is particular to REST."""

import base64
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from savedmodels.client import (
    Client,
    DeadlineExceededError,
    InvalidRequestError,
    NotFoundError,
    RequestTooLargeError,
    RetryPolicy,
    ServerError,
    UnavailableError,
)
from savedmodels.client.rest_transport import RestTransport
from savedmodels.client.tensor_specs import TensorSpec
from savedmodels.client.transport import ModelSpec
from tests.savedmodels.client import fakes

ROOT = pathlib.Path(__file__).parents[3]


@pytest.fixture
def client(rest):
    policy = RetryPolicy(2, sleep=lambda seconds: None)
    with Client(rest.address, "digits", retries=policy) as client:
        client.metadata()
        yield client


def draw(client):
    return client.sample(2, seed=[1, 2], label=[0, 1])


def replying(code, body, **headers):
    return lambda handler: handler.reply(code, body, **headers)


# What is sent.


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ({}, "/v1/models/digits"),
        ({"version": 3}, "/v1/models/digits/versions/3"),
        ({"version_label": "a/b"}, "/v1/models/digits/labels/a%2Fb"),
        ({"model": "d/1 ?"}, "/v1/models/d%2F1%20%3F"),
    ],
)
def test_the_model_stands_in_the_path(rest, model, path):
    with Client(rest.address + "/", **{"model": "digits", **model}) as client:
        draw(client)
        client.status()
    assert rest.paths == [f"{path}/metadata", f"{path}:predict", path]


def test_inputs_travel_as_columns_of_numbers(rest, client):
    client.sample(2, seed=[2**63 - 1, -1], temperature=0.1, label=[0, 1])
    assert rest.seen[-1] == {
        "signature_name": "sample",
        "inputs": {
            "seed": [2**63 - 1, -1],
            # Exactly what float32 makes of it.
            "temperature": [float(np.float32(0.1))] * 2,
            "label": [0, 1],
        },
    }


def test_connections_are_kept(rest, client):
    addresses = []
    for _ in range(3):
        rest.script = [_noting(addresses)]
        draw(client)
    assert len(set(addresses)) == 1


def _noting(addresses):
    def reply(handler):
        addresses.append(handler.client_address)
        handler.reply(200, {"outputs": [[[[1]], [[2]]]] * 2})

    return reply


def test_without_tensorflow(rest):
    """Where each image has its seed, or none does."""
    program = f"""
import sys
from savedmodels.client import Client
with Client("{rest.address}", "digits") as client:
    print(client.sample(seed=[5, 6], label=1).ravel().tolist())
    print(client.sample_png(2, label=1)[0][:4], client.status()[0].state)
    client.log_prob([[[[1]], [[2]]]], label=1)
print([name for name in sys.modules if name in ("tensorflow", "keras", "grpc")])
"""
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert result.stdout == "[1, 15, 1, 16]\nb'\\x89PNG' AVAILABLE\n[]\n"


# Answers that are none.


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (b"<html>hello</html>", "The answer is no JSON object: '<html>hello</html>'"),
        (b"", "The answer is no JSON object: ''"),
        ({}, r"The answer does not hold \['image'\] as the signature says: \{\}"),
        ({"outputs": {"other": [1]}}, r"does not hold \['image'\]"),
        ({"outputs": [[[[0.5]]]]}, r"does not hold \['image'\]"),
        ({"outputs": [[[[300]]]]}, r"does not hold \['image'\]"),
        ({"outputs": [[[[1]], [[2]]]]}, r"\(2, 2, 1, 1\)\. Received: \(1, 2, 1, 1\)"),
    ],
)
def test_what_is_no_answer_is_told(rest, client, answer, sentence):
    rest.script = [replying(200, answer)]
    with pytest.raises(ServerError, match=sentence) as error:
        draw(client)
    assert f"signature 'sample' of model 'digits' at {rest.address}" in str(error.value)
    assert len(str(error.value)) < 600


@pytest.mark.parametrize("value", [{"b64": "?"}, {"b64": None}, 3])
def test_what_is_no_file_is_told(rest, client, value):
    rest.script = [replying(200, {"outputs": [value]})]
    with pytest.raises(ServerError, match="image_bytes"):
        client.sample_png(1, seed=[1], label=1)


@pytest.mark.parametrize("metadata", [{"metadata": {}}, {"error": "none"}])
def test_another_server_is_told(rest, metadata):
    rest.metadata = metadata
    with Client(rest.address, "digits") as client:
        with pytest.raises(ServerError, match="The answer is not that of TF Serving"):
            draw(client)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, InvalidRequestError),
        (401, ServerError),
        (404, NotFoundError),
        (405, InvalidRequestError),
        (413, RequestTooLargeError),
        (302, ServerError),
        (429, UnavailableError),
        (500, ServerError),
        (501, ServerError),
        (502, UnavailableError),
        (503, UnavailableError),
        (504, DeadlineExceededError),
    ],
)
def test_codes_of_whatever_stands_between_are_understood(rest, client, code, kind):
    rest.script = [replying(code, b"<h1>No</h1>")] * 3
    with pytest.raises(kind, match=rf"^<h1>No</h1> \[HTTP {code}\]"):
        draw(client)


def test_an_error_without_words_is_one(rest, client):
    rest.script = [replying(500, b"")]
    with pytest.raises(ServerError, match=r"The server gave no reason\. \[HTTP 500\]"):
        draw(client)


def test_a_redirection_is_not_followed_but_told(rest, client):
    rest.script = [replying(308, b"", Location="https://elsewhere/")]
    with pytest.raises(ServerError, match="redirects to https://elsewhere/"):
        draw(client)
    assert len(rest.paths) == 3


# What the environment says of connections.


@pytest.fixture
def environment(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch.setenv


def test_requests_go_through_the_proxy(rest, environment):
    environment("http_proxy", rest.address)
    environment("no_proxy", "10.0.0.0/8")
    with Client("http://a.invalid:8501", "digits") as client:
        assert client.sample(seed=[5], label=1).shape == (1, 2, 1, 1)
    root = "http://a.invalid:8501/v1/models/digits"
    assert rest.paths == [f"{root}/metadata", f"{root}:predict"]


@pytest.mark.parametrize("direct", ["127.0.0.1", "a.example, 127.0.0.0/8"])
def test_hosts_without_a_proxy(rest, environment, direct):
    environment("http_proxy", "http://a.invalid:1")
    environment("no_proxy", direct)
    with Client(rest.address, "digits") as client:
        client.status()
    assert rest.paths == ["/v1/models/digits"]


def test_the_address_may_hold_a_name_and_password(rest):
    noted = []

    def reply(handler):
        noted.append((handler.headers["Authorization"], handler.headers["Host"]))
        handler.reply(200, {"outputs": [[[[1]], [[2]]]]})

    with Client(rest.address.replace("//", "//me:a%2Fb@"), "digits") as client:
        client.status()
        rest.script = [reply]
        client.sample(seed=[1], label=1)
    words = base64.b64encode(b"me:a/b").decode()
    assert noted == [(f"Basic {words}", rest.address.removeprefix("http://"))]


def test_servers_must_speak_tls(rest):
    """Before anything of a request is sent."""
    with Client(rest.address.replace("http", "https"), "digits") as client:
        with pytest.raises(ServerError, match="No secure connection"):
            client.status()
    assert not rest.paths


# Connections that break.


def hanging_up(handler):
    handler.close_connection = True


def cut_off(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"{")
    handler.close_connection = True


@pytest.mark.parametrize("break_off", [hanging_up, cut_off])
def test_a_request_whose_connection_breaks_is_sent_again(rest, client, break_off):
    rest.script = [break_off, break_off]
    assert draw(client)[:, 1].ravel().tolist() == [11, 12]
    rest.script = [break_off] * 3
    with pytest.raises(UnavailableError, match=r"No connection: .*Tried 3 times\.$"):
        draw(client)


def test_an_answer_that_trickles_in_ends_with_the_deadline(rest):
    def trickle(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(10**9))
        handler.end_headers()
        while not rest.released.wait(0.02):
            handler.wfile.write(b" " * 100_000)
            handler.wfile.flush()

    with Client(rest.address, timeout=0.3) as client:
        client.metadata()
        rest.script = [trickle]
        with pytest.raises(DeadlineExceededError):
            draw(client)
        rest.released.set()


# Numbers as JSON spells them.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1, 2.5, 1e-3]", [1, 2.5, 1e-3]),
        ("[NaN, Infinity, -Infinity]", [np.nan, np.inf, -np.inf]),
    ],
)
def test_all_floats_are_read(rest, text, expected):
    with RestTransportOf(rest) as transport:
        rest.script = [replying(200, b'{"outputs": ' + text.encode() + b"}")]
        outputs = {"x": TensorSpec(np.dtype("f4"), (None,))}
        found = transport.predict("any", {"y": np.array([np.nan])}, outputs, 5)["x"]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.float32(expected))
    assert np.isnan(rest.seen[-1]["inputs"]["y"]).all()


class RestTransportOf(RestTransport):
    def __init__(self, fake):
        super().__init__(fake.address, ModelSpec("digits"))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


def test_the_document_must_be_json(rest):
    with Client(rest.address) as client:
        rest.script = [replying(200, {"outputs": ["{"]})]
        with pytest.raises(ServerError, match="The metadata is no JSON document"):
            client.metadata()
        assert client.metadata() == json.loads(json.dumps(fakes.DOCUMENT))
