"""Everything that this package says about speed, as ratios measured side by side.

    python -m benchmarks.run --output=speed.json
    python -m benchmarks.run --rows=a,d --runs=9 --output=speed.json
    python -m benchmarks.run --rows= --output=speed.json

Each row compares alternatives in one process, medians of runs in turn. A file that
exists keeps the rows that are not measured again; the last command only shows it.
"""

from absl import flags

from benchmarks import (
    arithmetic,
    growth,
    pipeline,
    report,
    serving,
    tfp_pixelcnn,
    training,
    verbs,
)
from keras_pixelcnn import programs

ROWS = {
    "a": verbs.SAMPLING,
    "b": verbs.PASSES,
    "c": tfp_pixelcnn.ROW,
    "d": training.ROW,
    "e": arithmetic.ROW,
    "f": growth.ROW,
    "g": pipeline.ROW,
    "h": serving.ROW,
    "i": verbs.CODEC,
    "j": verbs.CODES,
    "k": verbs.VALUES,
    "l": verbs.REQUESTS,
    "m": serving.LATENCY,
}


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    define = programs.FlagDefiner(flag_values)
    titles = "; ".join(f"{name}: {row.title}" for name, row in ROWS.items())
    define.list("rows", list(ROWS), f"What to measure. {titles}.")
    define.count("runs", 5, "Counted runs of each.")
    define.string("output", None, "JSON to write, or to add to.")


def check_rows(rows: list[str], known: dict[str, report.Row]) -> None:
    """Checks that rows are known.

    Raises:
        ValueError: when there is no such row.
    """
    unknown = sorted(set(rows) - set(known))
    if unknown:
        raise ValueError(
            f"rows must be of {sorted(known)}. Received, unknown: {unknown}"
        )


def main(flag_values: flags.FlagValues) -> None:
    """Measures rows, and shows them with those that the output already holds.

    Raises:
        ValueError: when there is no such row, or the output is something else.
    """
    check_rows(flag_values.rows, ROWS)
    results = report.read(flag_values.output)
    foreign = sorted(set(results) - set(ROWS))
    if foreign:
        raise ValueError(
            f"{flag_values.output} holds rows of another program: {foreign}, not of "
            f"{sorted(ROWS)}. Remove it, or choose another output."
        )
    for name in flag_values.rows:
        row = ROWS[name]
        print(f"{name}. {row.title} ...", flush=True)
        records = row.measure(flag_values.runs)
        results[name] = report.measured(row.title, flag_values.runs, records)
        # At once: a later row that fails must not cost the earlier ones.
        report.write(results, flag_values.output)
    print(f"\n{report.as_markdown(results, ROWS)}")


if __name__ == "__main__":
    programs.run(main, define_flags)
