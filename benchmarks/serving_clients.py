"""Clients of a served model, in several processes, so that none waits for another."""

import concurrent.futures
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Self

import numpy as np

from savedmodels.client import Client

PROCESSES = 2

_clients: list[Client] = []
"""Those of this process, each for a thread of its own."""


class Clients:
    """Clients that each ask for one image at a time.

    Args:
        address: of the server.
        count: how many ask at the same time, dealt out to `PROCESSES` processes.
    """

    def __init__(self, address: str, count: int) -> None:
        self._processes = [
            ProcessPoolExecutor(
                1,
                multiprocessing.get_context("spawn"),
                initializer=_connect,
                initargs=(address, len(part)),
            )
            for part in np.array_split(range(count), min(PROCESSES, count))
        ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for process in self._processes:
            process.shutdown()

    def ask(self, seeds: np.ndarray) -> np.ndarray:
        """Images (len(seeds), height, width, channels), each by a request of its own.

        Raises:
            savedmodels.client.ClientError: when a request is lost.
        """
        parts = np.array_split(seeds, len(self._processes))
        asked = [
            process.submit(_ask, part)
            for process, part in zip(self._processes, parts, strict=True)
        ]
        concurrent.futures.wait(asked)
        return np.concatenate([answer.result() for answer in asked])


def _connect(address: str, count: int) -> None:
    _clients.extend(Client(address, "default", timeout=600) for _ in range(count))


def _ask(seeds: np.ndarray) -> np.ndarray:
    parts = np.array_split(seeds, len(_clients))
    with ThreadPoolExecutor(len(_clients)) as threads:
        drawn = list(threads.map(_ask_in_turn, _clients, parts))
    return np.concatenate([images for images in drawn if images is not None])


def _ask_in_turn(client: Client, seeds: np.ndarray) -> np.ndarray | None:
    images = [client.sample(seed=[seed]) for seed in seeds]
    return np.concatenate(images) if images else None
