"""Runs the code of a page: in a fresh process, its blocks one after the other.

Blocks marked as python or bash are run, in a folder of the page's own; those marked as
py or shell are only shown. A bash block holds programs, `python -m ...`, one a line.
"""

import concurrent.futures
import contextlib
import io
import multiprocessing
import os
import pathlib
import re
import runpy
import shlex
import sys
import tempfile
import time
from typing import NamedTuple

ROOT = pathlib.Path(__file__).parents[1]

FENCE = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
"""A block of code: its language and its lines."""

RUN = ("python", "bash")

_LEAST_WIDTH = 660
"""Pictures of pixels are enlarged by a whole number, up to about so many."""

# Children are forked from a process that has imported what all of them need, and begin
# at once. No operation has run there: TensorFlow's threads would be lost.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["keras_pixelcnn", "IPython", __name__])


class Picture(NamedTuple):
    """A PNG file that a block showed, and its width in pixels of the page."""

    png: bytes
    width: int


class Output(NamedTuple):
    """The output of a block of code: what it printed, took and showed.

    The value of its last line is printed, too.
    """

    text: str
    cpu_seconds: float
    pictures: tuple[Picture, ...] = ()


class PageError(Exception):
    """The code of a page failed."""


def blocks_to_run(markdown: str) -> list[re.Match[str]]:
    """The blocks of a page that are run, as `FENCE` finds them."""
    return [found for found in FENCE.finditer(markdown) if found[1] in RUN]


def run_page(name: str, markdown: str) -> list[Output]:
    """Runs a page's code.

    Args:
        name: what errors call the page.
        markdown: the page.

    Returns:
        What each of `blocks_to_run` gave.

    Raises:
        PageError: when a block fails; says where.
    """
    blocks = blocks_to_run(markdown)
    if not blocks:
        return []
    outputs = []
    with tempfile.TemporaryDirectory() as folder, _new_process() as page:
        # Configs are named as from the repository's root.
        pathlib.Path(folder, "trainers").symlink_to(ROOT / "trainers")
        for block in blocks:
            try:
                if block[1] == "python":
                    outputs.append(page.submit(_run_python, folder, block[2]).result())
                else:
                    outputs.append(_run_programs(folder, block[2]))
            except Exception as error:
                line = markdown.count("\n", 0, block.start()) + 1
                raise PageError(f"{name}, the block at line {line}: {error}") from error
    return outputs


def _new_process() -> concurrent.futures.ProcessPoolExecutor:
    return concurrent.futures.ProcessPoolExecutor(1, _CONTEXT)


def _run_python(folder: str, source: str) -> Output:
    """Runs a cell of a notebook, in a process that keeps its names for the next."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    os.chdir(folder)
    # What one thread takes: small models gain nothing from more.
    os.environ["TF_NUM_INTRAOP_THREADS"] = "1"
    start = time.process_time()
    shell = InteractiveShell.instance(colors="NoColor")
    with capture_output() as captured:
        shell.display_trap.hook = sys.displayhook  # of the last line's value
        result = shell.run_cell(source)
    if not result.success:
        raise RuntimeError(captured.stdout)  # with the traceback
    texts, pictures = [captured.stdout], []
    for shown in captured.outputs:
        if "image/png" in shown.data:
            png = shown.data["image/png"]
            width = int.from_bytes(png[16:20], "big")
            width *= max(1, _LEAST_WIDTH // width)
            pictures.append(Picture(png, width))
        else:
            texts.append(shown.data["text/plain"] + "\n")
    pictures += _take_figures()
    return Output("".join(texts), time.process_time() - start, tuple(pictures))


def _take_figures() -> list[Picture]:
    """The open figures of matplotlib, as a notebook shows them; closes them."""
    from matplotlib import pyplot

    pictures = []
    for number in pyplot.get_fignums():
        file, figure = io.BytesIO(), pyplot.figure(number)
        figure.savefig(file, format="png", dpi=2 * figure.dpi)
        width = round(figure.get_figwidth() * figure.dpi)
        pictures.append(Picture(file.getvalue(), width))
    pyplot.close("all")
    return pictures


def _run_programs(folder: str, source: str) -> Output:
    printed, seconds = [], 0.0
    for command in source.replace("\\\n", " ").splitlines():
        words = shlex.split(command, comments=True)
        if words and words[:2] != ["python", "-m"]:
            raise ValueError(f"Only `python -m ...` can be run. Received: {command}")
        if words:
            with _new_process() as process:
                done = process.submit(_run_module, folder, words[2:])
                printed.append(done.result()[0])
                seconds += done.result()[1]
    return Output("".join(printed), seconds)


def _run_module(folder: str, arguments: list[str]) -> tuple[str, float]:
    """Returns what a program prints, and the CPU seconds that it takes."""
    os.chdir(folder)
    sys.argv = arguments
    printed, told = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(told):
        try:
            runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
        except SystemExit as end:
            if end.code:
                raise RuntimeError(f"{end.code}\n{told.getvalue()}") from end
    return printed.getvalue(), time.process_time()
