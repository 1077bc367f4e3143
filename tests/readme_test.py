"""What the README says is what happens."""

import pathlib
import re
import shlex

import pytest

from savedmodels.server import LocalServer

ROOT = pathlib.Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


@pytest.mark.slow
def test_the_examples_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    *examples, by_client = blocks("python")
    for example in examples:
        assert "epochs=10" in example
        exec(example.replace("epochs=10", "epochs=1"), names)
    assert names["images"].shape == (16, 8, 8, 1)
    assert names["model"].num_classes == 10
    assert (tmp_path / "digits.keras").exists()
    assert (tmp_path / "served" / "digits" / "1" / "saved_model.pb").exists()
    names["model"].export(tmp_path / "labels" / "1", verbose=False)
    with LocalServer({"digits": tmp_path / "labels"}) as server:
        server.wait_until_available("digits")
        assert "127.0.0.1:8500" in by_client
        exec(by_client.replace("127.0.0.1:8500", server.grpc_address), names)
    drawn = names["model"].sample(16, seed=1, label=3)
    assert (names["images"] == drawn.numpy()).all()


def test_pictures_and_files_it_names_are_there():
    links = re.findall(r"\]\((?!http|#)([^)]+)\)", README)
    assert links
    for link in links:
        assert (ROOT / link.split("#")[0]).exists(), link


def test_programs_it_names_are_there():
    """Every `python -m program --flag`, in blocks marked as bash or shell."""
    commands = [
        part.strip()
        for block in [*blocks("bash"), *blocks("shell")]
        for line in block.replace("\\\n", " ").splitlines()
        for part in line.split("&&")
    ]
    programs = [shlex.split(command) for command in commands if " -m " in command]
    assert len(programs) >= 4
    for words in programs:
        module = words[words.index("-m") + 1]
        if module.split(".")[0] in ("trainers", "savedmodels", "benchmarks"):
            path = ROOT / (module.replace(".", "/") + ".py")
            if not path.exists():  # a package that runs as a program
                path = path.with_suffix("") / "__main__.py"
            source = path.read_text(encoding="utf-8")
            for flag in re.findall(r"--(\w+)(?:=| |$)", " ".join(words)):
                # A program's flags stand in itself or beside it.
                beside = "".join(p.read_text() for p in path.parent.glob("*.py"))
                assert f'"{flag}"' in source + beside, (module, flag)
