"""Serving under load and to one client, against calling the export in the process.

The local server runs in a process of its own, on the same processors as its clients.
Under load these are in processes of their own, and each has a request of one row under
way at any time; one client alone is in this process, and asks again when it has its
answer. What comes back is compared with what the export gives in this process.
"""

import contextlib
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

import keras_pixelcnn as kp
from benchmarks.report import Record, Row
from benchmarks.serving_clients import Clients
from benchmarks.timing import compare, new_model
from savedmodels.client import Client

IMAGES = "28x28x1"
PROTOCOLS = ("rest", "grpc")
NUM_CLIENTS = 32
NUM_REQUESTS = 2000
"""Of each protocol, in all runs together."""

_WARM_UP = 200
"""More requests, before the memory is looked at."""

_ALONE = 40
"""Calls of one row each that are timed in the process; more would only take longer."""


class Server(NamedTuple):
    """A local server in a process of its own."""

    process: subprocess.Popen[str]
    addresses: dict[str, str]

    def resident_bytes(self) -> int:
        """Returns the memory of the process as it stands. Linux only."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) << 10


def measure(
    runs: int,
    images: str = IMAGES,
    num_requests: int = NUM_REQUESTS,
    num_clients: int = NUM_CLIENTS,
) -> list[Record]:
    """Measures requests a second of each protocol, and the same rows without a server.

    Args:
        runs: counted runs, which divide the requests among them.
        images: a key of `benchmarks.timing.MODELS`.
        num_requests: of one image each, for each protocol.
        num_clients: that ask at the same time.
    """
    with tempfile.TemporaryDirectory() as folder:
        base = pathlib.Path(folder) / "served"
        new_model(images).export(base / "1", verbose=False, signatures=["sample"])
        sample = tf.saved_model.load(base / "1").signatures["sample"]
        with running_server(base) as server:
            return [
                {
                    "images": images,
                    "clients": num_clients,
                    **_measure_protocol(
                        sample, server, protocol, runs, num_requests, num_clients
                    ),
                }
                for protocol in PROTOCOLS
            ]


@contextlib.contextmanager
def running_server(base: pathlib.Path) -> Iterator[Server]:
    """Serves the versions of a folder as the model "default", until the end.

    Args:
        base: the folder.
    """
    command = [sys.executable, "-m", "savedmodels.server", f"--model_base_path={base}"]
    with subprocess.Popen(
        [*command, "--port=0", "--rest_api_port=0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            line = process.stdout.readline()
            rest, grpc = re.search(r"REST at (\S+), gRPC at (\S+)", line).groups()
            yield Server(process, {"rest": rest, "grpc": f"grpc://{grpc}"})
        finally:
            process.terminate()


def _measure_protocol(
    sample: Any,
    server: Server,
    protocol: str,
    runs: int,
    num_requests: int,
    num_clients: int,
) -> Record:
    seeds = np.arange(num_requests + _WARM_UP, dtype=np.int64)
    seconds = {"served": [], "together": [], "alone": []}
    wrong = 0
    with Clients(server.addresses[protocol], num_clients) as clients:
        clients.ask(seeds[num_requests:])
        before = server.resident_bytes()
        for part in np.array_split(seeds[:num_requests], runs):
            start = time.perf_counter()
            images = clients.ask(part)
            seconds["served"].append(_seconds_each(start, len(part)))
            start = time.perf_counter()
            expected = in_process(sample, part, num_clients)
            seconds["together"].append(_seconds_each(start, len(part)))
            alone = part[:_ALONE]
            start = time.perf_counter()
            in_process(sample, alone, 1)
            seconds["alone"].append(_seconds_each(start, len(alone)))
            wrong += int((images != expected).any(axis=(1, 2, 3)).sum())
        after = server.resident_bytes()
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    return {
        "protocol": protocol,
        "requests": num_requests,
        "differing": wrong,
        **{f"{name} a second": 1 / value for name, value in medians.items()},
        "served / together": medians["together"] / medians["served"],
        "served / alone": medians["alone"] / medians["served"],
        "bytes before": before,
        "bytes after": after,
        "after / before": after / before,
    }


def _seconds_each(start: float, count: int) -> float:
    return (time.perf_counter() - start) / count


def in_process(sample: Any, seeds: np.ndarray, batch_size: int) -> np.ndarray:
    """Returns the same images by the export's signature, so many rows at once."""
    images = [
        sample(
            seed=tf.constant(seeds[i : i + batch_size]),
            temperature=tf.ones(len(seeds[i : i + batch_size])),
        )["image"].numpy()
        for i in range(0, len(seeds), batch_size)
    ]
    return np.concatenate(images)


PRESETS = ("gated_pixelcnn_digits", "gated_pixelcnn_fashion_mnist")
"""What is served to one client: unconditional models, an image of 64 and 784 values."""

_CALLS_OF_A_RUN = 10
"""Of one client: a call is short, and its time scatters more than that of a batch."""


def measure_latency(
    runs: int, presets: Sequence[str] = PRESETS, calls: int = _CALLS_OF_A_RUN
) -> list[Record]:
    """Measures how long a request of one row takes, beside a call in the process.

    Args:
        runs: counted runs.
        presets: names of unconditional models.
        calls: of each kind in a run.

    Raises:
        RuntimeError: when the server answers something else than the export.
    """
    records = []
    for name in presets:
        model = kp.from_preset(name)
        with tempfile.TemporaryDirectory() as folder:
            base = pathlib.Path(folder) / "served"
            model.export(base / "1", verbose=False, signatures=["sample", "log_prob"])
            signatures = tf.saved_model.load(base / "1").signatures
            image = in_process(signatures["sample"], np.array([1]), 1)
            given = {"sample": {"seed": np.array([1])}, "log_prob": {"image": image}}
            with contextlib.ExitStack() as opened:
                server = opened.enter_context(running_server(base))
                clients = {
                    protocol: opened.enter_context(
                        Client(address, "default", timeout=600)
                    )
                    for protocol, address in server.addresses.items()
                }
                records += [
                    {"preset": name, "verb": verb, **record}
                    for verb, arguments in given.items()
                    for record in _measure_verb(
                        signatures[verb], clients, verb, arguments, runs * calls
                    )
                ]
    return records


def _measure_verb(
    signature: Any, clients: dict[str, Client], verb: str, arguments: Any, calls: int
) -> list[Record]:
    specs = signature.structured_input_signature[1]
    given = {"temperature": np.ones(1), **arguments}
    (output,) = {"image", "log_prob"} & set(signature.structured_outputs)

    def in_this_process() -> np.ndarray:
        inputs = {
            name: tf.constant(given[name], spec.dtype) for name, spec in specs.items()
        }
        return signature(**inputs)[output].numpy()

    def served(client: Client) -> np.ndarray:
        return getattr(client, verb)(**arguments)

    expected = in_this_process()
    for protocol, client in clients.items():
        if not np.array_equal(served(client), expected):
            raise RuntimeError(f"{protocol} answers another {output} than the export.")
    ways = {name: lambda each=each: served(each) for name, each in clients.items()}
    ratios = [f"{protocol} / in_process" for protocol in clients]
    found = compare({"in_process": in_this_process, **ways}, calls, *ratios)
    return [
        {
            "protocol": protocol,
            "served_seconds": found[f"{protocol}_seconds"],
            "in_process_seconds": found["in_process_seconds"],
            "served / in process": found[f"{protocol} / in_process"],
        }
        for protocol in clients
    ]


ROW = Row(
    "Serving under load against calling the export in the process",
    measure,
    {
        "images": "{images}",
        "protocol": "{protocol}",
        "clients": "{clients}",
        "requests": "{requests}",
        "images a second": "{served a second:.0f}",
        "in the process, as many rows at once": "{together a second:.0f}",
        "served / that": "{served / together:.2f}",
        "in the process, one by one": "{alone a second:.0f}",
        "served / one by one": "{served / alone:.1f}",
        "memory after / before": "{after / before:.3f}",
    },
)
LATENCY = Row(
    "One client's requests of one row against calling the export in the process",
    measure_latency,
    {
        "preset": "`{preset}`",
        "verb": "{verb}",
        "protocol": "{protocol}",
        "served": lambda row: f"{1000 * row['served_seconds']:.2f} ms",
        "in the process": lambda row: f"{1000 * row['in_process_seconds']:.2f} ms",
        "served / in the process": "{served / in process:.2f}",
        "more": lambda row: (
            f"{1000 * (row['served_seconds'] - row['in_process_seconds']):.2f} ms"
        ),
    },
)
