import tensorflow as tf

from benchmarks import timing


def test_alternatives_run_in_turn_and_the_first_round_does_not_count():
    calls = []

    def alternative(name):
        calls.append(name)
        return {"tensor": tf.constant(1.0), "number": 2.0}

    alternatives = {name: lambda name=name: alternative(name) for name in "ab"}
    seconds = timing.median_seconds(alternatives, runs=2)
    assert "".join(calls) == "ababab"
    assert set(seconds) == {"a", "b"} and min(seconds.values()) > 0


def test_ratios_are_of_the_seconds():
    ways = {name: lambda: tf.constant(1.0) for name in ("one", "other")}
    record = timing.compare(ways, 3, "one / other")
    ratio = record["one_seconds"] / record["other_seconds"]
    assert record["one / other"] == ratio
