"""Tests of what is particular to gRPC."""

import sys

import grpc
import numpy as np
import pytest

import savedmodels
from savedmodels.client import (
    Client,
    InvalidRequestError,
    RequestTooLargeError,
    RetryPolicy,
    ServerError,
    UnavailableError,
)
from tests.savedmodels.client import fakes


@pytest.fixture
def client(grpc_fake):
    policy = RetryPolicy(2, sleep=lambda seconds: None)
    with Client(grpc_fake.address, "digits", retries=policy) as client:
        client.metadata()
        yield client


def draw(client):
    return client.sample(2, seed=[1, 2], label=[0, 1])


@pytest.mark.parametrize(
    ("model", "version", "label"),
    [
        ({}, None, ""),
        ({"version": 3}, 3, ""),
        ({"version": 0}, 0, ""),
        ({"version_label": "stable"}, None, "stable"),
    ],
)
def test_the_model_is_named_in_each_request(grpc_fake, model, version, label):
    with Client(grpc_fake.address, "digits", **model) as client:
        draw(client)
    (request,) = grpc_fake.seen
    spec = request.model_spec
    assert spec.name == "digits"
    assert spec.signature_name == "sample"
    assert spec.version_label == label
    found = spec.version.value if spec.HasField("version") else None
    assert found == version


@pytest.mark.parametrize(
    ("outputs", "sentence"),
    [
        ({}, r"does not hold \['image'\] as the signature says, but nothing\."),
        ({"other": np.zeros(2, "f4")}, r"but other: float32 \(2,\)\."),
        ({"image": np.zeros(2, "i4")}, r"but image: int32 \(2,\)\."),
        ({"image": np.zeros(2, "u1")}, r"but image: uint8 \(2,\)\."),
    ],
)
def test_what_is_no_answer_is_told(grpc_fake, client, outputs, sentence):
    grpc_fake.script = [lambda context: fakes.response(outputs)]
    with pytest.raises(ServerError, match=sentence) as error:
        draw(client)
    where = f"signature 'sample' of model 'digits' at {grpc_fake.address}"
    assert where in str(error.value)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("FAILED_PRECONDITION", InvalidRequestError),
        ("RESOURCE_EXHAUSTED", RequestTooLargeError),
        ("CANCELLED", UnavailableError),
        ("UNIMPLEMENTED", ServerError),
        ("UNKNOWN", ServerError),
    ],
)
def test_rarer_states_are_understood(grpc_fake, client, code, kind):
    def step(context):
        context.abort(grpc.StatusCode[code], "Not this.")

    grpc_fake.script = [step] * 3
    with pytest.raises(kind, match=rf"^Not this\. \[gRPC {code}\]"):
        draw(client)


def test_large_messages_pass(client, grpc_fake):
    """Others have four megabytes as their limit."""
    files = [bytes(3_000_000)] * 2
    grpc_fake.script = [
        lambda context: fakes.response({"image_bytes": np.array(files, object)})
    ]
    found = client.predict("sample_png", seed=[1, 2], temperature=1, label=1)
    assert found["image_bytes"].tolist() == files


@pytest.mark.parametrize(
    ("scheme", "library"),
    [("grpc", "tensorflow_serving.apis"), ("http", "requests"), ("http", "orjson")],
)
def test_libraries_that_are_missing_are_told(monkeypatch, scheme, library):
    for module in ("client.grpc_transport", "client.rest_transport", "json_codec"):
        monkeypatch.delitem(sys.modules, f"savedmodels.{module}", raising=False)
    monkeypatch.delattr(savedmodels, "json_codec", raising=False)
    monkeypatch.setitem(sys.modules, library, None)
    sentence = (
        rf"The client needs {library}, .* pip install \"keras-pixelcnn\[serving\]\""
    )
    with pytest.raises(ModuleNotFoundError, match=sentence):
        Client(f"{scheme}://127.0.0.1:1")
