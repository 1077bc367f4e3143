"""The client that is to notice nothing: see `tests.attacks.server`.

Asks the server at a model's address for its status and for a score, on new connections
and on one it keeps, until its input ends. Prints the slowest answer of each kind of
request in seconds, what failed, and how many requests there were.
"""

import itertools
import json
import sys
import threading
import time

import requests

SCORE = {"signature_name": "log_prob", "instances": [{"image": [[[0]] * 4] * 3}]}


def ask(url, ended):
    """Asks until it is ended; returns what the program prints."""
    slowest, failures, count = {}, [], 0
    with requests.Session() as kept:
        asks = {
            "status": lambda: requests.get(url, timeout=60),
            "status, kept": lambda: kept.get(url, timeout=60),
            "score": lambda: requests.post(f"{url}:predict", json=SCORE, timeout=60),
        }
        for name in itertools.cycle(asks):
            if ended.wait(0.02):
                return slowest, failures, count
            start = time.monotonic()
            try:
                answer = asks[name]()
                if answer.status_code != 200:
                    failures.append((name, answer.status_code, answer.text))
            except requests.ConnectionError as error:
                if name != "status, kept":  # which may be ended while it is idle
                    failures.append((name, repr(error)))
            seconds = time.monotonic() - start
            slowest[name] = max(seconds, slowest.get(name, 0))
            count += 1


def main():
    """Asks in a thread of its own while this one waits for the end of the input."""
    ended, said = threading.Event(), []
    asking = threading.Thread(target=lambda: said.append(ask(sys.argv[1], ended)))
    asking.start()
    print("begun", flush=True)
    sys.stdin.read()
    ended.set()
    asking.join()
    print(json.dumps(said[0]))


if __name__ == "__main__":
    main()
