"""Tests of the values that the loader takes, and of those that it refuses."""

import numpy as np
import pytest

from savedmodels.loader.process import read_answers
from tests.savedmodels.loader.hand_made import ECHO, STRANGE_INPUTS


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files of values."""
    folder = tmp_path_factory.mktemp("values")
    spatial = np.arange(12).reshape(3, 4)
    np.savetxt(folder / "spatial.txt", spatial, fmt="%.3f")  # a line a row
    (folder / "embedding.csv").write_text("1,2,3,\r\n4,5,6,\r\n7,8,9\r\n")
    (folder / "empty").write_bytes(b"")
    (folder / "with a space").write_bytes(b"two words")
    (folder / "binary").write_bytes(b"1\0002\xff\n")
    return folder


def _options(**values):
    return [part for name in values for part in (f"--{name}", str(values[name]))]


# What each row gets.


@pytest.fixture(scope="module")
def one_row(folder):
    """Values of one row; negative, and beyond int32."""
    text = f"@{folder / 'binary'}"
    return {
        "label": -4,
        "time": 2**40,
        "embedding": " -0.25,1e0 ,\t.5\n",
        "spatial": "1 2 3 4",
        "spherical": "true",
        "text": text,
        "pair": f"{text},@{folder / 'empty'}",
    }


@pytest.fixture(scope="module")
def own_rows(folder):
    """Values of three rows."""
    empty, words = f"@{folder / 'empty'}", f"@{folder / 'with a space'}"
    return {
        "label": "3,1,2",
        "time": f"{-(2**63)} {2**63 - 1} 0",
        "embedding": f"@{folder / 'embedding.csv'}",
        "spatial": f"@{folder / 'spatial.txt'}",
        "spherical": "1,false, 0",
        "text": f"{words},{empty},{words}",
        "pair": ",".join([words, empty] * 3),
    }


@pytest.fixture(scope="module")
def echoes(run_each, hand_made, one_row, own_rows, folder):
    """What comes of several ways to give rows."""
    values = np.random.default_rng(3).integers(-9, 10, [2, 60 * 60 * 3])
    (folder / "large").write_text(",".join(str(value) for value in values.ravel()))
    mixed = {**own_rows, "label": 7, "embedding": "0,inf,-1e-50"}
    requests = {
        "one row": ["echo", *_options(**one_row)],
        "one row, three times": ["echo", *_options(**one_row), "--rows", "3"],
        "own rows": ["echo", *_options(**own_rows)],
        "own rows, counted": ["echo", "--rows", "3", *_options(**own_rows)],
        "some shared": ["echo", *_options(**mixed)],
        "a long file": ["large", "--spatial", f"@{folder / 'large'}"],
        "nothing in a row": ["nothing", "--label", "1,2", "--nothing", ""],
    }
    stdout, said = run_each(hand_made, requests.values())
    assert not any(said), said
    answers = dict(zip(requests, read_answers(stdout)))
    answers["a long file"]["values"] = values
    return answers


def _check(echo, rows, **expected):
    assert set(echo) == set(ECHO)
    for name, spec in ECHO.items():
        value = echo[name]
        assert value.shape == (rows, *spec.shape[1:])
        assert value.dtype == ("object" if name in ("text", "pair") else spec.dtype)
        np.testing.assert_array_equal(value.reshape(rows, -1), expected[name])


@pytest.mark.parametrize(
    ("case", "rows"), [("one row", 1), ("one row, three times", 3)]
)
def test_all_rows_share_what_is_given_once(echoes, case, rows):
    _check(
        echoes[case],
        rows,
        label=[[-4]] * rows,
        time=[[2**40]] * rows,
        embedding=[[-0.25, 1, 0.5]] * rows,
        spatial=[[1, 2, 3, 4]] * rows,
        spherical=[[True]] * rows,
        text=[[b"1\0002\xff\n"]] * rows,
        pair=[[b"1\0002\xff\n", b""]] * rows,
    )


OWN_ROWS = {
    "label": [[3], [1], [2]],
    "time": [[-(2**63)], [2**63 - 1], [0]],
    "embedding": [[1, 2, 3], [4, 5, 6], [7, 8, 9]],
    "spatial": np.arange(12).reshape(3, 4),
    "spherical": [[True], [False], [False]],
    "text": [[b"two words"], [b""], [b"two words"]],
    "pair": [[b"two words", b""]] * 3,
}


@pytest.mark.parametrize("case", ["own rows", "own rows, counted"])
def test_each_row_has_values_of_its_own(echoes, case):
    _check(echoes[case], 3, **OWN_ROWS)


def test_some_inputs_may_be_shared(echoes):
    shared = {"label": [[7]] * 3, "embedding": [[0, np.inf, 0]] * 3}
    _check(echoes["some shared"], 3, **{**OWN_ROWS, **shared})


def test_a_long_file(echoes):
    answer = echoes["a long file"]
    np.testing.assert_array_equal(answer["spatial"].reshape(2, -1), answer["values"])


def test_a_row_may_be_of_no_values(echoes):
    answer = echoes["nothing in a row"]
    assert answer["label"].tolist() == [1, 2]
    assert answer["nothing"].shape == (2, 0)


# What is refused.

INT32 = "--label must be integers from -2**31 to 2**31 - 1."
INT64 = "--time must be integers from -2**63 to 2**63 - 1."
NUMBERS = "--embedding must be numbers in the range of float32"
BETWEEN = f"{NUMBERS}, one on either side of a comma. Received: none there\n"
BOOLS = "--spherical must be true, false, 1 or 0."
FILES = "--text must be @ and the name of a file, with commas between several"
ONE_INTEGER = "--label must be one integer, or one for each row."
REFUSED = [
    ({"label": ""}, f"{ONE_INTEGER} Received: 0\n"),
    ({"label": "1.5"}, f"{INT32} Received: 1.5\n"),
    ({"label": "1 x 2"}, f"{INT32} Received: x\n"),
    ({"label": 2**31}, f"{INT32} Received: {2**31}\n"),
    ({"label": -(2**63) - 1}, f"{INT32} Received: {-(2**63) - 1}\n"),
    ({"time": 2**63}, f"{INT64} Received: {2**63}\n"),
    ({"time": "3;"}, f"{INT64} Received: 3;\n"),
    (
        {"embedding": "1,2,3,4"},
        "--embedding must be 3 numbers, or 3 for each row. Received: 4\n",
    ),
    ({"embedding": "1,2,1e39"}, f"{NUMBERS}. Received: 1e39\n"),
    ({"embedding": "1,,2"}, BETWEEN),
    ({"embedding": ",1,2"}, BETWEEN),
    ({"embedding": "1,2, "}, BETWEEN),
    ({"embedding": "x" * 999}, f"{NUMBERS}. Received: {'x' * 256}\n"),
    ({"spherical": "yes"}, f"{BOOLS} Received: yes\n"),
    ({"spherical": "2"}, f"{BOOLS} Received: 2\n"),
    ({"spherical": "truer"}, f"{BOOLS} Received: truer\n"),
    ({"spherical": "1,0,"}, "--spherical must be true, false, 1 or 0, one on either"),
    ({"text": "cat.png"}, f"{FILES}. Received: cat.png\n"),
    ({"text": "@"}, f"{FILES}. Received: @\n"),
    ({"text": "@{folder}/empty,"}, f"{FILES}, one on either side of a comma."),
    (
        {"pair": "@{folder}/empty"},
        "--pair must be 2 @FILEs, or 2 for each row. Received: 1\n",
    ),
    ({"label": "1,2", "time": "1,2,3"}, f"{ONE_INTEGER} Received: 2 for 3 rows\n"),
    ({"label": "1,2", "rows": 3}, f"{ONE_INTEGER} Received: 2 for 3 rows\n"),
    ({"label": "1,2", "rows": 1}, f"{ONE_INTEGER} Received: 2 for 1 row\n"),
    (
        {"rows": 2**31 - 1},
        "--embedding must have less than 2**31 values in all rows. Received: 3 for "
        f"{2**31 - 1} rows\n",
    ),
    (
        {"label": "@{folder}/none"},
        "--label: cannot read the file {folder}/none: No such file or directory\n",
    ),
    ({"label": "@{folder}"}, "cannot read the file {folder}: Is a directory\n"),
    (
        {"label": "@{folder}/binary"},
        "the file {folder}/binary: it holds a byte of 0, so it is no text\n",
    ),
    (
        {"text": "@{folder}/empty,@{folder}/none"},
        "--text: cannot read the file {folder}/none: No such file or directory\n",
    ),
    ({"text": "@{folder}"}, "cannot read the file {folder}: Is a directory\n"),
]


@pytest.fixture(scope="module")
def refusals(run_each, hand_made, one_row, folder):
    """What the loader says to each of these."""
    changes = [
        {name: str(text).format(folder=folder) for name, text in change.items()}
        for change, _ in REFUSED
    ]
    requests = [["echo", *_options(**{**one_row, **change})] for change in changes]
    stdout, said = run_each(hand_made, requests)
    assert stdout == ""
    return said


@pytest.mark.parametrize("case", range(len(REFUSED)))
def test_values_that_an_input_cannot_have(refusals, folder, case):
    sentence = REFUSED[case][1].replace("{folder}", str(folder))
    assert refusals[case].startswith("loader: echo: --")
    assert sentence in refusals[case]
    assert refusals[case].count("\n") == 1


def test_inputs_that_cannot_be_given(run_each, hand_made):
    given = [[name, "--strange", "1"] for name in STRANGE_INPUTS]
    missing = [[name] for name in STRANGE_INPUTS]
    stdout, said = run_each(hand_made, given + missing)
    assert stdout == ""
    for name, sentence in zip([*STRANGE_INPUTS, *STRANGE_INPUTS], said):
        rule = f"loader: {name}: the input strange cannot be given: its "
        assert sentence.startswith(rule)
        assert sentence.endswith(f"Received: {STRANGE_INPUTS[name][1]}\n")


def test_inputs_named_as_the_loaders_own_options(run_each, hand_made):
    _, (said,) = run_each(hand_made, [["own_option", "--rows", "1"]])
    assert said == (
        "loader: own_option: the input rows cannot be given: --rows is an option of "
        "the loader itself\n"
    )
