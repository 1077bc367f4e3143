"""What a benchmark leaves: a table on the screen, and JSON with its surroundings."""

import json
from collections.abc import Sequence
from typing import Any

from benchmarks.timing import environment
from keras_pixelcnn.files import replace_when_written


def show(
    rows: Sequence[dict[str, Any]], runs: int, table: str, output: str | None
) -> None:
    """Prints the rows, and writes them if asked to.

    Args:
        rows: what was measured.
        runs: counted runs of each alternative.
        table: the rows as a table in Markdown.
        output: where to write JSON. None: nowhere.
    """
    result = {"environment": environment(), "runs": runs, "rows": rows}
    print(f"\n{json.dumps(result['environment'])}\n\n{table}")
    if output:
        with replace_when_written(output) as part:
            part.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
