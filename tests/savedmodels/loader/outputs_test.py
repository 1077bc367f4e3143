"""Tests of what the loader prints and writes."""

import os

import pytest


@pytest.fixture(scope="module")
def printed(run_each, hand_made, tmp_path_factory):
    """What several requests print."""
    folder = tmp_path_factory.mktemp("texts")
    for name, text in {"a": "a text, it is", "b": "line\n", "c": "hex:00"}.items():
        (folder / name).write_text(text)
    files = ",".join(f"@{folder / name}" for name in "abc")
    echo = ["echo", "--time", "-1", "--embedding", "0.1,1e30,nan", "--spatial"]
    echo += ["1,2,3,4", "--spherical", "1,0,1", "--pair", f"@{folder / 'a'}," * 2]
    echo[-1] = echo[-1].removesuffix(",")
    requests = [[*echo, "--text", files, "--label", "3"], ["types", "--seed", "300,2"]]
    stdout, said = run_each(hand_made, requests)
    assert not any(said)
    return stdout


def test_each_output_has_a_line_for_each_row(printed):
    assert (
        printed
        == (
            "# echo: embedding float32 (3, 3), label int32 (3), pair string (3, 2), "
            "spatial float32 (3, 2, 1, 2), spherical bool (3), text string (3), "
            "time int64 (3)\n"
            + "embedding 0.100000001 1.00000002e+30 nan\n" * 3
            + "label 3\n" * 3
            + f"pair hex:{b'a text, it is'.hex()} hex:{b'a text, it is'.hex()}\n" * 3
            + "spatial 1 2 3 4\n" * 3
            + "spherical true\nspherical false\nspherical true\n"
            # Text as it is, unless it could be taken for something else.
            + "text a text, it is\n"
            + f"text hex:{b'line'.hex()}0a\n"
            + f"text hex:{b'hex:00'.hex()}\n"
            + "time -1\n" * 3
            + "# types: count int32 (), no_rows float32 (0, 2), "
            "nothing float32 (2, 0), picture uint8 (2, 1, 1, 1)\n"
            "count 2\n"
            "nothing\nnothing\n"
            "picture 44\npicture 2\n"
        )
    )


# Files.


@pytest.fixture(scope="module")
def written(run_each, hand_made, tmp_path_factory):
    """A folder of files, what was printed, and what was said."""
    folder = tmp_path_factory.mktemp("written")
    (folder / "replaced").write_text("older")
    (folder / "word").write_text("word")
    outputs = {
        "one row": ["1", "replaced"],
        "several rows": ["3,0,2", "row_%d.png"],
        "only the first mark counts": ["1,2", "%d_%d"],
        "no mark": ["1,2", "all.png"],
        "no folder": ["1", "none/file"],
    }
    requests = [
        ["png", "--size", size, "--output", f"image_bytes={folder}/{name}"]
        for size, name in outputs.values()
    ]
    word = f"@{folder}/word"
    echo = ["echo", "--time", "1", "--embedding", "1,2,3", "--spatial", "1,2,3,4"]
    echo += ["--text", word, "--pair", f"{word},{word}", "--spherical", "1"]
    echo += ["--label", "1", "--output"]
    requests += [[*echo, f"pair={folder}/pair"]]
    requests += [[*echo, f"label={folder}/label"], [*echo, f"labels={folder}/label"]]
    stdout, said = run_each(hand_made, requests)
    said = dict(zip([*outputs, "a pair", "no string", "no output"], said))
    return folder, stdout, said


def test_strings_go_to_files_that_are_named(written):
    folder, stdout, _ = written
    files = ["replaced", "row_0.png", "row_1.png", "row_2.png", "0_%d", "1_%d"]
    lines = [line for line in stdout.splitlines() if not line.startswith("#")]
    assert lines == [f"image_bytes {folder}/{name}" for name in files]
    sizes = [1, 3, 0, 2, 1, 2]
    for name, size in zip(files, sizes):
        assert (folder / name).read_bytes() == b"\x01" * size
    assert {path.name for path in folder.iterdir()} == {*files, "word"}


def test_what_cannot_be_written_to_files(written):
    folder, stdout, said = written
    assert stdout.count("#") == 3
    rule = "loader: png: --output image_bytes must have %d in the name of its file"
    assert said["no mark"].startswith(rule)
    assert said["no mark"].endswith(f"Received: {folder}/all.png for 2 rows\n")
    rule = f"--output image_bytes: cannot write the file {folder}/none/file: No such"
    assert rule in said["no folder"]
    rule = "--output pair: a file holds one string. Received: 2 a row\n"
    assert said["a pair"] == f"loader: echo: {rule}"
    rule = "--output label: only strings go to files. Received: int32\n"
    assert said["no string"] == f"loader: echo: {rule}"
    names = ["embedding", "label", "pair", "spatial", "spherical", "text", "time"]
    names = "".join(f"  {name}\n" for name in names)
    rule = f"loader: echo: the signature has no output labels. It has:\n{names}"
    assert said["no output"] == rule


def test_outputs_that_cannot_be_printed(run_each, hand_made):
    stdout, (said,) = run_each(hand_made, [["strange_output", "--a", "1"]])
    assert stdout == ""
    assert "the output b cannot be printed: its type must be uint8, int32," in said
    assert said.endswith("Received: float64\n")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_results_that_cannot_be_written(run, hand_made):
    with open("/dev/full", "w") as full:
        result = run(hand_made, "types", "--seed", "1", stdout=full)
    assert result.returncode == 1
    assert "loader: cannot write the results" in result.stderr
