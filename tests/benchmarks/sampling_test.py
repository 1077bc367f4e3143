import json
import subprocess
import sys

import numpy as np
import pytest

from benchmarks import sampling, timing


def test_a_row_holds_its_ratios(monkeypatch):
    tiny = {"filters": 3, "num_blocks": 1, "kernel_size": 3}
    monkeypatch.setitem(sampling.MODELS, "4x2x3", tiny)
    row = sampling.measure("4x2x3", batch_size=2, runs=1, pixels=2)
    assert row["batch_size"] == 2 and row["num_blocks"] == 1
    ratio = row["sample_seconds"] / row["score_seconds"]
    assert row["sample / score"] == pytest.approx(ratio)
    ratio = row["whole_passes_seconds_scaled"] / row["sample_seconds"]
    assert row["whole passes / sample"] == pytest.approx(ratio)
    assert "| 4x2x3 | 2 |" in sampling.as_table([row])


def test_alternatives_run_in_turn_and_the_first_round_does_not_count():
    calls = []
    alternatives = {
        name: lambda name=name: calls.append(name) or np.zeros(1) for name in "ab"
    }
    alternatives = {
        name: lambda f=f: timing.tf.constant(f()) for name, f in alternatives.items()
    }
    seconds = timing.median_seconds(alternatives, runs=2)
    assert "".join(calls) == "ababab"
    assert set(seconds) == {"a", "b"} and min(seconds.values()) > 0


@pytest.mark.slow
def test_the_program_writes_json(tmp_path):
    output = tmp_path / "sampling.json"
    flags = ["--images=28x28x1", "--batch_sizes=1", "--runs=1", "--pixels=1"]
    program = [sys.executable, "-m", "benchmarks.sampling", f"--output={output}"]
    subprocess.run([*program, *flags], check=True)
    result = json.loads(output.read_text())
    assert result["rows"][0]["sample / score"] > 0
    assert result["environment"]["tensorflow"]
