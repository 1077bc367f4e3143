"""Tests of the loader's command line, and of how it loads and runs a model."""

import pytest
import tensorflow as tf

USAGE = "usage: loader EXPORT_DIR\n"


def test_help(run):
    result = run("--help")
    assert result.returncode == 0
    assert result.stdout.startswith(USAGE)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "the directory of an export must come first. Received: nothing"),
        (["--seed", "1"], "directory of an export must come first. Received: --seed"),
        (["", "--seed", "1"], "name of a signature must come first. Received: --seed"),
        (["", "--"], "the name of a signature must come first. Received: nothing"),
        (["", "a", "--"], "signature must come first. Received: nothing"),
        (["", "a", "1"], "an option must begin with --. Received: 1\n"),
        (["", "a", "-b", "1"], "an option must begin with --. Received: -b\n"),
        (["", "a", "--b"], "an option must have values. Received none: --b\n"),
        (["", "a", "--b", "1", "2"], "an option must begin with --. Received: 2\n"),
        (["", "a", "--b", "--", "c"], "an option must have values. Received none: --b"),
        (
            ["", "a", "--b", "1", "--c", "2", "--b", "1"],
            "an option may come once only. Received again: --b\n",
        ),
        (
            ["", "a", "--rows", "1", "--rows", "1"],
            "an option may come once only. Received again: --rows\n",
        ),
        (
            ["", "a", "--output", "b=c", "--output", "bb=c", "--output", "b=d"],
            "an option may come once only. Received again: --output\n",
        ),
        (["", "a", "--output", "b"], "--output must be NAME=FILE. Received: b\n"),
        (["", "a", "--output", "=c"], "--output must be NAME=FILE. Received: =c\n"),
        (["", "a", "--output", "b="], "--output must be NAME=FILE. Received: b=\n"),
        *(
            (["", "a", "--rows", rows], f"from 1 to 2**31 - 1. Received: {rows}\n")
            for rows in ("0", "1.5", str(2**31))
        ),
    ],
)
def test_wrong_usage(run, arguments, sentence):
    result = run(*arguments)
    assert result.returncode == 1
    assert result.stdout == ""
    assert "loader: " in result.stderr
    assert sentence in result.stderr
    assert USAGE in result.stderr


def test_no_such_directory(run, tmp_path):
    missing = tmp_path / "none"
    for arguments in [[], ["sample", "--seed", "1"]]:
        result = run(missing, *arguments)
        assert result.returncode == 1
        assert result.stdout == ""
        assert f"loader: cannot load {missing}: " in result.stderr
        assert "directory exists" in result.stderr


def test_the_signatures_are_listed(run, hand_made):
    result = run(hand_made)
    assert result.returncode == 1
    sentence = "too_many: there may be 16 inputs at most, and the signature has more\n"
    assert f"loader: {sentence}" in result.stderr
    lines = result.stdout.splitlines()
    names = [line for line in lines if not line.startswith(" ")]
    assert names == sorted(names)
    assert {"echo", "types", "png"} < set(names)
    assert "too_many" not in names
    assert "__saved_model" not in result.stdout
    assert (
        "types\n  takes seed int64 (?)\n  gives count int32 ()\n"
        "  gives no_rows float32 (0, 2)\n  gives nothing float32 (?, 0)\n"
        "  gives picture uint8 (?, 1, 1, 1)\n"
    ) in result.stdout
    assert "  takes spatial float32 (?, 2, 1, 2)\n" in result.stdout
    assert "  takes strange number 11 of TensorFlow's DataType (?)\n" in result.stdout


@pytest.fixture(scope="module")
def said(run_each, hand_made):
    """What the loader says to each of these."""
    requests = {
        "unknown": ["draw", "--seed", "1"],
        "missing": ["echo", "--label", "1", "--spherical", "0"],
        "extra": ["types", "--seed", "1", "--depth", "2"],
        "too many": ["too_many"],
        "refused": ["refuse", "--temperature", "1,-2"],
        "compiled": ["compiled", "--a", "1"],
        "fine": ["png", "--size", "1"],
    }
    stdout, said = run_each(hand_made, requests.values())
    assert stdout == "# png: image_bytes string (1)\nimage_bytes hex:01\n"
    return dict(zip(requests, said))


def test_requests_after_one_that_fails_are_run(said):
    assert all(said[name] for name in said if name != "fine")
    assert said["fine"] == ""


def test_an_unknown_signature_names_those_there_are(said):
    lines = said["unknown"].splitlines()
    assert lines[0] == (
        "loader: draw: the export has no signature of this name. It has:"
    )
    assert {"  echo", "  png", "  types"} < set(lines)
    assert lines[1:] == sorted(lines[1:])
    assert "__saved_model" not in said["unknown"]


def test_missing_inputs_are_all_named(said):
    needs = "loader: echo: the signature needs"
    assert said["missing"] == (
        f"{needs} --embedding: 3 numbers, or 3 for each row\n"
        f"{needs} --pair: 2 @FILEs, or 2 for each row\n"
        f"{needs} --spatial: 4 numbers, or 4 for each row\n"
        f"{needs} --text: one @FILE, or one for each row\n"
        f"{needs} --time: one integer, or one for each row\n"
    )


def test_an_option_that_is_no_input_names_those_there_are(said):
    assert said["extra"] == (
        "loader: types: the signature takes no --depth. It takes:\n"
        "  --seed: one integer, or one for each row\n"
    )


def test_a_signature_of_too_many_inputs(said):
    rule = "there may be 16 inputs at most, and the signature has more\n"
    assert said["too many"] == f"loader: too_many: {rule}"


def test_the_models_own_sentence(said):
    rule = "temperature must be finite numbers above 0."
    rule = f"refuse: assertion failed: [{rule}] [Received:] [1 -2]"
    assert said["refused"].startswith(f"loader: {rule}")


def test_what_wants_xla_is_refused_as_a_server_refuses_it(said, hand_made):
    assert said["compiled"].startswith("loader: compiled: XLA compilation disabled\n")
    signature = tf.saved_model.load(hand_made).signatures["compiled"]
    assert signature(a=tf.zeros([1]))["b"] == 0  # Python may


def test_a_single_request_has_no_number(run, hand_made):
    result = run(hand_made, "types", "--seed", "x")
    assert result.returncode == 1
    assert "loader: types: --seed must be integers" in result.stderr
    assert "request" not in result.stderr
