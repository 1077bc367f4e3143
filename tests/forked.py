"""Programs in processes forked from one that has imported what they need.

Each begins at once, where a new interpreter would spend seconds on imports. TensorFlow
has run no operation in the process that is forked: its threads would be lost.
"""

import multiprocessing
import os
import pathlib
import runpy
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).parents[1]
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["keras_pixelcnn", "trainers.image_models.training"])


class Forked:
    """A program in a process of its own, beside this one.

    Args:
        module: as for `python -m`.
        arguments: of its command line.
        source: what is run instead of a module, as by `python -c`.
        environment: variables that are set for it.
    """

    def __init__(self, module=None, *arguments, source=None, environment=None):
        self.arguments = [module, *map(str, arguments)]
        self._folder = pathlib.Path(tempfile.mkdtemp())
        self._outputs = [self._folder / name for name in ("stdout", "stderr")]
        self._process = _CONTEXT.Process(
            target=_run,
            args=(self.arguments, source, environment or {}, self._outputs),
        )
        self._process.start()

    def wait(self, timeout=300):
        """How it ended and what it wrote, as `subprocess.run` tells it."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            self.kill()
            raise subprocess.TimeoutExpired(self.arguments, timeout)
        texts = [path.read_text() for path in self._outputs]
        shutil.rmtree(self._folder)
        return subprocess.CompletedProcess(
            self.arguments, self._process.exitcode, *texts
        )

    def said(self):
        """What it has printed up to now."""
        path = self._outputs[0]
        return path.read_text() if path.exists() else ""

    def terminate(self):
        """Sends SIGTERM."""
        self._process.terminate()

    def kill(self):
        """Kills it, if it is still there, and forgets what it wrote."""
        self._process.kill()
        self._process.join()
        shutil.rmtree(self._folder, ignore_errors=True)


def run_source(source):
    """Runs Python code in a process of its own, which must end well."""
    result = Forked(source=source).wait()
    assert result.returncode == 0, result.stderr


def _run(arguments, source, environment, outputs):
    for number, path in enumerate(outputs, start=1):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(ROOT)
    os.environ.update(environment)
    if source is not None:
        exec(compile(source, "<program>", "exec"), {"__name__": "__main__"})
        return
    sys.argv = arguments
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
