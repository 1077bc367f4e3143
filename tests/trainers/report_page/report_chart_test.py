"""Charts: round ticks, lines within the frame, names that do not touch."""

import math
import random

import pytest

from trainers.report_page import curves, scales
from trainers.report_page.chart_frame import Mark
from trainers.report_page.history import History
from trainers.report_page.line_chart import draw, spread_out


def history_of(**columns):
    names, length = list(columns), len(next(iter(columns.values())))
    rows = [{"step": float(i + 1), "epoch": (i + 1) / 10} for i in range(length)]
    for name in names:
        for row, value in zip(rows, columns[name]):
            if value is not None:
                row[name] = value
    return History(rows, [])


def points_of(svg, tag="polyline"):
    return [
        [tuple(map(float, place.split(","))) for place in line.get("points").split()]
        for line in svg.iter(tag)
    ]


def drawn(curve, **options):
    return draw(curve.chart, 400, 270, **options)


# Scales.


def test_ticks_are_round_and_few_over_any_range():
    numbers = random.Random(0)
    for _ in range(500):
        low = numbers.uniform(-1, 1) * 10 ** numbers.uniform(-6, 6)
        high = low + 10 ** numbers.uniform(-6, 6)
        scale = scales.linear(low, high, 6)
        assert scale.low <= low + 1e-6 * (high - low)
        assert scale.high >= high - 1e-6 * (high - low)
        assert 3 <= len(scale.ticks) <= 8
        steps = [b - a for a, b in zip(scale.ticks, scale.ticks[1:])]
        assert steps == pytest.approx([steps[0]] * len(steps), rel=1e-3)
        digit = f"{steps[0]:.1e}"[:3]
        assert digit in {"1.0", "2.0", "5.0"}


def test_ends_that_are_not_rounded_hold_their_ticks():
    scale = scales.linear(0, 176, 6, rounded=False)
    assert (scale.low, scale.high, scale.ticks) == (0, 176, [0, 50, 100, 150])


@pytest.mark.parametrize("value", [0.0, 3.0, -2.0, 5e-324, 1e299])
def test_a_single_value_has_a_scale(value):
    scale = scales.linear(value, value, 5)
    assert scale.low < value < scale.high


@pytest.mark.parametrize(("low", "high"), [(0.01, 90), (1e-30, 1e30), (1, 1), (2, 3)])
def test_a_logarithmic_scale_holds_its_values(low, high):
    scale = scales.logarithmic(low, high, 6)
    assert scale.low <= low <= high <= scale.high
    assert 2 <= len(scale.ticks) <= 6
    middle = math.sqrt(scale.low * scale.high)
    assert scale.place(middle, 0, 10) == pytest.approx(5)
    assert scale.place(0.0, 0, 10) == 0  # what has no logarithm stands at the end


# Lines.


def test_a_line_goes_through_its_values():
    curve, *_ = curves.other_curves(history_of(learning_rate=[0.0, 0.5, 1.0]))
    ((first, second, third),) = points_of(drawn(curve))
    assert second == pytest.approx(
        ((first[0] + third[0]) / 2, (first[1] + third[1]) / 2), abs=0.06
    )
    assert first[0] < third[0]
    assert first[1] > third[1]  # a greater value stands higher


def test_all_three_lines_are_named_with_their_last_values():
    history = history_of(
        train_bits_per_dim=[3.0, 2.0, 2.0],
        validation_bits_per_dim=[None, 2.5, 2.1],
        validation_ema_bits_per_dim=[None, None, 2.2],
    )
    curve = curves.bits_curve(history, (Mark("the paper's", 1.9),))
    svg = drawn(curve, with_values=True)
    names = [x.text for x in svg.iter("text") if x.get("class").startswith("name")]
    assert names == ["EMA 2.2", "validation 2.1", "train 2", "the paper's 1.9"]
    assert len(points_of(svg)) == 2  # one value alone is a dot
    assert "train 2; validation 2.1; EMA 2.2" in svg.get("aria-label")
    assert "The paper's:" in curve.note


def test_hovering_tells_step_epoch_and_values():
    curve = curves.bits_curve(history_of(train_bits_per_dim=[3.0, 2.25]), ())
    titles = [title.text for title in drawn(curve).iter("title")]
    assert titles == ["step 1, epoch 0.1\ntrain 3", "step 2, epoch 0.2\ntrain 2.25"]


def test_a_long_history_is_thinned_to_means_and_ranges():
    values = [float(i % 2) for i in range(10_000)]
    curve = curves.other_curves(history_of(learning_rate=values))[0]
    svg = drawn(curve)
    (line,) = points_of(svg)
    (outline,) = points_of(svg, "polygon")
    assert 200 < len(line) <= 240
    assert len(outline) == 2 * len(line)
    assert len({y for _, y in line[:-1]}) == 1
    assert curve.note.startswith("A point is the mean of 42 entries")


def test_early_values_far_above_the_others_lie_outside_the_frame():
    values = [8.0, 7.0, *[3 + 1 / (i + 1) for i in range(98)]]
    curve = curves.bits_curve(history_of(train_bits_per_dim=values), ())
    assert curve.chart.values.high <= 4
    assert "The first values, up to 8, lie above the frame." in curve.note


def test_values_over_many_magnitudes_are_drawn_by_their_logarithms():
    norms = [1000.0, 10.0, 1.0, 0.0]
    curve = curves.other_curves(history_of(gradient_norm=norms))[1]
    assert curve.chart.values.logarithmic
    assert curve.note == "Logarithmic."
    drawn(curve)


def test_random_histories_are_drawn_within_the_picture():
    numbers = random.Random(1)
    for _ in range(60):
        size = 10 ** numbers.uniform(-8, 8)
        length = numbers.choice([1, 2, 3, 50, 300])
        values = [
            numbers.choice([0.0, size, numbers.gauss(0, size)]) for _ in range(length)
        ]
        history = history_of(gradient_norm=values, train_bits_per_dim=values)
        for curve in (curves.bits_curve(history, ()), curves.other_curves(history)[1]):
            svg = drawn(curve)
            for circle in svg.iter("circle"):
                assert 0 <= float(circle.get("cx")) <= 400
                assert 0 <= float(circle.get("cy")) <= 270
            for rect in svg.iter("rect"):
                assert float(rect.get("width")) > 0


def test_names_keep_their_distance_and_their_order():
    assert spread_out([10, 50, 90], 15, 100) == [10, 50, 90]
    assert spread_out([10, 11, 12], 15, 100) == [10, 25, 40]
    assert spread_out([98, 99, 100], 15, 100) == [70, 85, 100]


def test_nothing_known_gives_no_chart():
    history = history_of(seconds=[1.0, 2.0])
    assert curves.bits_curve(history, ()).chart is None
    assert [curve.chart for curve in curves.other_curves(history)] == [None] * 3
