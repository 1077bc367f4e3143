"""Error messages that graphs answer, in words that a caller can use."""

import re
from collections.abc import Iterable

_BOILERPLATE = (
    "Graph execution error",
    "Detected at node",
    "<stack traces unavailable>",
    "[[",
)


def readable_message(message: str, inputs: tuple[str, ...] = ()) -> str:
    """Finds the sentence within the error message of a graph.

    Checks in a graph answer `assertion failed: [rule] [Received:] [values]`, which
    becomes `rule Received: values`, as Python's errors read. Where another operation
    fails that is named as an input is, the sentence begins with this name.

    Args:
        message: any; one that does not come from a graph is only put in one line.
        inputs: the names of the inputs with which the graph was run.
    """
    found = re.search(r"assertion failed: (.*)", message)
    if found:
        pieces = re.split(r"\s*(?:\[\[{{|\[Op:)", found.group(1))[0].strip()
        return " ".join(pieces.removeprefix("[").removesuffix("]").split("] ["))
    if "{{" not in message:
        return " ".join(re.sub(r"\s*\[Op:\w+\].*$", "", message).split())
    lines = [
        line.strip()
        for line in message.splitlines()
        if line.strip() and not line.strip().startswith(_BOILERPLATE)
    ]
    line = re.sub(r"\{\{.*?\}\}\s*", "", lines[0] if lines else message)
    sentence = re.sub(r"\s*\[Op:\w+\].*$", "", line).strip()
    nodes = [node.split("/")[-1] for node in re.findall(r"{{node ([^}]+)}}", message)]
    named = [node for node in nodes if node in inputs and node not in sentence]
    return f"{named[0]} cannot be taken: {sentence}" if named else sentence


LONGEST_MESSAGE = 1000
"""Characters of a message that are sent: gRPC carries messages in its headers."""


def shortened(text: str, longest: int = LONGEST_MESSAGE) -> str:
    """Cuts the end off a text that is too long to be sent or shown."""
    return text if len(text) <= longest else f"{text[:longest]} ..."


def check_names(
    expected: Iterable[str], names: Iterable[str], where: str = "the request"
) -> None:
    """Raises a ValueError when inputs are missing, or there are others.

    Args:
        expected: what a signature takes.
        names: what came.
        where: it came in.
    """
    missing = sorted(set(expected) - set(names))
    extra = sorted(set(names) - set(expected))
    if missing or extra:
        faults = f"Missing: {', '.join(missing)}. " if missing else ""
        faults += f"Unknown: {', '.join(extra)}. " if extra else ""
        raise ValueError(
            f"The inputs must be {', '.join(expected)}. {faults}"
            f"Received in {where}: {', '.join(sorted(names)) or 'none'}"
        )
