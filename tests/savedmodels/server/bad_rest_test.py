"""Bad requests over REST: each is answered with a sentence, and the server goes on."""

import base64
import concurrent.futures
import gzip
import http.client
import json
import re
import socket
import threading
import urllib.parse

import pytest
import requests

from savedmodels import rest_bodies
from tests.savedmodels.server import pictures
from tests.savedmodels.server.calls import sample_inputs, sample_row

ROW = sample_row(1, 1)
IMAGE = [[[0], [1], [2]], [[3], [4], [0]], [[1], [2], [3]], [[4], [0], [1]]]


def _rows(*rows, **fields):
    return {**fields, "instances": list(rows)}


def _row(**changes):
    return _rows({**ROW, **changes})


def _log_prob(**changes):
    return _rows({"image": IMAGE, "label": 0, **changes}, signature_name="log_prob")


def _noise(value):
    noise = [[[value]] * 3] * 4
    row = {"noise": noise, "temperature": 1.0, "label": 0}
    return _rows(row, signature_name="sample_from_noise")


BODIES = {
    # What is no JSON, or not of the interface's form.
    "empty": (b"", "must be JSON"),
    "no_json": (b"seed=1", "must be JSON"),
    "cut_json": (b'{"instances": [{"seed": 1', "must be JSON"),
    "bad_utf8": (b'{"instances": ["\xff\xfe"]}', "must be JSON, in UTF-8"),
    "utf16": ('{"instances": []}'.encode("utf-16"), "must be JSON, in UTF-8"),
    "deeply_nested": (b"[" * 900, "must be JSON"),
    "many_lists": (b"[]," * 100_000, "at most .* lists and objects"),
    "deeply_nested_nan": (b"[NaN" + b"[" * 2000, "must be JSON"),
    "number_of_10000_digits": (b"1" * 10_000, "must be JSON"),
    "unknown_form": ({"rows": [ROW]}, "either 'instances'.*rows"),
    "both_forms": ({"instances": [ROW], "inputs": {}}, "either 'instances'"),
    "no_rows": (_rows(), "at least one row"),
    "instances_object": ({"instances": ROW}, "must be a list"),
    "row_no_object": (_rows(1), "inputs by name.*row 0: 1"),
    # Names.
    "signature_no_string": (_rows(ROW, signature_name=1), "signature_name.*1"),
    "unknown_signature": (_rows(ROW, signature_name="paint"), "one of.*'paint'"),
    "missing_input": (_rows({"seed": 1, "label": 1}), "Missing: temperature"),
    "missing_in_second": (_rows(ROW, {}), "Missing: label.*Received in row 1: none"),
    "extra_input": (_row(colour=1), "Unknown: colour"),
    # Types.
    "null_for_number": (_row(seed=None), "seed must hold int64.*null"),
    "string_for_number": (_row(seed="1"), "seed must hold int64.*'1'"),
    "float_for_integer": (_row(seed=1.5), r"seed must hold int64.*1\.5"),
    "boolean_for_integer": (_row(label=True), "label must hold int32.*true"),
    "string_for_float": (_row(temperature="hot"), "temperature must hold float32"),
    # Shapes.
    "list_for_scalar": (_row(seed=[1]), r"seed must have the shape \(n,\).*\(1, 1\)"),
    "image_turned": (_log_prob(image=[[[0]] * 4] * 3), r"\(1, 3, 4, 1\)"),
    "ragged": (_log_prob(image=[[[0]] * 3] * 3 + [[[0]] * 2]), "equal lengths"),
    "mixed_depth": (_log_prob(image=[[[0]] * 3] * 3 + [0]), "equal lengths"),
    "rows_differ": (
        {"inputs": {"seed": [1, 2], "label": [1], "temperature": [1.0]}},
        "equally many rows.*label 1, seed 2",
    ),
    **{
        f"nested_in_{depth}": (
            f'{{"inputs": {{"seed": {"[" * depth}1{"]" * depth}, "label": [1], '
            f'"temperature": [1.0]}}}}'.encode(),
            "seed must have fewer dimensions.*lists nested more than 2 deep",
        )
        for depth in (3, 900)
    },
    "row_nested_in_900": (
        json.dumps(_row(seed=0)).replace('": 0', f'": {"[" * 900}{"]" * 900}').encode(),
        "seed must have fewer dimensions.*more than 2 deep",
    ),
    "too_many_rows": (_rows(*[ROW] * 65), "at most 64 rows.*65"),
    # Values.
    "integer_too_large": (
        _row(label=2**31),
        r"label must hold integers in.*2147483648",
    ),
    "seed_of_30_digits": (_row(seed=10**30), "seed must hold int64 integers"),
    "seed_of_4000_digits": (_row(seed=10**4000), "must be JSON"),
    "float_too_large": (_row(temperature=1e300), "float32, at most.*1e.300"),
    "float_of_4000_digits": (_row(temperature=10**4000), "must be JSON"),
    "label_unknown": (_row(label=3), r"label must hold integers in \[0, 3\).*3"),
    "level_negative": (_log_prob(image=[[[-1]] * 3] * 4), r"image must hold.*-1"),
    "level_too_large": (_log_prob(image=[[[5]] * 3] * 4), r"image must hold.*5"),
    "temperature_zero": (_row(temperature=0), "temperature must.*0"),
    "temperature_infinite": (_row(temperature=float("inf")), "temperature must.*inf"),
    "noise_nan": (_noise(float("nan")), "noise must"),
    "noise_one": (_noise(1.0), "noise must.*1"),
    "base64_damaged": (
        {
            "signature_name": "complete_png",
            "inputs": {
                "image_bytes": [{"b64": "&&&"}],
                "mask_bytes": [{"b64": ""}],
                "seed": [1],
                "label": [1],
                "temperature": [1.0],
            },
        },
        "image_bytes must hold.*base64",
    ),
}
BODIES["temperature_1e400"] = (
    json.dumps(_row(temperature=0)).replace(": 0}", ": 1e400}").encode(),
    "must be JSON",
)


@pytest.fixture(autouse=True)
def the_server_goes_on(rest, signatures):
    """After each bad request, a good one is answered as before."""
    yield
    assert rest.answer(_rows(sample_row(3, 2))) == _good_answer(signatures)


def _good_answer(signatures):
    image = signatures["sample"](**sample_inputs([3], [2]))["image"]
    return {"predictions": image.numpy().tolist()}


def _check(response, status, words):
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"].startswith("application/json")
    document = response.json()
    assert list(document) == ["error"]
    assert re.search(words, document["error"]), document["error"]
    for trace in ("Traceback", "{{", "node", "assertion failed", "[Op:"):
        assert trace not in document["error"]


@pytest.mark.parametrize(("body", "words"), BODIES.values(), ids=BODIES)
def test_bodies(rest, body, words):
    _check(rest.post(body), 400, words)


@pytest.mark.parametrize("name", ["image_bytes", "mask_bytes"])
@pytest.mark.parametrize("kind", [*pictures.DAMAGED][:-1])
def test_pictures(rest, kind, name):
    files = {"image_bytes": pictures.IMAGE, "mask_bytes": pictures.IMAGE}
    files[name] = pictures.DAMAGED[kind]
    row = {key: {"b64": base64.b64encode(x).decode()} for key, x in files.items()}
    body = _rows({**ROW, **row}, signature_name="complete_png")
    _check(rest.post(body), 400, name)


def test_what_a_picture_holds_too_much_is_passed_over(rest):
    file = base64.b64encode(pictures.DAMAGED["bomb_of_the_right_size"]).decode()
    row = {**ROW, "image_bytes": {"b64": file}, "mask_bytes": {"b64": file}}
    whole = base64.b64encode(pictures.IMAGE).decode()
    expected = {**ROW, "image_bytes": {"b64": whole}, "mask_bytes": {"b64": whole}}
    answers = [
        rest.answer(_rows(each, signature_name="complete_png"))
        for each in (row, expected)
    ]
    assert answers[0] == answers[1]


PATHS = {
    "unknown_model": ("/v1/models/other:predict", 404, "Latest.other..*plain, tiny"),
    "unknown_version": ("/v1/models/tiny/versions/9:predict", 404, "Specific.tiny, 9."),
    "version_no_number": (
        "/v1/models/tiny/versions/new:predict",
        404,
        "Malformed.*new",
    ),
    "label": ("/v1/models/tiny/labels/stable:predict", 404, "Malformed request"),
    "unknown_path": ("/v2/tiny", 404, "Malformed request.*Received: POST /v2/tiny"),
    "classify": ("/v1/models/tiny:classify", 404, "the same with :predict"),
}


@pytest.mark.parametrize(("path", "status", "words"), PATHS.values(), ids=PATHS)
def test_paths(rest, path, status, words):
    body = json.dumps(_rows(ROW))
    response = requests.post(f"{rest.root}{path}", data=body, timeout=60)
    _check(response, status, words)


@pytest.mark.parametrize("target", ["/v1/models/other", "/v1/models/tiny/versions/9"])
@pytest.mark.parametrize("what", ["", "/metadata"])
def test_what_is_not_served_has_no_status_and_no_metadata(rest, target, what):
    response = requests.get(f"{rest.root}{target}{what}", timeout=60)
    _check(response, 404, "ot f")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", ":predict", "POST"),
        ("PUT", ":predict", "POST"),
        ("DELETE", "", "GET, HEAD"),
        ("POST", "", "GET, HEAD"),
        ("POST", "/metadata", "GET, HEAD"),
    ],
)
def test_methods(rest, method, path, allowed):
    response = requests.request(method, f"{rest.url}{path}", timeout=60)
    _check(response, 405, f"Malformed request.*Received: {method} ")
    assert response.headers["Allow"] == allowed.replace(" ", "")


def test_a_body_of_100_mb(rest):
    _check(rest.post(bytes(100_000_000)), 413, "at most 8388608 bytes.*100000000")


def test_a_body_of_100_mb_whose_length_is_not_told(rest):
    pieces = (bytes(1_000_000) for _ in range(100))
    address = urllib.parse.urlsplit(rest.url)
    connection = http.client.HTTPConnection(address.netloc, timeout=60)
    connection.request("POST", f"{address.path}:predict", pieces, encode_chunked=True)
    response = connection.getresponse()
    assert response.status == 413
    assert "at most 8388608 bytes" in json.loads(response.read())["error"]
    connection.close()


def test_a_small_body_that_unpacks_to_100_mb(rest):
    body = gzip.compress(bytes(100_000_000))
    response = rest.post(body, headers={"Content-Encoding": "gzip"})
    _check(response, 413, "at most 8388608 bytes")
    # Else a client that goes on with this connection may find it closed.
    assert response.headers["Connection"] == "close"


def test_a_body_that_does_not_unpack(rest):
    response = rest.post(b"no gzip", headers={"Content-Encoding": "gzip"})
    _check(response, 400, "The body must be whole")


def _connect(rest):
    address = urllib.parse.urlsplit(rest.url)
    return socket.create_connection((address.hostname, address.port), timeout=60)


def test_half_a_request_keeps_no_one_waiting(rest, signatures):
    body = json.dumps(_rows(sample_row(3, 2))).encode()
    with _connect(rest) as half:
        half.sendall(b"POST /v1/models/tiny:predict HTTP/1.1\r\nHost: localhost\r\n")
        half.sendall(b"Content-Length: %d\r\n\r\n" % len(body) + body[:1])
        rest.answer(_rows(ROW))
        # The other half may come whenever it will.
        half.sendall(body[1:])
        response = http.client.HTTPResponse(half)
        response.begin()
        assert json.loads(response.read()) == _good_answer(signatures)


GET = b"GET /v1/models/tiny HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"DR@W / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        GET + b"A: " + b"a" * 10_000 + b"\r\n\r\n",
        GET + b"Content-Length: -1\r\n\r\n",
        GET + b"Content-Encoding: br\r\nContent-Length: 2\r\n\r\n{}",
    ],
    ids=["method", "long_url", "long_header", "negative_length", "brotli"],
)
def test_what_is_no_http(rest, request_bytes, caplog):
    with _connect(rest) as connection:
        connection.sendall(request_bytes)
        response = http.client.HTTPResponse(connection)
        response.begin()
        answer = json.loads(response.read())
    assert response.status == 400
    assert response.getheader("Content-Type").startswith("application/json")
    assert answer["error"].startswith("The request must be HTTP that can be read.")
    # It is the client's fault, of which the server's log tells nothing.
    assert not caplog.records


@pytest.mark.parametrize("what", ["parse_request", "read_inputs", "write_outputs"])
def test_what_is_big_holds_up_nobody(plain_rest, monkeypatch, what):
    convert = getattr(rest_bodies, what)
    begun, others_are_answered = threading.Event(), threading.Event()

    def held_up(*arguments):
        begun.set()
        assert others_are_answered.wait(30)
        return convert(*arguments)

    monkeypatch.setattr(rest_bodies, what, held_up)
    # More than a megabyte, both asked and answered.
    words = ["a" * 50_000] * 64
    columns = {"flag": [True], "level": [1], "precise": [1.0], "word": words}
    inputs = {name: (values * 64)[:64] for name, values in columns.items()}
    body = {"signature_name": "repeat", "inputs": inputs}
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        asked = pool.submit(plain_rest.answer, body)
        try:
            assert begun.wait(60)
            assert requests.get(plain_rest.url, timeout=10).ok
        finally:
            others_are_answered.set()
        assert asked.result()["outputs"]["word"] == words
