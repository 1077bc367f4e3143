import contextlib

import pytest

import keras_pixelcnn as kp
from benchmarks import serving, serving_clients, timing
from savedmodels.server import LocalServer
from tests.benchmarks.tiny_network import NAME


@contextlib.contextmanager
def running_here(base):
    """A server in this process: the first test has one of its own."""
    with LocalServer({"default": base}) as server:
        server.wait_until_available("default")
        grpc = f"grpc://{server.grpc_address}"
        yield serving.Server(None, {"rest": server.rest_url, "grpc": grpc})


@pytest.mark.slow
def test_no_request_is_lost_or_wrong(monkeypatch):
    monkeypatch.setattr(serving_clients, "PROCESSES", 1)  # each imports for seconds
    monkeypatch.setattr(serving, "_WARM_UP", 40)
    records = serving.measure(2, NAME, num_requests=40, num_clients=4)
    assert [record["protocol"] for record in records] == ["rest", "grpc"]
    for record in records:
        assert record["requests"] == 40
        assert record["differing"] == 0
        assert record["after / before"] < 1.5
    assert serving.ROW.as_table(records).count("\n") == 3


@pytest.mark.slow
def test_one_client_is_answered_as_the_export_answers(monkeypatch):
    monkeypatch.setattr(serving, "running_server", running_here)
    monkeypatch.setattr(kp, "from_preset", timing.new_model)
    records = serving.measure_latency(1, [NAME], calls=2)
    assert [(record["verb"], record["protocol"]) for record in records] == [
        ("sample", "rest"),
        ("sample", "grpc"),
        ("log_prob", "rest"),
        ("log_prob", "grpc"),
    ]
    for record in records:
        assert record["served_seconds"] > 0 and record["in_process_seconds"] > 0
    assert serving.LATENCY.as_table(records).count("\n") == 5
