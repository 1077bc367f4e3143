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


def test_the_surroundings_are_named():
    surroundings = timing.environment()
    assert surroundings["processor"] and surroundings["devices"]
    assert surroundings["tensorflow"] == tf.__version__
