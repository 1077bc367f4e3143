"""Attacks on the local server, while an innocent client asks it again and again.

    python -m tests.attacks.server

starts the server in a process of its own and attacks it: many mixed requests while
versions are replaced, half-open connections to both ports, and bodies that are large or
damaged. Prints, of each attack, what was lost or wrong, the slowest answer that the
innocent client got, and the server's memory. Ends with exit code 1 when a request was
lost or wrong, or an innocent answer took two seconds or more.
"""

import concurrent.futures
import contextlib
import gzip
import itertools
import json
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np
import requests

from savedmodels.client import Client, InvalidRequestError
from tests.served import make_model

SLOWEST = 2.0
CLIENTS, REQUESTS = 32, 2000
HALVES = 600


class Server:
    """The program, in a process of its own."""

    def __init__(self, base):
        command = [sys.executable, "-m", "savedmodels.server", "--port=0"]
        self.process = subprocess.Popen(
            [*command, f"--model_base_path={base}", "--rest_api_port=0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.log = []
        threading.Thread(target=self._read_log, daemon=True).start()
        line = self.process.stdout.readline()
        self.rest, self.grpc = re.search(r"REST at (\S+), gRPC at (\S+)", line).groups()

    def _read_log(self):
        self.log.extend(self.process.stderr)

    def memory(self, what="VmRSS"):
        """In MB; "VmHWM" for the most there was."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{what}:\s+(\d+) kB", status)[1]) / 1024


class Innocent:
    """A client in a process of its own: what the attackers compute is not its delay.

    Attributes:
        slowest: seconds, of each kind of request.
        failures: what it was answered instead.
        count: of its requests.
    """

    def __init__(self, server):
        command = [sys.executable, "-m", "tests.attacks.innocent"]
        self._process = subprocess.Popen(
            [*command, f"{server.rest}/v1/models/default"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._process.stdout.readline()  # it has begun

    def stop(self):
        said = json.loads(self._process.communicate(timeout=120)[0])
        self.slowest, self.failures, self.count = said


# Many mixed requests, while versions are replaced.


class Load:
    """Clients that ask for what is known beforehand, of either of two models."""

    def __init__(self, server, models):
        self.lost, self.wrong, self.answered = [], [], 0
        self._server = server
        self._seeds = list(range(50))
        images = np.random.default_rng(0).integers(0, 256, (50, 3, 4, 1))
        self._images = images
        self._samples = [
            np.array(model.sample(50, seed=self._seeds)) for model in models
        ]
        self._scores = [np.array(model.log_prob(images)) for model in models]

    def run(self):
        parts = np.array_split(range(REQUESTS), CLIENTS)
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(self._ask_all, range(CLIENTS), parts))

    def _ask_all(self, index, part):
        address = self._server.rest if index % 2 else f"grpc://{self._server.grpc}"
        chance = random.Random(index)
        with Client(address, "default", timeout=120) as client:
            for _ in part:
                try:
                    self._ask(client, chance)
                except Exception as error:
                    self.lost.append(repr(error))
                else:
                    self.answered += 1

    def _ask(self, client, chance):
        first, count = chance.randrange(40), chance.randrange(1, 9)
        rows = slice(first, first + count)
        kind = chance.choice(["sample", "sample", "score", "bad", "metadata"])
        if kind == "sample":
            found = client.sample(count, seed=self._seeds[rows])
            good = any((found == known[rows]).all() for known in self._samples)
        elif kind == "score":
            found = client.log_prob(self._images[rows])
            good = any(np.allclose(found, x[rows], rtol=1e-4) for x in self._scores)
        elif kind == "bad":
            try:
                client.sample(1, temperature=-1.0)
                good = False
            except InvalidRequestError:
                good = True
        else:
            good = client.metadata()["image_shape"] == [3, 4, 1]
        if not good:
            self.wrong.append((kind, first, count))


def replace_versions(base, sources, ended):
    """Publishes two models in turn, as new versions; deletes old ones."""
    for number in itertools.count(2):
        if ended.wait(1.5):
            return number - 1
        part = base / f".{number}"
        shutil.copytree(sources[number % 2], part)
        part.rename(base / f"{number}")
        if number > 3:
            shutil.rmtree(base / f"{number - 2}")


# Connections that say little.


def half_open(port, starts, innocent_seconds):
    """Holds connections open; tells how many the server ended by itself."""
    connections = []
    for start in itertools.islice(itertools.cycle(starts), HALVES):
        connection = socket.create_connection(("127.0.0.1", port), timeout=60)
        with contextlib.suppress(ConnectionError):
            connection.sendall(start)
        connections.append(connection)
    time.sleep(innocent_seconds)
    ended = 0
    for connection in connections:
        connection.settimeout(0.001)
        try:
            # What has not ended has said nothing, or something of its protocol.
            while connection.recv(1 << 16):
                pass
            ended += 1
        except TimeoutError:
            pass
        except ConnectionError:
            ended += 1
        connection.close()
    return ended


# Bodies that are large.

NAN = b'{"instances": [' + b"NaN," * 2_000_000 + b"NaN]}"
BODIES = {
    "8 MB of empty lists": b'{"instances": [' + b"[]," * 2_700_000 + b"[]]}",
    "63 MB of empty lists": b'{"instances": [' + b"[]," * 21_000_000 + b"[]]}",
    "8 MB of nested lists": b"[" * 8_000_000,
    "8 MB of zeros": b'{"instances": [' + b"0," * 4_000_000 + b"0]}",
    "8 MB of floats": b'{"instances": [' + b"1e-5," * 1_500_000 + b"0]}",
    "8 MB of NaN": NAN,
    "8 MB of a string": b'{"signature_name": "' + b"a" * 8_000_000 + b'"}',
    "8 MB of base64": b'{"inputs": {"image_bytes": [{"b64": "'
    + b"AAAA" * 2_000_000
    + b'"}]}}',
    "a gigabyte, gzipped": gzip.compress(bytes(1 << 30), 1),
}


def send_bodies(server, seconds):
    """Sends all bodies from many clients at once; gives the status codes."""
    url, end = f"{server.rest}/v1/models/default:predict", time.monotonic() + seconds
    codes = []

    def send(name):
        headers = {"Content-Encoding": "gzip"} if "gzip" in name else {}
        while time.monotonic() < end:
            with contextlib.suppress(requests.ConnectionError):
                answer = requests.post(url, BODIES[name], headers=headers, timeout=60)
                codes.append((name, answer.status_code))

    with concurrent.futures.ThreadPoolExecutor(18) as pool:
        list(pool.map(send, [*BODIES, *BODIES]))
    return codes


# The report.


@contextlib.contextmanager
def watched(server, title, failed):
    """Lets an innocent client ask meanwhile, and tells how it fared."""
    innocent = Innocent(server)
    before = server.memory()
    yield
    innocent.stop()
    slowest = {name: f"{seconds:.2f} s" for name, seconds in innocent.slowest.items()}
    print(f"\n{title}")
    print(f"  innocent: {innocent.count} requests, slowest {slowest}")
    print(f"  memory: {before:.0f} MB before, {server.memory():.0f} MB after, ", end="")
    print(f"{server.memory('VmHWM'):.0f} MB at most")
    if innocent.failures:
        failed.append(title)
        print(f"  innocent, failed: {innocent.failures[:3]}")
    if max(innocent.slowest.values()) >= SLOWEST:
        failed.append(title)


def main():
    """Runs all attacks; returns the exit code."""
    sys.stdout.reconfigure(line_buffering=True)
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        base, sources = pathlib.Path(folder) / "base", []
        models = [make_model("grey"), make_model("grey")]
        for index, model in enumerate(models):
            model.set_weights([(1 + index) * x for x in model.get_weights()])
            sources.append(pathlib.Path(folder) / f"source{index}")
            model.export(sources[-1], verbose=False)
        base.mkdir()
        shutil.copytree(sources[1], base / "1")
        server = Server(base)
        os.nice(10)  # the attackers, who compute elsewhere
        with Client(server.rest, "default", timeout=120, retries=1000) as client:
            client.metadata()

        load, ended = Load(server, models), threading.Event()
        with watched(server, f"{REQUESTS} requests, {CLIENTS} clients, swaps", failed):
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                versions = pool.submit(replace_versions, base, sources, ended)
                start = time.monotonic()
                load.run()
                seconds = time.monotonic() - start
                ended.set()
        print(f"  {load.answered} answered in {seconds:.0f} s, {len(load.lost)} lost, ")
        print(f"  {len(load.wrong)} wrong; {versions.result()} versions")
        if load.lost or load.wrong:
            failed.append("load")
            print(f"  {load.lost[:3]} {load.wrong[:3]}")

        port = int(server.rest.rpartition(":")[2])
        head = b"POST /v1/models/default:predict HTTP/1.1\r\nHost: localhost\r\n"
        starts = [b"", head, head + b"Content-Length: 9\r\n\r\n{"]
        with watched(server, f"{HALVES} half-open connections to REST", failed):
            print(f"  ended by the server: {half_open(port, starts, 45)}")
        port = int(server.grpc.rpartition(":")[2])
        starts = [b"", b"PRI * HTTP/2.0\r\n", b"GET / HTTP/1.1\r\n\r\n"]
        with watched(server, f"{HALVES} half-open connections to gRPC", failed):
            print(f"  ended by the server: {half_open(port, starts, 20)}")
        with watched(server, "large bodies", failed):
            codes = send_bodies(server, 30)
        for name in BODIES:
            found = [code for other, code in codes if other == name]
            print(f"  {name}: {len(found)} times {sorted(set(found))}")
        start = time.monotonic()
        server.process.terminate()
        server.process.wait(60)
        print(f"\nended in {time.monotonic() - start:.1f} s")
        tracebacks = [i for i, x in enumerate(server.log) if "Traceback" in x]
        print(f"{len(tracebacks)} tracebacks in the log")
        for first in tracebacks[:1]:
            print("".join(server.log[max(0, first - 2) : first + 40]))
        print(f"failed: {failed or 'nothing'}")
    return 1 if failed or tracebacks else 0


if __name__ == "__main__":
    sys.exit(main())
