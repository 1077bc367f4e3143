"""Tests of the gRPC interface: what it answers when it is asked well."""

import numpy as np
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
)

from tests.savedmodels.server.calls import sample_inputs


def test_predictions(call, signatures):
    inputs = sample_inputs([7, 8], [0, 2])
    request = call.request("sample", **inputs)
    response = call.send(request)
    assert response.model_spec.name == "tiny"
    assert response.model_spec.version.value == 1
    assert response.model_spec.signature_name == "sample"
    assert list(response.outputs) == ["image"]
    image = call.answer("sample", **inputs)["image"]
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, signatures["sample"](**inputs)["image"])


def test_the_default_signature_is_sample(call):
    inputs = sample_inputs([7], [0])
    response = call.send(call.request(**inputs))
    assert response.model_spec.signature_name == "serving_default"
    named = call.answer("sample", version=1, **inputs)["image"]
    np.testing.assert_array_equal(call.answer(**inputs)["image"], named)


def test_inputs_of_every_type(plain_call):
    inputs = {
        "flag": np.array([True, False]),
        "level": np.array([0, 255], np.uint8),
        "precise": np.array([0.1, np.nan]),
        "word": np.array([b"\xff\x00", b""], object),
    }
    answer = plain_call.answer("repeat", **inputs)
    assert answer.keys() == {*inputs, "word_bytes"}
    for name, value in inputs.items():
        np.testing.assert_array_equal(answer[name], value)


def test_an_output_filter(plain_call):
    inputs = {"flag": [True], "level": np.array([1], np.uint8)}
    inputs |= {"precise": np.array([1.0]), "word": np.array([b"a"], object)}
    request = plain_call.request("repeat", **inputs)
    request.output_filter.append("level")
    assert list(plain_call.send(request).outputs) == ["level"]


def test_the_metadata(call):
    request = get_model_metadata_pb2.GetModelMetadataRequest()
    request.model_spec.name = "tiny"
    request.metadata_field.append("signature_def")
    response = call.prediction.GetModelMetadata(request, timeout=60)
    assert response.model_spec.version.value == 1
    signatures = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(signatures)
    sample = signatures.signature_def["sample"]
    assert set(sample.inputs) == {"seed", "label", "temperature"}
    assert set(sample.outputs) == {"image"}


def test_the_status(call):
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "tiny"
    (status,) = call.management.GetModelStatus(request, timeout=60).model_version_status
    assert (status.version, status.status.error_code) == (1, 0)
    assert status.state == get_model_status_pb2.ModelVersionStatus.AVAILABLE
