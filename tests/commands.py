"""Commands that texts name: whether the programs and their flags are there."""

import importlib
import pathlib
import re
import shlex

from absl import flags

from trainers.command_line import console

ROOT = pathlib.Path(__file__).parent.parent
FENCE = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(text, *languages):
    """The code of a text's blocks in some languages."""
    return [code for language, code in FENCE.findall(text) if language in languages]


def programs(text):
    """The words of every `python -m program --flag` in a text's bash and shell.

    Those of `keras-pixelcnn program --flag` are given in the same form.
    """
    commands = [
        part.strip()
        for block in blocks(text, "bash", "shell")
        for line in block.replace("\\\n", " ").splitlines()
        for part in line.split("&&")
    ]
    commands = [
        re.sub(
            r"^keras-pixelcnn (\w+)",
            lambda found: f"python -m {console.programs()[found[1]]}",
            command,
        )
        for command in commands
    ]
    return [shlex.split(command) for command in commands if " -m " in command]


def check_program(words):
    """Asserts that a program of this project has the flags that a command gives it."""
    name = words[words.index("-m") + 1]
    if name.split(".")[0] not in ("trainers", "savedmodels", "benchmarks"):
        return
    module = importlib.import_module(name)
    if hasattr(module, "__path__"):  # a package that runs as a program
        module = importlib.import_module(f"{name}.__main__")
    known = flags.FlagValues()
    module.define_flags(known)
    for flag in re.findall(r"--(\w+)(?:=| |$)", " ".join(words)):
        assert flag in known or flag.removeprefix("no") in known, (name, flag)
    for config in re.findall(r"--config=(\S+\.py)", " ".join(words)):
        assert (ROOT / config).exists(), config
    for config in re.findall(r"--config=([a-z]\w*)(?: |$)", " ".join(words)):
        assert (ROOT / "trainers" / "configs" / f"{config}.py").exists(), config
