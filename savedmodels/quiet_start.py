"""A quiet start of programs, without what TensorFlow says of processors on its way in.

`TF_CPP_MIN_LOG_LEVEL` keeps most of it back, but not what is said while TensorFlow's
libraries are loaded, before they know of any level.
"""

import os
import re
import signal
import sys

LEVEL = "TF_CPP_MIN_LOG_LEVEL"

_SAID_BY_LIBRARIES = re.compile(
    rb"WARNING: All log messages before absl::InitializeLog\(\)"
    rb"|[IWE]\d{4} [\d:.]+ +\d+ [\w./]+:\d+\] "
)
"""Begins the lines of TensorFlow's C++ libraries that are no fatal errors."""


def is_started_as_program() -> bool:
    """Returns whether `python -m` is on its way to a module of this package.

    Python calls itself "-m" while it imports the packages around that module.
    """
    return sys.argv[:1] == ["-m"]


def load_tensorflow() -> None:
    """Imports TensorFlow, and keeps its C++ libraries quiet.

    Python's own words, and the last ones of a library that ends the process, come
    through. Who sets TF_CPP_MIN_LOG_LEVEL to 0 or 1 hears everything; where a process
    cannot be forked, as on Windows, some lines are heard.
    """
    if os.environ.setdefault(LEVEL, "3") in ("0", "1") or not hasattr(os, "fork"):
        return
    inlet, outlet = os.pipe()
    # Another process reads: a library that ends this one would take a thread along.
    reader = os.fork()
    if reader == 0:
        os.close(outlet)
        _pass_on(inlet)
    os.close(inlet)
    stderr = os.dup(2)
    os.dup2(outlet, 2)
    os.close(outlet)
    try:
        import tensorflow  # noqa: F401
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.waitpid(reader, 0)


def _pass_on(inlet: int) -> None:
    """Writes what comes in to stderr, but for the libraries' lines, and exits."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the program's
    try:
        with open(inlet, "rb") as lines:
            for line in lines:
                if not _SAID_BY_LIBRARIES.match(line):
                    os.write(2, line)
    finally:
        os._exit(0)
