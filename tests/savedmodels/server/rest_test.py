"""Tests of the REST interface: what it answers when it is asked well."""

import base64
import json
import math

import pytest
import requests

from tests.savedmodels.server import pictures
from tests.savedmodels.server.calls import sample_inputs, sample_row

WORDS = {"flag": True, "level": 255, "precise": 0.1, "word": "näh"}


def test_the_status(rest):
    expected = {
        "version": "1",
        "state": "AVAILABLE",
        "status": {"error_code": "OK", "error_message": ""},
    }
    for path in ("", "/versions/1"):
        assert rest.get(path).json() == {"model_version_status": [expected]}


def test_the_metadata(rest):
    document = rest.get("/metadata").json()
    assert document == rest.get("/versions/1/metadata").json()
    assert document["model_spec"] == {
        "name": "tiny",
        "signature_name": "",
        "version": "1",
    }
    signature = document["metadata"]["signature_def"]["signature_def"]["sample"]
    assert signature["method_name"] == "tensorflow/serving/predict"
    assert signature["inputs"].keys() == {"seed", "label", "temperature"}
    assert signature["inputs"]["seed"]["dtype"] == "DT_INT64"
    shape = signature["outputs"]["image"]["tensor_shape"]
    assert [dim["size"] for dim in shape["dim"]] == ["-1", "4", "3", "1"]
    assert shape["unknown_rank"] is False


def test_rows(rest, signatures):
    rows = [sample_row(7, 0), sample_row(8, 2)]
    answer = rest.answer({"signature_name": "sample", "instances": rows})
    alone = signatures["sample"](**sample_inputs([7, 8], [0, 2]))["image"]
    # A single output stands without its name.
    assert answer == {"predictions": alone.numpy().tolist()}
    assert rest.answer({"instances": rows}, "/versions/1:predict") == answer


def test_columns(rest, signatures):
    columns = {"seed": [7, 8], "label": [0, 2], "temperature": [1, 1.0]}
    answer = rest.answer({"signature_name": "sample", "inputs": columns})
    alone = signatures["sample"](**sample_inputs([7, 8], [0, 2]))["image"]
    assert answer == {"outputs": alone.numpy().tolist()}


def test_several_outputs_stand_by_their_names(plain_rest):
    request = {"signature_name": "repeat"}
    answer = plain_rest.answer({**request, "instances": [WORDS, WORDS]})
    word_bytes = {"b64": base64.b64encode("näh".encode()).decode()}
    assert answer["predictions"] == [{**WORDS, "word_bytes": word_bytes}] * 2
    columns = {name: [value] for name, value in WORDS.items()}
    answer = plain_rest.answer({**request, "inputs": columns})
    assert answer["outputs"] == {**columns, "word_bytes": [word_bytes]}


@pytest.mark.parametrize("form", ["instances", "inputs"])
def test_a_single_input_may_stand_without_its_name(plain_rest, form):
    answer = plain_rest.answer({form: [[1, 2.5], [3, 4]]})
    assert list(answer.values()) == [[[2.0, 5.0], [6.0, 8.0]]]


def test_numbers_that_are_not_finite(plain_rest):
    body = b'{"instances": [[NaN, -Infinity]]}'
    response = plain_rest.post(body)
    assert response.text == '{"predictions":[[NaN, -Infinity]]}'
    (row,) = response.json()["predictions"]
    assert math.isnan(row[0]) and row[1] == -math.inf


def test_pictures_travel_as_base64(rest):
    columns = {"seed": [7], "label": [0], "temperature": [1.0]}
    request = {"signature_name": "sample_png", "inputs": columns}
    (picture,) = rest.answer(request)["outputs"]
    mask = {"b64": base64.b64encode(pictures.IMAGE).decode()}
    files = {"image_bytes": [picture], "mask_bytes": [mask]}
    request = {"signature_name": "complete_png", "inputs": {**columns, **files}}
    outputs = rest.answer(request)["outputs"]
    (completed,) = outputs["image_bytes"]
    assert base64.b64decode(completed["b64"]).startswith(b"\x89PNG")
    assert outputs["known_share"] == [0.0]


def test_an_empty_signature_name_is_the_default_one(plain_rest):
    body = {"signature_name": "", "instances": [{"x": [1, 2]}]}
    assert plain_rest.answer(body) == {"predictions": [[2, 4]]}


def test_bodies_may_be_compressed(plain_rest):
    import gzip

    body = gzip.compress(json.dumps({"instances": [[1, 2]]}).encode())
    response = plain_rest.post(body, headers={"Content-Encoding": "gzip"})
    assert response.json() == {"predictions": [[2, 4]]}


def test_the_models_that_the_page_offers(server):
    response = requests.get(f"{server.rest_url}/page/models", timeout=60)
    assert response.json() == {"models": ["plain", "tiny"]}


def test_the_pages_files_are_served_and_no_others(server):
    root = server.rest_url
    response = requests.get(f"{root}/", timeout=60)
    assert response.headers["Content-Type"].startswith("text/html")
    assert requests.get(f"{root}/page/index.html", timeout=60).text == response.text
    for name in ("missing.js", "..%2frest.py", "%2e%2e", "a%00b", ""):
        response = requests.get(f"{root}/page/{name}", timeout=60)
        assert response.status_code == 404
        assert "error" in response.json()
