"""Tests of the program: its flags, and how it is ended."""

import re
import socket
import time

import pytest
import requests
from absl import flags

from savedmodels.server import __main__ as program
from tests.forked import Forked
from tests.savedmodels.server.calls import Rest, wait_for
from tests.savedmodels.server.plain_models import save_plain

FLAGS = ["--port=0", "--rest_api_port=0", "--grace_seconds=600"]


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("--help", "Production is TensorFlow\nServing"),
        ("--model_name=a", "--model_base_path must have a value"),
        ("--model_base_path=/no/where", "error: The base path must be a folder"),
    ],
)
def test_help_and_errors_are_told_without_a_traceback(flag, words):
    result = Forked("savedmodels.server", flag).wait()
    assert result.returncode == (flag != "--help")
    assert words in result.stdout + result.stderr
    assert "Traceback" not in result.stderr


def _server(*arguments):
    """The server that the program would start."""
    flag_values = flags.FlagValues()
    program.define_flags(flag_values)
    flag_values(["server", *arguments])
    return program.make_server(flag_values)


def test_flags_that_cannot_be_followed(tmp_path):
    base = f"--model_base_path={tmp_path}"
    for flag in ("max_body_mb=0", "port=65536", "rest_api_port=99999", "port=-1"):
        with pytest.raises(flags.IllegalFlagValueError, match=flag.split("=")[0]):
            _server(base, f"--{flag}")
    for names in (["a", "b"], ["a", "a"]):
        with pytest.raises(flags.IllegalFlagValueError, match="as many names"):
            _server(base, base, base, *(f"--model_name={name}" for name in names))


def test_flags_are_followed(tmp_path):
    save_plain(tmp_path, 1, factor=2.0)
    models = [f"--model_name={name}" for name in "ab"]
    models += [f"--model_base_path={tmp_path}"] * 2
    limits = ["--port=0", "--rest_api_port=0", "--max_batch_size=3", "--max_body_mb=1"]
    with _server(*models, *limits, "--allowed_hosts=a.example") as server:
        server.wait_until_available("b")
        rest = Rest(server, "b")
        assert "at most 3 rows" in rest.post({"instances": [[1, 1]] * 10}).text
        assert "at most 1048576 bytes" in rest.post(bytes(2 << 20)).text
        headers = {"Host": "a.example"}
        assert rest.post({"instances": [[1, 1]]}, headers=headers).ok


@pytest.mark.slow
def test_it_serves_until_it_is_ended_whatever_comes_in(tmp_path):
    """Once an unfinished body delayed the end by all its grace."""
    save_plain(tmp_path, 1, factor=2.0)
    process = Forked("savedmodels.server", f"--model_base_path={tmp_path}", *FLAGS)
    try:
        wait_for(lambda: "gRPC" in process.said())
        url = re.search(r"REST at (http://127\.0\.0\.1:\d+), gRPC", process.said())[1]
        body = '{"instances": [[1, 1]]}'
        path = f"{url}/v1/models/default:predict"
        answer = requests.post(path, data=body, timeout=60)
        while answer.status_code == 503:
            time.sleep(0.05)
            answer = requests.post(path, data=body, timeout=60)
        assert answer.json() == {"predictions": [[2, 2]]}
        address = ("127.0.0.1", int(url.rpartition(":")[2]))
        with socket.create_connection(address) as half:
            half.sendall(b"POST /v1/models/default:predict HTTP/1.1\r\n")
            half.sendall(b"Host: localhost\r\nContent-Length: 100\r\n\r\n{")
            requests.get(url, timeout=60)
            process.terminate()
            ended = process.wait(60)
    finally:
        process.kill()
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.endswith("\nFinishing what runs.\n")
