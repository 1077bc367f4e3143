"""Charts: lines through their values, and what their notes say."""

import random
import re

import numpy as np
import pytest

from trainers.report_page import charts
from trainers.report_page.charts import Line, chart
from trainers.report_page.run_files import History

NONE = History([], [])


def line_of(values, name=""):
    return Line(name, "accent", [(i + 1.0, value) for i, value in enumerate(values)])


def test_a_line_goes_through_its_values():
    svg = chart("Learning rate", [line_of([0.0, 0.5, 1.0])], NONE).svg
    (path,) = re.findall(r'd="(M [^"]*)"[^>]*stroke: var\(--accent\)', svg)
    first, second, third = re.findall(r"([\d.]+) ([\d.]+)", path)
    middle = (np.float64(first) + np.float64(third)) / 2
    np.testing.assert_allclose(np.float64(second), middle, atol=1e-3)
    assert float(first[0]) < float(third[0])
    assert float(first[1]) > float(third[1])  # a greater value stands higher


def test_all_lines_are_named_with_their_last_values():
    lines = [
        line_of([3.0, 2.0], "train"),
        line_of([2.5], "validation"),
        line_of([], "EMA"),
    ]
    drawn = chart("Bits per dimension", lines, NONE, level=1.9)
    for name in ("train 2", "validation 2.5", "the paper's 1.9"):
        assert f">{name}</text>" in drawn.svg
    assert "EMA" not in drawn.svg
    assert 'aria-label="Bits per dimension by step. At the end: train 2' in drawn.svg
    assert drawn.note.startswith("The paper's:")


def test_a_long_history_is_thinned_to_means_and_ranges():
    values = [float(i % 2) for i in range(10_000)]
    steps, means, lows, highs = charts.thin(line_of(values).points)
    assert 200 < len(steps) <= 240
    assert set(lows) == {0} and set(highs) == {1}
    np.testing.assert_allclose(means[:-1], 0.5)
    drawn = chart("Loss", [line_of(values)], NONE)
    assert drawn.note.startswith("A point is the mean of 42 entries")
    assert len(drawn.svg) < 60_000


@pytest.mark.parametrize("length", [1, 2, 3, 300])
def test_random_histories_are_drawn(length):
    numbers = random.Random(length)
    for size in (1e-8, 1.0, 1e8, 1e299):
        values = [
            numbers.choice([0.0, size, numbers.gauss(0, size)]) for _ in range(length)
        ]
        for title in ("Gradient norm", "Bits per dimension"):
            drawn = chart(title, [line_of(values, "x")], NONE)
            assert drawn.svg.startswith("<svg ")
            assert "nan" not in drawn.svg


def test_nothing_known_gives_no_chart():
    assert chart("Loss", [line_of([])], NONE) == ("Loss", "", "")
