"""Tests of batching in the server: everyone gets what they would get alone."""

import concurrent.futures

import grpc
import numpy as np
import pytest

from tests.savedmodels.server.calls import sample_inputs

CLIENTS = 64


def _at_once(ask, arguments):
    with concurrent.futures.ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(ask, arguments))


@pytest.fixture(scope="module")
def alone(signatures):
    """What each client's seed and label give, alone."""

    def answer(client):
        inputs = sample_inputs([client], [client % 3])
        return signatures["sample"](**inputs)["image"].numpy()

    return [answer(client) for client in range(CLIENTS)]


def _batches(server):
    """How many batches were run, and how many rows they had."""
    sizes = server._registry.model("tiny").get().batchers["sample"].batch_sizes
    return sum(sizes.values()), sum(rows * count for rows, count in sizes.items())


def _check_that_batches_formed(server, before):
    batches, rows = (after - then for after, then in zip(_batches(server), before))
    assert rows == CLIENTS
    assert batches < CLIENTS / 2


def test_64_clients_over_grpc(server, call, alone):
    before = _batches(server)

    def ask(client):
        return call.answer("sample", **sample_inputs([client], [client % 3]))["image"]

    np.testing.assert_array_equal(_at_once(ask, range(CLIENTS)), alone)
    _check_that_batches_formed(server, before)


def test_bad_requests_do_not_spoil_their_neighbours(call, alone):
    bad = {5, 6, 40}

    def ask(client):
        label = 99 if client in bad else client % 3
        try:
            return call.answer("sample", **sample_inputs([client], [label]))["image"]
        except grpc.RpcError as error:
            return error

    for client, answer in enumerate(_at_once(ask, range(CLIENTS))):
        if client in bad:
            assert answer.code() is grpc.StatusCode.INVALID_ARGUMENT
            rule = "label must hold integers in [0, 3). Received: 99"
            assert answer.details() == rule
        else:
            np.testing.assert_array_equal(answer, alone[client])


def test_requests_of_many_signatures_and_sizes(call, signatures):
    """Batches hold one signature's requests, of any number of rows."""

    def ask(client):
        rows = 1 + client % 5
        inputs = sample_inputs(range(client, client + rows), [client % 3] * rows)
        image = call.answer("sample", **inputs)["image"]
        label = {"label": inputs["label"], "image": image.astype(np.int32)}
        return inputs, image, call.answer("log_prob", **label)["log_prob"]

    for inputs, image, nats in _at_once(ask, range(20)):
        np.testing.assert_array_equal(image, signatures["sample"](**inputs)["image"])
        label = {"label": inputs["label"], "image": image.astype(np.int32)}
        expected = signatures["log_prob"](**label)["log_prob"]
        np.testing.assert_allclose(nats, expected, rtol=1e-5)


def test_an_output_without_rows_cannot_be_batched(plain_rest):
    body = {"signature_name": "total", "instances": [1, 2]}
    response = plain_rest.post(body)
    assert response.status_code == 500
    assert "total must have a row for each" in response.json()["error"]
