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
    codec,
    codes,
    growth,
    pipeline,
    report,
    sampling,
    serving,
    tfp_pixelcnn,
    training,
)
from benchmarks.report import Row
from keras_pixelcnn import programs

ROWS = {
    "a": Row(
        "Sampling against scoring",
        sampling.measure_sampling,
        sampling.sampling_table,
    ),
    "b": Row(
        "Sampling against whole passes of the network",
        sampling.measure_passes,
        sampling.passes_table,
    ),
    "c": Row(
        "Against tfp.distributions.PixelCNN",
        tfp_pixelcnn.measure,
        tfp_pixelcnn.as_table,
    ),
    "d": Row(
        "Training against full kernels times a mask",
        training.measure,
        training.as_table,
    ),
    "e": Row(
        "Useful arithmetic against the machine's matrix products",
        arithmetic.measure,
        arithmetic.as_table,
    ),
    "f": Row(
        "Growth with the side and the depth",
        growth.measure,
        growth.as_table,
    ),
    "g": Row(
        "Training from the input pipeline against training from memory",
        pipeline.measure,
        pipeline.as_table,
    ),
    "h": Row(
        "Serving under load against calling the export in the process",
        serving.measure,
        serving.as_table,
    ),
    "i": Row(
        "Compressing and decompressing against scoring",
        codec.measure,
        codec.as_table,
    ),
    "j": Row(
        "Sampling codes against scoring them",
        codes.measure,
        codes.as_table,
    ),
    "k": Row(
        "Scoring value by value against scoring by the sum",
        sampling.measure_values,
        sampling.values_table,
    ),
}


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    define = {"flag_values": flag_values}
    titles = "; ".join(f"{name}: {row.title}" for name, row in ROWS.items())
    flags.DEFINE_list("rows", list(ROWS), f"What to measure. {titles}.", **define)
    flags.DEFINE_integer("runs", 5, "Counted runs of each.", lower_bound=1, **define)
    flags.DEFINE_string("output", None, "JSON to write, or to add to.", **define)


def main(flag_values: flags.FlagValues) -> None:
    """Measures rows, and shows them with those that the output already holds.

    Raises:
        ValueError: when there is no such row, or the output is something else.
    """
    unknown = sorted(set(flag_values.rows) - set(ROWS))
    if unknown:
        raise ValueError(
            f"rows must be of {sorted(ROWS)}. Received, unknown: {unknown}"
        )
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
