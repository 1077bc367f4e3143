"""Compiles the loader, which runs an export without Python.

Example:
    python -m savedmodels.build_loader --output=loader
    ./loader served/pixelcnn/1 sample --seed 1,2,3 --temperature 1
"""

import os
import pathlib
import shlex
import shutil
import subprocess

import tensorflow as tf
from absl import flags

from keras_pixelcnn.files import replace_when_written
from trainers.command_line import programs

SOURCES = sorted(pathlib.Path(__file__).with_name("loader").glob("*.c"))

COMPILERS = ("cc", "gcc", "clang")


def build_loader(
    output: str | os.PathLike[str], compiler: str | None = None
) -> pathlib.Path:
    """Compiles the loader against the installed TensorFlow.

    The program finds TensorFlow's libraries where they are now, inside the Python
    package, so it runs on this machine only. Made for Linux.

    Args:
        output: where the program shall appear; an older one there is replaced, once
            the new one is whole.
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
        _run([*command, *_arguments(part)])
    return pathlib.Path(output)


def find_compiler() -> str:
    """The command of a C compiler.

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


def _arguments(output: pathlib.Path) -> list[str]:
    libraries = tf.sysconfig.get_lib()
    return [
        "-std=c11",
        "-O2",
        *map(str, SOURCES),
        "-isystem",  # asks for no warnings there
        tf.sysconfig.get_include(),
        f"-L{libraries}",
        "-l:libtensorflow_cc.so.2",
        "-l:libtensorflow_framework.so.2",
        "-Xlinker",
        f"-rpath={libraries}",
        "-o",
        str(output),
    ]


def _run(command: list[str]) -> None:
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
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


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    flags.DEFINE_string(
        "output", None, "Where the program appears.", flag_values=flag_values
    )
    flags.mark_flag_as_required("output", flag_values)


def main(flag_values: flags.FlagValues) -> None:
    """Builds the loader that the flags ask for."""
    print(f"Loader built at {build_loader(flag_values.output)}")


if __name__ == "__main__":
    programs.run(main, define_flags)
