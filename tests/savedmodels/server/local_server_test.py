"""Tests of a server's life: time-outs, full queues, stopping, ports, warm-up."""

import concurrent.futures
import socket
import threading

import grpc
import numpy as np
import pytest
import requests
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from savedmodels.server import LocalServer, local_server
from savedmodels.server.loaded_version import LoadedSignature
from tests.savedmodels.server.calls import Grpc, Rest, wait_for
from tests.savedmodels.server.plain_models import save_plain, started

ONE = {"instances": [[1, 1]]}
X = np.ones((1, 2), np.float32)


@pytest.fixture
def held_up(monkeypatch):
    """Holds up all runs, of servers of this process, until it is set."""
    go, run = threading.Event(), LoadedSignature.run

    def wait_and_run(self, inputs):
        assert go.wait(60)
        return run(self, inputs)

    monkeypatch.setattr(LoadedSignature, "run", wait_and_run)
    yield go
    go.set()


def _requests(server):
    """How many requests have come and are not answered yet."""
    batcher = server._registry.model("m").get().batchers["serving_default"]
    return batcher._rows + sum(n * count for n, count in batcher.batch_sizes.items())


def _is_refused(port):
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) != 0


def test_stopping_finishes_what_runs(base, held_up):
    with concurrent.futures.ThreadPoolExecutor(5) as pool:
        with started(base) as server:
            rest, call = Rest(server, "m"), Grpc(server, "m")
            asked = [pool.submit(rest.answer, ONE) for _ in range(2)]
            asked += [pool.submit(call.answer, x=X) for _ in range(2)]
            wait_for(lambda: _requests(server) == 4)
            stopped = pool.submit(server.stop)
            wait_for(lambda: _is_refused(server.rest_port))
            assert not stopped.done()
            held_up.set()
            stopped.result(60)
        for answer in asked[:2]:
            assert answer.result() == {"predictions": [[2, 2]]}
        for answer in asked[2:]:
            np.testing.assert_array_equal(answer.result()["y"], 2 * X)
    with pytest.raises(requests.ConnectionError):
        rest.get()
    with pytest.raises(grpc.RpcError) as failed:
        call.answer(x=X)
    assert failed.value.code() is grpc.StatusCode.UNAVAILABLE
    call.channel.close()


def test_stopping_waits_for_no_longer_than_its_grace(base, held_up):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        with started(base, grace_seconds=0.1) as server:
            asked = pool.submit(Rest(server, "m").post, ONE)
            wait_for(lambda: _requests(server) == 1)
            stopped = pool.submit(server.stop)
            assert isinstance(asked.exception(60), requests.ConnectionError)
            held_up.set()
            stopped.result(60)


def test_a_time_out_over_rest(base, held_up):
    with started(base, rest_timeout_seconds=0.05) as server:
        response = Rest(server, "m").post(ONE)
        assert response.status_code == 504
        assert "The time is over" in response.json()["error"]
        held_up.set()


def test_a_deadline_over_grpc_while_the_model_runs(base, held_up):
    with started(base) as server:
        call = Grpc(server, "m")
        with pytest.raises(grpc.RpcError) as failed:
            call.prediction.Predict(call.request(x=X), timeout=0.05)
        assert failed.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        held_up.set()
        np.testing.assert_array_equal(call.answer(x=X)["y"], 2 * X)
        call.channel.close()


def test_a_full_queue(base, held_up):
    with started(base, max_batch_size=1) as server:
        rest = Rest(server, "m")
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            asked = [pool.submit(rest.post, ONE) for _ in range(16)]
            # One runs, ten wait, and the others are refused.
            done = concurrent.futures.as_completed(asked, timeout=60)
            refused = [next(done).result() for _ in range(5)]
            held_up.set()
        assert {response.status_code for response in refused} == {503}
        assert "is full" in refused[0].json()["error"]
        codes = sorted(future.result().status_code for future in asked)
        assert codes == [200] * 11 + [503] * 5


def _write_warm_up(version, *requests):
    folder = version / "assets.extra"
    folder.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(folder / "tf_serving_warmup_requests")) as writer:
        for request in requests:
            log = prediction_log_pb2.PredictLog(request=request)
            record = prediction_log_pb2.PredictionLog(predict_log=log)
            writer.write(record.SerializeToString())


def _warm_up_request(x):
    request = predict_pb2.PredictRequest()
    request.inputs["x"].CopyFrom(tf.make_tensor_proto(x))
    return request


def test_a_version_is_warm_before_it_is_available(base, held_up):
    _write_warm_up(base / "1", _warm_up_request(X))
    with LocalServer({"m": base}) as server:
        rest = Rest(server, "m")
        with pytest.raises(TimeoutError, match="no version"):
            server.wait_until_available("m", timeout=0.3)
        (status,) = rest.get().json()["model_version_status"]
        assert status["state"] == "LOADING"
        response = rest.post(ONE)
        assert response.status_code == 503
        assert "being loaded" in response.json()["error"]
        held_up.set()
        server.wait_until_available("m")
        assert rest.answer(ONE) == {"predictions": [[2, 2]]}


def test_a_warm_up_request_that_fails_keeps_a_version_from_being_served(base):
    _write_warm_up(base / "1", _warm_up_request(X), _warm_up_request(X * 100))
    with LocalServer({"m": base}) as server:
        with pytest.raises(ValueError, match=r"x must be below 100.*Received: 100"):
            server.wait_until_available("m")


def test_a_request_that_is_damaged_keeps_a_version_from_being_served(base):
    _write_warm_up(base / "1", predict_pb2.PredictRequest())
    with LocalServer({"m": base}) as server:
        with pytest.raises(ValueError, match="Missing: x"):
            server.wait_until_available("m")


@pytest.mark.parametrize("which", ["rest_port", "grpc_port"])
def test_a_port_that_is_in_use(base, server, which):
    port = getattr(server, which)
    second = LocalServer({"m": base}, **{which: port})
    with pytest.raises(OSError, match=rf"the port free.*127\.0\.0\.1:{port}"):
        second.start()


@pytest.mark.parametrize(
    ("which", "host"),
    [
        ("RestServer", "no.such.host.invalid"),
        ("GrpcServer", "no.such.host.invalid"),
    ],
)
def test_nothing_is_left_running_when_it_cannot_start(base, monkeypatch, host, which):
    if which == "GrpcServer":
        # Otherwise REST, which is first, would fail.
        listen = local_server.RestServer
        monkeypatch.setattr(
            local_server,
            "RestServer",
            lambda registry, host, *more: listen(registry, "127.0.0.1", *more),
        )
    before = set(threading.enumerate())
    with pytest.raises((OSError, ValueError)):
        LocalServer({"m": base}, host=host).start()
    assert set(threading.enumerate()) <= before


def test_models_that_cannot_be_served(base):
    for models in ({"a/b": base}, {"": base}, {"m": base / "nowhere"}):
        with pytest.raises(ValueError, match="Received"):
            LocalServer(models)
    with pytest.raises(ValueError, match="poll_seconds must be above 0"):
        LocalServer({"m": base}, poll_seconds=0)


def test_a_folder_without_versions_has_none_until_one_appears(tmp_path):
    with LocalServer({"m": tmp_path}, poll_seconds=0.02) as server:
        rest = Rest(server, "m")
        with pytest.raises(TimeoutError, match="no version"):
            server.wait_until_available("m", timeout=0.1)
        assert rest.get().status_code == 404
        assert rest.post(ONE).status_code == 404
        save_plain(tmp_path, 1, factor=3.0)
        server.wait_until_available("m")
        assert rest.answer(ONE) == {"predictions": [[3, 3]]}
