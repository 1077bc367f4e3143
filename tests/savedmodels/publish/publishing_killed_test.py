"""Publishers are killed: whatever the moment, no broken version can be seen."""

import concurrent.futures
import os
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time

import keras
import pytest

from keras_pixelcnn.models import load_model
from savedmodels.publish.verify_export import verify_export
from savedmodels.publish.version_folders import hidden_folder
from tests.savedmodels.publish.forked_publishers import SMALL
from tests.served import make_model

ROOT = pathlib.Path(__file__).parents[3]
KILLS = 4


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    keras.utils.set_random_seed(0)
    path = tmp_path_factory.mktemp("run") / "model.keras"
    make_model("grey").save(path)
    return path


@pytest.fixture(scope="module")
def export(saved, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "export"
    load_model(saved).export(path, verbose=False, signatures=SMALL["signatures"])
    return path


class Publishers:
    """Processes that publish; those that are left are killed at the end."""

    def __init__(self, base, saved, export):
        program = [sys.executable, "-m", "tests.savedmodels.publish.forked_publishers"]
        self._process = subprocess.Popen(
            [*program, str(base), str(saved), str(export)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            start_new_session=True,
        )
        assert self.answer() == "ready"

    def __enter__(self):
        return self

    def __exit__(self, *error):
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()

    def tell(self, line):
        self._process.stdin.write(f"{line}\n")

    def ask(self, line):
        self.tell(line)
        return self.answer()

    def answer(self):
        return self._process.stdout.readline().strip()


def numbered(base):
    return {path.name: path for path in base.iterdir() if path.name.isdigit()}


def content(folder):
    """The bytes of all files of a folder, by their path in it."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


class Versions:
    """Looks at all versions as a server may see them."""

    def __init__(self, base, saved):
        self._base = base
        self._model = load_model(saved)
        self.seen = {}

    def check(self):
        """A new version loads and answers; one that was there stays as it was."""
        for name, folder in numbered(self._base).items():
            if name not in self.seen:
                assert verify_export(self._model, folder) == 6
                self.seen[name] = content(folder)
            assert content(folder) == self.seen[name]
        assert set(self.seen) <= set(numbered(self._base))


def stage_of(publisher):
    """How far a stopped publisher has come, by the folder whose lock it holds."""
    links = (
        os.readlink(path) for path in pathlib.Path(f"/proc/{publisher}/fd").iterdir()
    )
    held = [pathlib.Path(link).parent for link in links if link.endswith("in_use.lock")]
    if not held:
        return "outside"
    return "checking" if (held[0] / "export").exists() else "exporting"


@pytest.mark.slow
def test_killed_at_random_moments(saved, export, tmp_path):
    base, stages, one_at_a_time = tmp_path / "served", [], threading.Lock()
    chance = random.Random(0)
    with Publishers(base, saved, export) as publishers:
        # Two at once, as all those that follow, so that they take as long.
        publishers.tell("whole")
        seconds = max(float(publishers.ask("whole")), float(publishers.answer()))
        versions = Versions(base, saved)
        versions.check()
        assert set(versions.seen) == {"1", "2"}

        def publish_and_kill(moment):
            with one_at_a_time:
                publisher = int(publishers.ask("publish"))
            time.sleep(moment)
            with one_at_a_time:
                os.kill(publisher, signal.SIGSTOP)
                stages.append(stage_of(publisher))
                os.kill(publisher, signal.SIGKILL)
                versions.check()

        # In all parts of the span, and a little beyond it.
        moments = [1.2 * seconds * (i + chance.random()) / KILLS for i in range(KILLS)]
        chance.shuffle(moments)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            list(pool.map(publish_and_kill, moments))
        versions.check()
    assert len(stages) == KILLS
    assert {"exporting", "checking"} <= set(stages)
    with hidden_folder(base) as folder:
        assert list(base.glob(".publishing-*")) == [folder]


def leave_one_leftover(base):
    """All publishers find the same, whatever the one before them left."""
    with hidden_folder(base):
        pass
    (base / ".publishing-old" / "export").mkdir(parents=True)
    (base / ".publishing-old" / "in_use.lock").write_text("")


@pytest.mark.slow
def test_killed_before_each_operation_on_files(saved, export, tmp_path):
    with Publishers(tmp_path, saved, export) as publishers:
        assert publishers.ask("step 0") == "published"
        whole = content(tmp_path / "1")
        assert {"saved_model.pb", "batching_params.pbtxt"} < set(whole)
        step, answer = 0, "killed"
        while answer == "killed":
            step += 1
            leave_one_leftover(tmp_path)
            answer = publishers.ask(f"step {step}")
            for folder in numbered(tmp_path).values():
                assert content(folder) == whole
    assert answer == "published"
    # The first and the last were not killed, and others only after the renaming.
    assert 5 < len(numbered(tmp_path)) < step / 2
    assert not list(tmp_path.glob(".publishing-*"))
