r"""Checks and times a machine with a GPU, in ten minutes, before a long run.

    python -m benchmarks.gpu --output=gpu.json
    python -m benchmarks.gpu --output=gpu.json --workdir=runs/clothes \
        --dataset=idx:/usr/share/datasets/fashion-mnist

Tells whether the contracts hold on the device, how many images a second a training step
takes in each precision, with and without XLA, and what share that is of the device's
own matrix products; and how long samples take, one by one and many at once. What is
left of the time trains a model of clothes, if a folder for it is given: the same run
goes on with `trainers.train`. What does not fit into the time is left out, and said.
"""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf
from absl import flags

import keras_pixelcnn as kp
from benchmarks import report
from benchmarks.arithmetic import matrix_product, rates
from benchmarks.report import Record
from benchmarks.run import check_rows
from benchmarks.timing import compiled_step, median_seconds
from keras_pixelcnn import programs

CONTRACTS = (
    "tests/models/gated_pixelcnn",
    "-k",
    "causal or sum_to_1 or steps_equal_whole or seeds",
)
"""What pytest is asked to run."""

NETWORK = {"filters": 126, "num_blocks": 15, "kernel_size": 5, "head_filters": 384}
"""Of the training steps: that of the config `cifar10`, with a wider head."""

IMAGE_SHAPE = (32, 32, 3)

PRECISIONS = {
    "float32": (False, "float32"),
    "TF32": (True, "float32"),
    "bfloat16": (True, "mixed_bfloat16"),
}
"""Whether float32 products may be rounded, and the dtype policy."""

SAMPLE_BATCHES = (1, 64, 1024)

RUNS = {"contracts": 1, "training": 10, "sampling": 3}
"""How often each row measures; medians count."""


class Clock:
    """Tells how much of the time is left.

    Args:
        minutes: of the whole.
    """

    def __init__(self, minutes: float) -> None:
        self._end = time.monotonic() + 60 * minutes

    @property
    def seconds_left(self) -> float:
        """Seconds until the end; below zero after it."""
        return self._end - time.monotonic()


def check_contracts(clock: Clock, tests: Sequence[str] = CONTRACTS) -> list[Record]:
    """Runs the tests of the contracts on the device.

    Args:
        clock: they are ended when it has run out.
        tests: arguments of pytest.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", *tests]
    try:
        run = subprocess.run(
            command, capture_output=True, text=True, timeout=clock.seconds_left
        )
    except subprocess.TimeoutExpired:
        return [{"passed": False, "last_line": "not finished in time"}]
    lines = (run.stdout or run.stderr).strip().splitlines()
    return [{"passed": run.returncode == 0, "last_line": lines[-1] if lines else ""}]


def measure_training(
    clock: Clock,
    batch_size: int = 64,
    runs: int = RUNS["training"],
    image_shape: tuple[int, int, int] = IMAGE_SHAPE,
    network: Mapping[str, Any] = NETWORK,
    matrix_size: int = 8192,
) -> list[Record]:
    """Measures a training step in each precision, with and without XLA."""
    images = tf.random.stateless_uniform(
        [batch_size, *image_shape], [1, 2], maxval=256, dtype=tf.int32
    )
    records = []
    for precision, (rounds, policy) in PRECISIONS.items():
        for jit_compile in (False, True):
            if clock.seconds_left < 0:
                return records
            # Products of float32 are rounded to the 10 bits of TF32, or not.
            before = tf.config.experimental.tensor_float_32_execution_enabled()
            tf.config.experimental.enable_tensor_float_32_execution(rounds)
            try:
                model = kp.GatedPixelCNN(image_shape, **network, dtype=policy)
                model.compile("adam", jit_compile=jit_compile)
                seconds = median_seconds(
                    {
                        "matrices": matrix_product(matrix_size, model.compute_dtype),
                        "train": compiled_step(model, images),
                    },
                    runs,
                )
            finally:
                tf.config.experimental.enable_tensor_float_32_execution(before)
            flops = 3 * model.flops() * batch_size
            records.append(
                {
                    "precision": precision,
                    "jit_compile": jit_compile,
                    "batch_size": batch_size,
                    "images_per_second": batch_size / seconds["train"],
                    **rates(flops, seconds["train"], matrix_size, seconds["matrices"]),
                }
            )
    return records


def measure_sampling(
    clock: Clock,
    model: Any = "gated_pixelcnn_fashion_mnist",
    batch_sizes: Sequence[int] = SAMPLE_BATCHES,
    runs: int = RUNS["sampling"],
) -> list[Record]:
    """Measures a batch of samples, by the loop and by XLA, and its scoring."""
    if not isinstance(model, keras.Model):
        model = kp.from_preset(model)
    records = []
    for batch_size in batch_sizes:
        if clock.seconds_left < 0:
            break
        images = model.sample(batch_size, seed=1)
        seconds = median_seconds(
            {
                "score": lambda x=images: model.log_prob(x, batch_size=len(x)),
                "loop": lambda n=batch_size: model.sample(n, seed=1),
                "xla": lambda n=batch_size: model.sample(n, seed=1, jit_compile=True),
            },
            runs,
        )
        records.append({"batch_size": batch_size, **seconds})
    return records


def train_clothes(clock: Clock, workdir: str, dataset: str) -> list[Record]:
    """Trains by the config `fashion_mnist` for what is left of the time."""
    command = [sys.executable, "-m", "trainers.train", "--config=fashion_mnist"]
    command += [f"--workdir={workdir}", f"--config.dataset={dataset}"]
    with subprocess.Popen(command) as run:
        try:
            code = run.wait(max(clock.seconds_left, 0))
        except subprocess.TimeoutExpired:
            run.terminate()  # which saves a checkpoint
            code = run.wait()
    return [{"workdir": workdir, "exit_status": code}]


ROWS = {
    "contracts": report.Row(
        "Contracts on the device",
        check_contracts,
        {"passed": "{passed}", "pytest says": "{last_line}"},
    ),
    "training": report.Row(
        "A training step",
        measure_training,
        {
            "precision": "{precision}",
            "XLA": "{jit_compile}",
            "images a second": "{images_per_second:.0f}",
            "operations a second": "{flops_per_second:.2e}",
            "of the device's matrix products": "{rate / machine:.0%}",
        },
    ),
    "sampling": report.Row(
        "Samples",
        measure_sampling,
        {
            "batch": "{batch_size}",
            "score": "{score:.3f} s",
            "sample": "{loop:.3f} s",
            "sample by XLA": "{xla:.3f} s",
        },
    ),
}


def define_flags(flag_values: flags.FlagValues) -> None:
    """Adds the program's flags."""
    define = programs.FlagDefiner(flag_values)
    define.float("minutes", 10, "Of the whole.", lower_bound=0)
    define.list("rows", list(ROWS), f"Of {', '.join(ROWS)}.")
    define.string("output", None, "JSON to write.")
    define.string("workdir", None, "Of a model of clothes, if any.")
    define.string("dataset", "fashion_mnist", "It learns from.")


def main(flag_values: flags.FlagValues) -> None:
    """Measures in turn, and writes after each.

    Raises:
        ValueError: when there is no such row.
    """
    check_rows(flag_values.rows, ROWS)
    clock, results = Clock(flag_values.minutes), {}
    for name in flag_values.rows:
        print(f"{name}, {clock.seconds_left:.0f} s left ...", flush=True)
        if clock.seconds_left <= 0:
            print(f"{name} is left out.", flush=True)
            continue
        records = ROWS[name].measure(clock)
        results[name] = report.measured(ROWS[name].title, RUNS[name], records)
        report.write(results, flag_values.output)
    print(f"\n{report.as_markdown(results, ROWS)}", flush=True)
    if flag_values.workdir is not None and clock.seconds_left > 0:
        train_clothes(clock, flag_values.workdir, flag_values.dataset)


if __name__ == "__main__":
    programs.run(main, define_flags)
