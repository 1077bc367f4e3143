"""Compiles a program in C that runs an export, to show that no Python is needed.

Example:
    python -m savedmodels.build_loader --output=loader --export=served/pixelcnn/1

It prints commands that run the signatures `sample` and `log_prob` of the export. The
program itself reads no signature: the commands name the tensors of its graph.
"""

import os
import pathlib
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from absl import flags

from keras_pixelcnn import programs
from keras_pixelcnn.files import replace_when_written
from savedmodels.publish.graph_scan import read_signatures

SOURCE = pathlib.Path(__file__).with_name("loader") / "loader.c"

COMPILERS = ("cc", "gcc", "clang")


def build_loader(
    output: str | os.PathLike[str], compiler: str | None = None
) -> pathlib.Path:
    """Compiles the loader against the installed TensorFlow.

    The program finds TensorFlow's libraries where they are now, inside the Python
    package, so it runs on this machine only. It is made for Linux.

    Args:
        output: where the program appears; an older one there is replaced, once the new
            one is whole.
        compiler: command of a C compiler, with options if need be. Default: the
            environment variable CC, else the first of cc, gcc and clang.

    Returns:
        The path of the program.

    Raises:
        FileNotFoundError: when there is no C compiler.
        ChildProcessError: when the compiler fails; the message holds what it says.
    """
    command = shlex.split(compiler or find_compiler())
    with replace_when_written(output) as part:
        libraries = tf.sysconfig.get_lib()
        command += ["-std=c11", "-O2", str(SOURCE), "-o", str(part)]
        command += ["-isystem", tf.sysconfig.get_include()]  # without its warnings
        command += [f"-L{libraries}", "-Xlinker", f"-rpath={libraries}"]
        command += ["-l:libtensorflow_cc.so.2", "-l:libtensorflow_framework.so.2"]
        try:
            result = subprocess.run(
                command, capture_output=True, text=True, check=False
            )
        except OSError as error:
            raise FileNotFoundError(
                f"The C compiler {command[0]!r} cannot be run: {error.strerror}. Name "
                "another in the environment variable CC."
            ) from error
        if result.returncode != 0:
            raise ChildProcessError(
                f"The C compiler failed with exit code {result.returncode}:\n"
                f"{result.stderr}It was called as:\n{shlex.join(command)}"
            )
    return pathlib.Path(output)


def find_compiler() -> str:
    """Finds the command of a C compiler.

    Raises:
        FileNotFoundError: when there is none.
    """
    chosen = os.environ.get("CC", "").strip()
    found = [name for name in COMPILERS if shutil.which(name)]
    if not chosen and not found:
        raise FileNotFoundError(
            f"The loader needs a C compiler, and none of {', '.join(COMPILERS)} is on "
            "the PATH. Install one, for example gcc, or name one in the environment "
            "variable CC."
        )
    return chosen or found[0]


def loader_command(
    loader: str | os.PathLike[str],
    export: str | os.PathLike[str],
    signature: str,
    inputs: Mapping[str, Any],
) -> list[str]:
    """Returns the command by which the loader runs a signature.

    Args:
        loader: the program that `build_loader` made.
        export: the folder of a SavedModel.
        signature: name of one of its signatures, without inputs or outputs that are
            strings.
        inputs: values by the names of all its inputs, batch first.

    Returns:
        The arguments of a process. It prints a line for each output, in the order of
        their names: OPERATION:INDEX=TYPE:SHAPE:VALUES, as 1,2 is a shape and 0.5,-2
        its values.

    Raises:
        ValueError: when the export has no such signature, or this has other inputs.
    """
    signatures = read_signatures(export)
    found = signatures.get(signature)
    if found is None or set(found.inputs) != set(inputs):
        takes = found and sorted(found.inputs)
        raise ValueError(
            f"The signature must be one of {list(signatures)}, with all of its inputs. "
            f"Received: {signature!r} of {sorted(inputs)}"
            + (f"; it takes {takes}." if takes else ".")
        )
    told = [_as_argument(found.inputs[name], inputs[name]) for name in sorted(inputs)]
    outputs = [found.outputs[name].name for name in sorted(found.outputs)]
    return [os.path.abspath(loader), os.path.abspath(export), *told, "--", *outputs]


def _as_argument(info: Any, values: Any) -> str:
    array = np.asarray(values, tf.as_dtype(info.dtype).as_numpy_dtype)
    is_float = array.dtype.kind == "f"
    # Nine digits give every float32 back exactly.
    words = (f"{x:.9g}" if is_float else f"{int(x)}" for x in array.ravel())
    shape = ",".join(map(str, array.shape))
    return f"{info.name}={array.dtype.name}:{shape}:{','.join(words)}"


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    define = programs.FlagDefiner(flag_values)
    define.string("output", None, "Where the program appears.")
    define.string(
        "export",
        None,
        "The folder of a SavedModel, to print commands that run it. Default: none.",
    )
    define.required(["output"])


def main(flag_values: flags.FlagValues) -> None:
    """Builds the loader and prints how it draws, and scores, an image of zeros.

    Raises:
        ValueError: when the export can do neither.
    """
    loader, export = build_loader(flag_values.output), flag_values.export
    print(f"Loader built at {loader}")
    if export is None:
        return
    signatures = read_signatures(export)
    shown = [name for name in ("sample", "log_prob") if name in signatures]
    if not shown:
        raise ValueError(
            "The export must have the signature sample or log_prob. Received: "
            f"{export!r} with {sorted(signatures)}"
        )
    for signature in shown:
        inputs = {}
        for name, info in signatures[signature].inputs.items():
            sizes = [dim.size for dim in info.tensor_shape.dim[1:]]
            inputs[name] = np.full([1, *sizes], name == "temperature")
        command = loader_command(loader, export, signature, inputs)
        print(f"\n{signature}:\n{shlex.join(command)}")


if __name__ == "__main__":
    programs.run(main, define_flags)
