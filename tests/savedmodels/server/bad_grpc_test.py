"""Bad calls over gRPC: each has the right code and a sentence; the server goes on."""

import re

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    regression_pb2,
)

from tests.savedmodels.server.calls import PREDICT, sample_inputs

INVALID = grpc.StatusCode.INVALID_ARGUMENT


@pytest.fixture(autouse=True)
def the_server_goes_on(call, signatures):
    """After each bad call, a good one is answered as before."""
    yield
    good = sample_inputs([3], [2])
    image = call.answer("sample", **good)["image"]
    np.testing.assert_array_equal(image, signatures["sample"](**good)["image"])


def _check(ask, code, words):
    with pytest.raises(grpc.RpcError) as failed:
        ask()
    assert failed.value.code() is code, failed.value.details()
    assert re.search(words, failed.value.details()), failed.value.details()
    for trace in ("Traceback", "{{", "node", "assertion failed", "[Op:"):
        assert trace not in failed.value.details()


def _without(name):
    return {key: x for key, x in sample_inputs([1], [1]).items() if key != name}


def _with(**changes):
    return {**sample_inputs([1], [1]), **changes}


INPUTS = {
    "none": ({}, "Missing: label, seed, temperature.*Received in the request: none"),
    "missing": (_without("label"), "Missing: label.*request: seed, temperature"),
    "extra": (_with(colour=np.array([1])), "Unknown: colour"),
    "int32_seed": (_with(seed=np.array([1], np.int32)), "seed must be.*int64.*int32"),
    "scalar": (_with(seed=np.int64(1)), r"seed must have the shape \(n,\).*\(\)"),
    "no_rows": (sample_inputs([], []), "at least one row"),
    "rows_differ": (sample_inputs([1, 2], [1]), "equally many rows.*label 1, seed 2"),
    "too_many_rows": (sample_inputs([1] * 65, [1] * 65), "at most 64 rows.*65"),
    "label_negative": (sample_inputs([1], [-1]), r"label must hold.*\[0, 3\).*-1"),
    "temperature_nan": (_with(temperature=np.float32([np.nan])), "temperature.*nan"),
}


@pytest.mark.parametrize(("inputs", "words"), INPUTS.values(), ids=INPUTS)
def test_inputs(call, inputs, words):
    _check(lambda: call.answer("sample", **inputs), INVALID, words)


def _tensor(**fields):
    """A `sample` request whose seed is a tensor of these fields."""

    def fill(request):
        request.inputs["seed"].CopyFrom(tensor_pb2.TensorProto(**fields))

    return fill


def _shape(*sizes):
    dim = tensor_shape_pb2.TensorShapeProto.Dim
    return tensor_shape_pb2.TensorShapeProto(dim=[dim(size=size) for size in sizes])


INT64 = tf.int64.as_datatype_enum
TENSORS = {
    "nothing": (_tensor(), "seed must be of.*type"),
    "no_such_type": (_tensor(dtype=99, tensor_shape=_shape(1)), "known type.*99"),
    "rank_unknown": (
        _tensor(
            dtype=INT64,
            tensor_shape=tensor_shape_pb2.TensorShapeProto(unknown_rank=True),
        ),
        "known shape",
    ),
    "negative_size": (_tensor(dtype=INT64, tensor_shape=_shape(-5)), r"known.*-5"),
    "content_too_short": (
        _tensor(dtype=INT64, tensor_shape=_shape(1), tensor_content=b"1234"),
        "as many values",
    ),
    "too_many_values": (
        _tensor(dtype=INT64, tensor_shape=_shape(1), int64_val=[1, 2, 3]),
        "as many values",
    ),
}


@pytest.mark.parametrize(("fill", "words"), TENSORS.values(), ids=TENSORS)
def test_tensors(call, fill, words):
    request = call.request("sample", **_without("seed"))
    fill(request)
    _check(lambda: call.send(request), INVALID, words)


@pytest.mark.parametrize("rows", [10**8, 10**12, 2**62])
def test_a_few_bytes_that_claim_many_rows(call, rows):
    request = call.request("sample", **_without("seed"))
    _tensor(dtype=INT64, tensor_shape=_shape(rows), int64_val=[1])(request)
    _check(
        lambda: call.send(request),
        INVALID,
        "seed must not take more than 67108864 bytes",
    )


TARGETS = {
    "no_model": ({"name": ""}, INVALID, "name a model"),
    "model": ({"name": "other"}, grpc.StatusCode.NOT_FOUND, "Latest.other..*tiny"),
    "version": ({"version": 9}, grpc.StatusCode.NOT_FOUND, "Specific.tiny, 9."),
    "negative_version": ({"version": -1}, grpc.StatusCode.NOT_FOUND, "tiny, -1"),
    "label": ({"version_label": "new"}, INVALID, "has no labels.*'new'"),
    "signature": ({"signature_name": "paint"}, INVALID, "one of.*sample.*'paint'"),
}


def _spec(request, version=None, **fields):
    if version is not None:
        request.model_spec.version.value = version
    for name, value in fields.items():
        setattr(request.model_spec, name, value)
    return request


@pytest.mark.parametrize(("spec", "code", "words"), TARGETS.values(), ids=TARGETS)
def test_targets(call, spec, code, words):
    request = _spec(call.request("sample", **_with()), **spec)
    _check(lambda: call.send(request), code, words)


def test_status_and_metadata_of_what_is_not_served(call):
    not_found = grpc.StatusCode.NOT_FOUND
    status = _spec(get_model_status_pb2.GetModelStatusRequest(), name="other")
    _check(lambda: call.management.GetModelStatus(status), not_found, "other")
    status = _spec(get_model_status_pb2.GetModelStatusRequest(), 9, name="tiny")
    _check(lambda: call.management.GetModelStatus(status), not_found, "tiny")
    metadata = _spec(get_model_metadata_pb2.GetModelMetadataRequest(), name="tiny")
    get = call.prediction.GetModelMetadata
    _check(lambda: get(metadata), INVALID, "must be signature_def.*none")
    metadata.metadata_field.append("weights")
    _check(lambda: get(metadata), INVALID, "must be signature_def.*weights")


def test_an_output_filter_of_no_output(call):
    request = call.request("sample", **_with())
    request.output_filter.append("picture")
    _check(lambda: call.send(request), INVALID, "outputs, which are image.*picture")


def test_half_a_message(call):
    body = call.request("sample", **_with()).SerializeToString()
    for damaged in (body[: len(body) // 2], b"{}"):
        _check(lambda: call.raw(PREDICT, damaged), INVALID, "must be a whole")  # noqa: B023


def test_a_message_of_100_mb(call):
    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    _check(lambda: call.raw(PREDICT, bytes(100_000_000)), code, "larger than max")


def test_calls_that_are_not_answered(call):
    requests = {
        call.prediction.Classify: classification_pb2.ClassificationRequest(),
        call.prediction.Regress: regression_pb2.RegressionRequest(),
        call.prediction.MultiInference: inference_pb2.MultiInferenceRequest(),
    }
    for ask, request in requests.items():
        words = "calls that are answered are Predict, GetModelMetadata"
        _check(lambda: ask(request), grpc.StatusCode.UNIMPLEMENTED, words)  # noqa: B023
    raw = "/tensorflow.serving.Nothing/Nothing"
    _check(lambda: call.raw(raw, b""), grpc.StatusCode.UNIMPLEMENTED, "Nothing")


def test_a_deadline_that_is_over(call):
    body = call.request("sample", **_with()).SerializeToString()
    with pytest.raises(grpc.RpcError) as failed:
        call.raw(PREDICT, body, timeout=-1)
    assert failed.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
