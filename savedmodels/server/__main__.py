"""Serves models on this machine, with TensorFlow Serving's REST and gRPC surface.

python -m savedmodels.server --model_name=pixelcnn --model_base_path=served/pixelcnn

This is for tests, notebooks and machines without Docker. Production is TensorFlow
Serving, which takes the same models, flags and requests.
"""

import contextlib
import signal
import threading

from absl import flags

from keras_pixelcnn import programs


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    define = programs.FlagDefiner(flag_values)
    names = "How requests name it. Repeat it, and the path, for several models."
    define.multi_string("model_name", ["default"], names)
    paths = "The folder of the model's versions."
    define.multi_string("model_base_path", None, paths)
    define.required(["model_base_path"])
    define.check_together(
        ["model_name", "model_base_path"],
        lambda values: (
            len(set(values["model_name"])) == len(values["model_base_path"] or [0])
        ),
        "pass as many names, each once, as paths",
    )
    host = "The address to listen on. Default: this machine alone."
    define.string("host", "127.0.0.1", host)
    hosts = "Names by which REST may be asked, beside localhost and --host; * for any."
    define.list("allowed_hosts", [], hosts)
    ports = {"lower_bound": 0, "upper_bound": 65535}
    define.integer("rest_api_port", 8501, "Port of REST; 0 for any.", **ports)
    define.integer("port", 8500, "Port of gRPC; 0 for any.", **ports)
    define.count("max_batch_size", 64, "Most rows of a request.")
    size = "The largest request, in MiB. Default: by model."
    define.count("max_body_mb", None, size)
    define.count("rest_api_timeout_in_ms", 30000, "Milliseconds until REST gives up.")
    poll = "Seconds between two looks for versions."
    define.count("file_system_poll_wait_seconds", 1, poll)
    grace = "Seconds to finish what is under way in, after SIGTERM or SIGINT."
    define.count("grace_seconds", 30, grace)


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
    """Makes the `LocalServer` that the flags describe, not started yet."""
    from savedmodels.server.local_server import LocalServer

    names, paths = flag_values.model_name, flag_values.model_base_path
    return LocalServer(
        dict(zip(names, paths, strict=True)),
        host=flag_values.host,
        rest_port=flag_values.rest_api_port,
        grpc_port=flag_values.port,
        allowed_hosts=flag_values.allowed_hosts,
        max_batch_size=flag_values.max_batch_size,
        max_body_mb=flag_values.max_body_mb,
        poll_seconds=flag_values.file_system_poll_wait_seconds,
        rest_timeout_seconds=flag_values.rest_api_timeout_in_ms / 1000,
        grace_seconds=flag_values.grace_seconds,
    )


if __name__ == "__main__":
    programs.run(main, define_flags)
