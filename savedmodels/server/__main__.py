"""Serves models on this machine, with TensorFlow Serving's REST and gRPC surface.

python -m savedmodels.server --model_name=pixelcnn --model_base_path=served/pixelcnn

For tests, notebooks and machines without Docker. Production is TensorFlow Serving,
which takes the same models, flags and requests.
"""

import contextlib
import signal
import threading

from absl import flags

from trainers.command_line import programs


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    define = {"flag_values": flag_values}
    flags.DEFINE_string("model_name", "default", "How requests name it.", **define)
    flags.DEFINE_string(
        "model_base_path", None, "The folder of the model's versions.", **define
    )
    flags.DEFINE_string(
        "model_config_file",
        None,
        "Text file of a ModelServerConfig: several models, versions, labels.",
        **define,
    )
    flags.DEFINE_string(
        "host", "127.0.0.1", "The address to listen on: this machine alone.", **define
    )
    ports = {"lower_bound": 0, "upper_bound": 65535, **define}
    flags.DEFINE_integer("rest_api_port", 8501, "REST; 0 for any.", **ports)
    flags.DEFINE_integer("port", 8500, "gRPC; 0 for any.", **ports)
    _define_limits(flag_values)
    flags.register_multi_flags_validator(
        ["model_base_path", "model_config_file"],
        lambda values: (
            (values["model_base_path"] is None) != (values["model_config_file"] is None)
        ),
        message="pass one of both",
        flag_values=flag_values,
    )


def _define_limits(flag_values: flags.FlagValues) -> None:
    define = {"flag_values": flag_values, "lower_bound": 1}
    flags.DEFINE_boolean(
        "enable_batching",
        True,
        "Whether requests that come together are run together.",
        flag_values=flag_values,
    )
    flags.DEFINE_string(
        "batching_parameters_file",
        None,
        "Text file of BatchingParameters. Default: that of each version.",
        flag_values=flag_values,
    )
    flags.DEFINE_integer("rest_api_timeout_in_ms", 30000, "REST's time-out.", **define)
    flags.DEFINE_integer(
        "file_system_poll_wait_seconds", 1, "How often to look for versions.", **define
    )
    flags.DEFINE_integer("max_body_mb", 64, "The largest request, in MiB.", **define)
    flags.DEFINE_integer(
        "max_rows", 1024, "Most rows of a request without batching.", **define
    )
    flags.DEFINE_integer(
        "grace_seconds",
        30,
        "When it is ended, by SIGTERM or SIGINT, requests that were sent before are "
        "answered, for at most so long, and later ones are refused.",
        **define,
    )


def main(flag_values: flags.FlagValues) -> None:
    """Serves until SIGTERM or SIGINT, and then stops as `LocalServer.stop` does."""
    # Before TensorFlow loads, which takes seconds in which a signal may come.
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with make_server(flag_values) as server:
        print(f"REST at {server.rest_url}, gRPC at {server.grpc_address}", flush=True)
        ended.wait()
        print("Finishing what runs.", flush=True)


def make_server(flag_values: flags.FlagValues) -> contextlib.AbstractContextManager:
    """The `LocalServer` that the flags describe, not started yet."""
    from savedmodels.server.batching_parameters import read_batching_parameters
    from savedmodels.server.local_server import LocalServer
    from savedmodels.server.model_config import ModelConfig, read_model_configs

    if flag_values.model_config_file is not None:
        models = read_model_configs(flag_values.model_config_file)
    else:
        models = {flag_values.model_name: ModelConfig(flag_values.model_base_path)}
    batching = flag_values.enable_batching
    if batching and flag_values.batching_parameters_file is not None:
        batching = read_batching_parameters(flag_values.batching_parameters_file)
    return LocalServer(
        models,
        host=flag_values.host,
        rest_port=flag_values.rest_api_port,
        grpc_port=flag_values.port,
        batching=batching,
        poll_seconds=flag_values.file_system_poll_wait_seconds,
        rest_timeout_seconds=flag_values.rest_api_timeout_in_ms / 1000,
        max_body_mb=flag_values.max_body_mb,
        max_rows=flag_values.max_rows,
        grace_seconds=flag_values.grace_seconds,
    )


if __name__ == "__main__":
    programs.run(main, define_flags)
