"""Runs the loader on arrays: to compare an export, run without Python, with Python.

Example:
    loader = build_loader("loader")
    requests = [("sample", {"seed": [1, 2], "temperature": [1.0, 1.0]})]
    (answer,) = run_loader(loader, "served/pixelcnn/1", requests)
    answer["image"]  # uint8 (2, height, width, channels)
"""

import os
import pathlib
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

# All that the loader gets of the environment: no path to any Python, for one.
ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "3"}


def run_loader(
    loader: str | os.PathLike[str],
    export: str | os.PathLike[str],
    requests: Iterable[tuple[str, Mapping[str, Any]]],
    timeout: float = 300.0,
) -> list[dict[str, np.ndarray]]:
    """Runs signatures of an export, in one process that loads it once.

    Args:
        loader: the program that `build_loader` made.
        export: the directory of a SavedModel.
        requests: for each request the name of a signature and its inputs by name.
            Inputs are arrays, or what NumPy makes arrays of, of the signature's shapes
            and with equally many rows, at least one: integers, floats (rounded to
            float32), booleans, or bytes for strings (str is encoded in UTF-8).
        timeout: seconds that all may take together. Default 300.

    Returns:
        For each request its outputs by name, with the shapes and dtypes that the model
        gave; strings as arrays of bytes, of dtype object.

    Raises:
        ValueError: when the inputs of a request have no rows, or not equally many.
        ChildProcessError: when a request fails; the message holds what the loader says.
        subprocess.TimeoutExpired: when it takes too long.
    """
    with tempfile.TemporaryDirectory() as folder:
        commands = [
            ["--", name, *_options(pathlib.Path(folder), number, inputs)]
            for number, (name, inputs) in enumerate(requests)
        ]
        if not commands:
            return []
        arguments = [argument for command in commands for argument in command][1:]
        output = _run(loader, export, arguments, folder, timeout)
    return list(read_answers(output))


def _run(
    loader: str | os.PathLike[str],
    export: str | os.PathLike[str],
    arguments: list[str],
    folder: str,
    timeout: float,
) -> str:
    result = subprocess.run(
        [os.path.abspath(loader), os.path.abspath(export), *arguments],
        cwd=folder,  # the files of the inputs have short names there
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if result.returncode != 0:
        raise ChildProcessError(
            f"The loader failed with exit code {result.returncode}:\n{result.stderr}"
        )
    return result.stdout


def _options(
    folder: pathlib.Path, number: int, inputs: Mapping[str, Any]
) -> Iterator[str]:
    """The options of a request, once their values are written to files."""
    arrays = {name: _as_array(value) for name, value in inputs.items()}
    rows = {array.shape[0] if array.ndim else 0 for array in arrays.values()}
    if len(rows) != 1 or rows == {0}:
        shapes = {name: array.shape for name, array in arrays.items()}
        raise ValueError(
            "Inputs must have at least one row, and equally many. "
            f"Received: {shapes} in request {number}."
        )
    yield from ("--rows", str(*rows))
    for name, array in arrays.items():
        yield from (f"--{name}", _write(folder / f"{number}_{name}", array))


def _as_array(value: Any) -> np.ndarray:
    array = np.asarray(value)
    # NumPy's own strings drop bytes of 0 at the end.
    return np.asarray(value, object) if array.dtype.kind in "SU" else array


def _write(path: pathlib.Path, array: np.ndarray) -> str:
    """Writes an array beside `path`; gives what the loader calls it."""
    if array.dtype.kind != "O":
        # Nine digits give every float32 back exactly.
        dtype, form = ("int64", "%d") if array.dtype.kind in "iub" else ("f", "%.9g")
        np.savetxt(path, array.reshape(len(array), -1).astype(dtype), fmt=form)
        return f"@{path.name}"
    names = []
    for index, value in enumerate(array.ravel()):
        file = path.with_name(f"{path.name}_{index}")
        file.write_bytes(value if isinstance(value, bytes) else value.encode())
        names.append(f"@{file.name}")
    return ",".join(names)


def read_answers(text: str) -> Iterator[dict[str, np.ndarray]]:
    """Reads what the loader prints.

    Args:
        text: the loader's standard output. Strings stand in it as text or in
            hexadecimal, not as the names of files.

    Yields:
        For each request that did not fail its outputs by name, as `run_loader` gives
        them.
    """
    lines = iter(text.split("\n")[:-1])
    for heading in lines:
        _, _, outputs = heading.removeprefix("# ").partition(": ")
        described = re.findall(r"(\S+) (\w+) \(([\d, ]*)\)", outputs)
        yield {
            name: _read_output(lines, name, dtype, shape)
            for name, dtype, shape in described
        }


def _read_output(lines: Iterator[str], name: str, dtype: str, shape: str) -> np.ndarray:
    shape = tuple(int(size) for size in shape.split(", ") if size)
    rows = [next(lines).removeprefix(name) for _ in range(shape[0] if shape else 1)]
    if dtype == "string" and np.prod(shape[1:]) == 1:
        values = [row.removeprefix(" ") for row in rows]  # may hold spaces
    else:
        values = [value for row in rows for value in row.split()]
    if dtype == "string":
        values = [_read_string(value) for value in values]
    elif dtype == "bool":
        values = [value == "true" for value in values]
    array = np.empty(len(values), "object" if dtype == "string" else dtype)
    array[:] = values
    return array.reshape(shape)


def _read_string(text: str) -> bytes:
    if text.startswith("hex:"):
        return bytes.fromhex(text.removeprefix("hex:"))
    return text.encode()
