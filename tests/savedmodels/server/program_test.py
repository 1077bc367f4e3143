"""Tests of the program: its flags, and how it is ended."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest
import requests
from absl import flags

from savedmodels.server import __main__ as program
from tests.savedmodels.server.plain_models import save_plain

ROOT = pathlib.Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "savedmodels.server"]


def _run(*arguments):
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_its_help_says_what_production_is():
    result = _run("--help")
    assert "Production is TensorFlow Serving" in result.stdout
    for flag in ("model_base_path", "rest_api_port", "enable_batching"):
        assert f"--{flag}" in result.stdout or f"--[no]{flag}" in result.stdout


def test_models_must_be_named_in_one_way(tmp_path):
    result = _run()
    assert result.returncode == 1
    assert "pass one of both" in result.stderr


def _server(*arguments):
    """The server that the program would start."""
    flag_values = flags.FlagValues()
    program.define_flags(flag_values)
    flag_values(["server", *arguments])
    return program.make_server(flag_values)


def test_flags_that_cannot_be_followed(tmp_path):
    with pytest.raises(ValueError, match="The base path must be a folder"):
        _server(f"--model_base_path={tmp_path / 'nowhere'}")
    (tmp_path / "batching.txt").write_text("max_batch_size { value: 0 }")
    base = f"--model_base_path={tmp_path}"
    with pytest.raises(ValueError, match="max_batch_size must be at least 1"):
        _server(base, f"--batching_parameters_file={tmp_path / 'batching.txt'}")
    for flag in ("max_body_mb=0", "port=65536", "rest_api_port=99999", "port=-1"):
        with pytest.raises(flags.IllegalFlagValueError, match=flag.split("=")[0]):
            _server(base, f"--{flag}")
    for flag in ("model_config_file", "batching_parameters_file"):
        arguments = [] if flag == "model_config_file" else [base]
        with pytest.raises(ValueError, match="missing must be a text file"):
            _server(*arguments, f"--{flag}={tmp_path / 'missing'}")


def test_flags_are_followed(tmp_path):
    (tmp_path / "batching.txt").write_text("max_batch_size { value: 3 }")
    save_plain(tmp_path, 1, factor=2.0)
    arguments = [f"--model_base_path={tmp_path}", "--port=0", "--rest_api_port=0"]
    batching = f"--batching_parameters_file={tmp_path / 'batching.txt'}"
    for more, most in (
        ([batching], 3),
        (["--noenable_batching", batching, "--max_rows=5"], 5),
    ):
        with _server(*arguments, *more) as server:
            server.wait_until_available("default")
            path = f"{server.rest_url}/v1/models/default:predict"
            body = json.dumps({"instances": [[1, 1]] * 10})
            response = requests.post(path, data=body, timeout=60)
            assert f"at most {most} rows" in response.text


@pytest.mark.slow
def test_it_serves_until_it_is_ended(tmp_path):
    save_plain(tmp_path, 1, factor=2.0)
    config = tmp_path / "models.config"
    config.write_text(
        "model_config_list { config { "
        f'name: "m" base_path: "{tmp_path}" version_labels {{ key: "new" value: 1 }}'
        " } }"
    )
    with subprocess.Popen(
        [*COMMAND, f"--model_config_file={config}", "--port=0", "--rest_api_port=0"],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            line = process.stdout.readline()
            url = re.search(r"REST at (http://127\.0\.0\.1:\d+), gRPC at ", line)[1]
            body = '{"instances": [[1, 1]]}'
            path = f"{url}/v1/models/m/labels/new:predict"
            answer = requests.post(path, data=body, timeout=60)
            while answer.status_code == 503:
                answer = requests.post(path, data=body, timeout=60)
            assert answer.json() == {"predictions": [[2, 2]]}
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
            assert process.stdout.read() == "Finishing what runs.\n"
        finally:
            process.kill()
