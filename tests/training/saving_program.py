"""Processes that save checkpoints and are killed, for the tests of the store.

It runs without TensorFlow, so that a process is forked in no time, and prints what it
saw as JSON: `python saving_program.py NAME FOLDER`.
"""

import json
import os
import pathlib
import random
import resource
import shutil
import signal
import sys
import time
import types

import numpy as np

ROOT = pathlib.Path(__file__).parents[2]
DOING = ("save", "write", "_remove_old", "write_to_disk", "_disk_full_explained")
"""Functions of the store that change something on the disk."""


def import_store():
    """Imports the store without what the packages above it import."""
    for name in ("keras_pixelcnn", "keras_pixelcnn.training"):
        package = types.ModuleType(name)
        package.__path__ = [str(ROOT.joinpath(*name.split(".")))]
        sys.modules[name] = package
    from keras_pixelcnn.training.checkpoint_store import CheckpointStore

    return CheckpointStore


CheckpointStore = import_store()


def save(store, step, size):
    arrays = {"weights": np.full(size, step, np.float32), "step": np.int64(step)}
    return store.save(step, arrays, {"step": step}, best=step % 3 == 0)


def seen(folder):
    """What a run that is started again finds."""
    log = []
    store = CheckpointStore(folder, log=log.append)
    found = {"log": log, "names": sorted(os.listdir(folder))}
    for name, checkpoint in (("latest", store.latest()), ("best", store.best())):
        if checkpoint is not None:
            values = {checkpoint.step, checkpoint.facts["step"]}
            values |= set(checkpoint.arrays["weights"].tolist())
            values.add(int(checkpoint.arrays["step"]))
            found[name] = checkpoint.step if len(values) == 1 else sorted(values)
    return found


def forked(work):
    """Runs `work` in a child, which ends with it."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return child


def exit_code(child):
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def save_until_killed(folder, pipe):
    store = CheckpointStore(folder)
    latest = store.latest()
    step = 0 if latest is None else latest.step
    while True:
        step += 1
        save(store, step, 300_000)
        os.write(pipe, f"{step} ".encode())


def random_kills(folder):
    """Kills a process that saves, at random moments, and starts it again."""
    generator = random.Random(0)
    for _ in range(25):
        reading, writing = os.pipe()
        child = forked(lambda pipe=writing: save_until_killed(folder, pipe))
        os.close(writing)
        time.sleep(generator.uniform(0, 0.08))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with open(reading, "rb") as file:
            saved = [int(step) for step in file.read().split()]
        yield {"saved": saved, **seen(folder)}
    save(CheckpointStore(folder), 10_000, 10)
    yield seen(folder)


def save_until_line(folder, last_line):
    """Saves, and is killed before the given line of the store's code is run."""
    lines = 0

    def trace(frame, event, argument):
        nonlocal lines
        code = frame.f_code
        if (
            not code.co_filename.startswith(str(ROOT / "keras_pixelcnn"))
            or code.co_name not in DOING
        ):
            return None
        lines += event == "line"
        if lines == last_line:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    save(CheckpointStore(folder), 6, 10_000)
    sys.settrace(None)


def kills_at_each_line(folder):
    """Kills a save before each line of code that it runs."""
    saved, copy = folder / "saved", folder / "copy"
    for step in range(1, 6):
        save(CheckpointStore(saved), step, 10_000)
    (saved / ".checkpoint.part").write_bytes(b"left by an older version")
    line, code = 0, -signal.SIGKILL
    while code == -signal.SIGKILL:
        line += 1
        shutil.copytree(saved, copy)
        code = exit_code(forked(lambda line=line: save_until_line(copy, line)))
        found = {"line": line, "code": code, **seen(copy)}
        save(CheckpointStore(copy), 7, 10)
        yield {**found, "names_later": seen(copy)["names"]}
        shutil.rmtree(copy)


def full_disk(folder):
    """Saves when no file may grow beyond 100,000 bytes."""
    store = CheckpointStore(folder)
    save(store, 1, 10)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    message = None
    try:
        save(store, 2, 100_000)
    except OSError as error:
        message = str(error)
    yield {"message": message, **seen(folder)}
    save(store, 3, 10)
    yield seen(folder)


def two_stores(folder):
    """Saves from two processes at once, while this one reads."""

    def work(first):
        store = CheckpointStore(folder)
        for step in range(first, 41, 2):
            save(store, step, 30_000)

    children = [forked(lambda first=first: work(first)) for first in (1, 2)]
    codes = []
    while len(codes) < 2:
        child, status = os.waitpid(-1, os.WNOHANG)
        if child:
            codes.append(os.waitstatus_to_exitcode(status))
        elif folder.exists():
            yield seen(folder)
    yield {"codes": codes, "children": len(children), **seen(folder)}


if __name__ == "__main__":
    programs = (random_kills, kills_at_each_line, full_disk, two_stores)
    chosen = {program.__name__: program for program in programs}[sys.argv[1]]
    for line in chosen(pathlib.Path(sys.argv[2])):
        print(json.dumps(line))
    if "tensorflow" in sys.modules:
        sys.exit("The store must not import TensorFlow.")
