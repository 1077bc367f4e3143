"""Attacks on the server: what is large, slow, too much, or from elsewhere.

Each was once a way to keep other clients waiting, or to reach the server from a page on
the internet.
"""

import contextlib
import gzip
import http.client
import json
import logging
import math
import socket
import threading

import numpy as np
import pytest
import requests

from savedmodels import rest_bodies
from savedmodels.server import rest
from savedmodels.server.loaded_version import LoadedSignature
from savedmodels.tensor_spec import TensorSpec
from tests.savedmodels.server.calls import Rest
from tests.savedmodels.server.plain_models import started

BODY = json.dumps({"instances": [[1, 1]]}).encode()
HEAD = (
    b"POST /v1/models/m:predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n"
)


def _connect(server):
    return socket.create_connection(("127.0.0.1", server.rest_port), timeout=60)


def _answer(connection):
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response.status, response.read()


# What is slow.


def test_a_head_has_a_deadline(base, monkeypatch):
    monkeypatch.setattr(rest, "IDLE_SECONDS", 0.2)
    with started(base) as server:
        for head in (b"", HEAD[:40], HEAD % 9):
            with _connect(server) as half:
                half.sendall(head)
                assert half.recv(1) == b""


def test_a_body_has_a_deadline(base):
    with started(base, rest_timeout_seconds=0.2) as server, _connect(server) as half:
        half.sendall(HEAD % len(BODY) + b"\r\n" + BODY[:5])
        status, content = _answer(half)
    assert status == 504
    assert b"The time is over" in content


def test_stopping_waits_for_no_body(base):
    with started(base) as server, _connect(server) as half:
        half.sendall(HEAD % len(BODY) + b"\r\n" + BODY[:5])
        Rest(server, "m").answer({"instances": [[1, 1]]})
        server.stop()
        assert half.recv(1) == b""


# What is too much.


@pytest.mark.parametrize("head", [b"", HEAD % 9, HEAD % len(BODY) + b"\r\n["])
def test_the_connections_that_wait_longest_make_room(base, monkeypatch, head):
    monkeypatch.setattr(rest, "MOST_CONNECTIONS", 4)
    with started(base) as server, contextlib.ExitStack() as stack:
        halves = [stack.enter_context(_connect(server)) for _ in range(7)]
        for half in halves:
            half.sendall(head)
        client = stack.enter_context(_connect(server))
        client.sendall(HEAD % len(BODY) + b"\r\n" + BODY)
        assert _answer(client) == (200, b'{"predictions":[[2.0,2.0]]}')
        for half in halves[:4]:
            with contextlib.suppress(ConnectionError):
                assert half.recv(1) == b""


def test_a_request_that_runs_makes_no_room(base, monkeypatch):
    begun, go, run = threading.Event(), threading.Event(), LoadedSignature.run

    def wait_and_run(self, inputs):
        begun.set()
        assert go.wait(60)
        return run(self, inputs)

    monkeypatch.setattr(LoadedSignature, "run", wait_and_run)
    monkeypatch.setattr(rest, "MOST_CONNECTIONS", 1)
    with started(base) as server, _connect(server) as client:
        client.sendall(HEAD % len(BODY) + b"\r\n" + BODY)
        assert begun.wait(60)
        with _connect(server) as further:
            assert further.recv(1) == b""
        go.set()
        assert _answer(client)[0] == 200


# What is large: see also bodies of 100 MB in `bad_rest_test`.


def test_texts_may_hold_commas_and_lists_of_any_size_values():
    text = TensorSpec(np.dtype(object), (None,))
    assert rest_bodies.row_size({"text": text}).num_commas == math.inf
    open_ended = TensorSpec(np.dtype(np.int32), (None, None))
    assert rest_bodies.row_size({"x": open_ended}).num_commas == math.inf
    assert rest_bodies.row_size({"image_bytes": text}).num_commas == 1


def test_numbers_are_counted_before_they_are_parsed(rest, monkeypatch):
    monkeypatch.setattr(rest_bodies.json_codec, "parse", lambda body: pytest.fail())
    for number in (b"0,", b"1e-5,", b"NaN,"):
        response = rest.post(b'{"instances": [' + number * 20_000 + b"0]}")
        assert response.status_code == 400
        assert "20000 commas" in response.json()["error"]


def test_the_largest_requests_that_a_model_takes_pass_in_both_forms(rest):
    rows = [{"image": np.zeros((4, 3, 1), int).tolist(), "label": 0}] * 64
    answers = [
        rest.answer({"signature_name": "log_prob", "instances": rows})["predictions"],
        rest.answer(
            {
                "signature_name": "log_prob",
                "inputs": {
                    key: [row[key] for row in rows] for key in ("image", "label")
                },
            }
        )["outputs"],
    ]
    assert len(answers[0]) == len(answers[1]["log_prob"]) == 64


@pytest.mark.parametrize("damage", [slice(0, -9), slice(5, None)])
def test_damaged_gzip_leaves_nothing_in_the_log(rest, caplog, damage):
    caplog.set_level(logging.DEBUG)
    body = gzip.compress(BODY)[damage]
    response = rest.post(body, headers={"Content-Encoding": "gzip"})
    assert response.status_code == 400
    assert "error" in response.json()
    assert not [x for x in caplog.records if x.levelno >= logging.WARNING]
    assert not [x for x in caplog.records if x.exc_info]


@pytest.mark.parametrize(
    ("method", "path", "kind", "status"),
    [
        ("POST", "/v1/models/none:predict", "application/json", 404),
        ("POST", "/v1/models/tiny:predict", "text/plain", 415),
        ("POST", "/nothing", "application/json", 404),
        ("GET", "/page/page.js", "application/json", 200),
    ],
)
def test_damage_in_a_body_that_is_not_read_is_not_logged(
    rest, caplog, method, path, kind, status
):
    caplog.set_level(logging.DEBUG)
    headers = {"Content-Encoding": "gzip", "Content-Type": kind}
    url = f"{rest.root}{path}"
    response = requests.request(method, url, data=b"x", headers=headers, timeout=60)
    assert response.status_code == status
    assert status == 200 or "error" in response.json()
    assert not [x for x in caplog.records if x.levelno >= logging.WARNING]


# What comes from elsewhere.


def test_only_known_hosts_are_answered(base):
    known = "localhost:80", "LOCALHOST", "127.0.0.1", "[::1]:8501", "mine.example"
    others = "rebound.example", "127.0.0.1.rebound.example:8501", "6.6.6.6", "", "["
    with started(base, allowed_hosts=["mine.example"]) as server:
        for host in known + others:
            for path in ("/", "/v1/models/m", "/page/models"):
                url = f"{server.rest_url}{path}"
                response = requests.get(url, headers={"Host": host}, timeout=60)
                assert response.ok is (host in known), host
                if host in others:
                    assert response.status_code == 403
                    assert "--allowed_hosts" in response.json()["error"]


def test_any_host_may_be_allowed(base):
    with started(base, allowed_hosts=["*"]) as server:
        headers = {"Host": "any.example"}
        assert requests.get(server.rest_url, headers=headers, timeout=60).ok


def test_pages_of_other_sites_are_refused(rest):
    own = rest.root
    port = own.rpartition(":")[2]
    for origin in ("http://evil.example", "null", own.replace(port, "1"), ""):
        response = rest.post(BODY, headers={"Origin": origin})
        assert response.status_code == 403
        assert "this server's own page" in response.json()["error"]
    for origin in (own, own.replace("http:", "https:")):
        assert rest.post(BODY, headers={"Origin": origin}).status_code == 400


@pytest.mark.parametrize("kind", ["text/plain;charset=UTF-8", "multipart/form-data"])
def test_forms_of_pages_are_refused(rest, kind):
    response = rest.post(BODY, headers={"Content-Type": kind})
    assert response.status_code == 415
    assert "must be application/json" in response.json()["error"]


def test_nobody_may_frame_the_page(server):
    for path in ("/", "/page/page.js", "/v1/models/tiny", "/nothing"):
        headers = requests.get(f"{server.rest_url}{path}", timeout=60).headers
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
