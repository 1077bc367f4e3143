"""Tests of stopping under load: what was sent before is answered."""

import contextlib
import http.client
import json
import socket
import threading

import grpc
import numpy as np
import pytest
import tensorflow as tf

from savedmodels.server import LocalServer
from tests.savedmodels.server.calls import Grpc
from tests.savedmodels.server.plain_models import save_plain

BODY = json.dumps({"instances": [[1, 1]]}).encode()
X = np.ones((1, 2), np.float32)


@pytest.fixture
def server(tmp_path):
    save_plain(tmp_path, 1, factor=2.0)
    with LocalServer({"m": tmp_path}) as server:
        server.wait_until_available("m")
        yield server


class _Load:
    """Threads that ask for one row again and again until they are refused.

    Attributes:
        stopping: set when the server is told to stop.
        failures: errors of requests that must be answered.
    """

    def __init__(self, asks):
        self.stopping = threading.Event()
        self.failures = []
        self._threads = [
            threading.Thread(target=self._ask_until_refused, args=(ask,))
            for ask in asks
        ]
        self._under_load = threading.Barrier(len(asks) + 1)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        self._under_load.wait(60)
        return self

    def __exit__(self, *error):
        for thread in self._threads:
            thread.join()

    def _ask_until_refused(self, ask):
        try:
            for _ in range(3):
                ask(self)
            self._under_load.wait(60)
            while ask(self):
                pass
        except Exception as error:
            self.failures.append(error)
            self._under_load.abort()


class _RestClient:
    """Asks over REST, on a new connection each time or on one that is kept."""

    def __init__(self, server, keep):
        address = ("127.0.0.1", server.rest_port)
        self.connection = http.client.HTTPConnection(*address, timeout=60)
        self.keep = keep
        self.closed_by_server = False

    def __call__(self, load):
        """Whether a request was answered."""
        before = False
        try:
            self.connection.request("POST", "/v1/models/m:predict", BODY)
            before = not load.stopping.is_set()
            response = self.connection.getresponse()
        except ConnectionError:
            # Refused, or no answer has begun: RemoteDisconnected is one of these.
            if before:
                raise
            return False
        # What has begun is whole, whenever it was asked.
        assert response.status == 200
        assert json.loads(response.read()) == {"predictions": [[2, 2]]}
        self.closed_by_server = response.getheader("Connection") == "close"
        if not self.keep:
            self.connection.close()
        return True


def _is_refused(port):
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) != 0


def _grpc_client(call):
    request = call.request(x=X)

    def ask(load):
        asked = call.prediction.Predict.future(request, timeout=60)
        before = not load.stopping.is_set()
        try:
            outputs = asked.result().outputs
        except grpc.RpcError as error:
            if before or error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
            return False
        np.testing.assert_array_equal(tf.make_ndarray(outputs["y"]), 2 * X)
        return True

    return ask


def test_requests_over_rest_that_were_sent_before_are_answered(server):
    clients = [_RestClient(server, keep=index % 2 == 0) for index in range(16)]
    with _Load(clients) as load:
        load.stopping.set()
        server.stop()
    assert not load.failures
    # Those with a connection were told that it ends, and did not find it ended.
    assert all(client.closed_by_server for client in clients if client.keep)
    for client in clients:
        client.connection.close()


def test_calls_of_grpc_that_were_sent_before_are_answered(server):
    call = Grpc(server, "m")
    with _Load([_grpc_client(call)] * 4) as load:
        load.stopping.set()
        server.stop()
    call.channel.close()
    assert not load.failures


def test_a_request_of_which_half_came_before_is_answered(server):
    head = (
        b"POST /v1/models/m:predict HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
    )
    half = socket.create_connection(("127.0.0.1", server.rest_port), timeout=60)
    with contextlib.closing(half):
        half.sendall(head % len(BODY) + BODY[:5])
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        while not _is_refused(server.rest_port):
            pass
        half.sendall(BODY[5:])
        response = http.client.HTTPResponse(half)
        response.begin()
        assert json.loads(response.read()) == {"predictions": [[2, 2]]}
    stopping.join()
