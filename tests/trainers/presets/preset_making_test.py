"""Tests of making a preset from a finished run."""

import json
import shutil

import pytest

import keras_pixelcnn as kp
from keras_pixelcnn.pretrained import preset
from tests.trainers.tiny_run import call, images_of, read_metrics
from trainers import make_preset
from trainers.runs import environment

pytestmark = pytest.mark.op_by_op

COMMIT = "0" * 40
FACTS = ("--description=Tiny digits.", "--data=Digits (UCI)")


def make(workdir, output, *more):
    arguments = (f"--workdir={workdir}", f"--output={output}", "--name=tiny")
    call(make_preset, *arguments, *FACTS, *more)
    return output / "tiny"


@pytest.fixture(scope="module")
def made(finished, tmp_path_factory):
    workdir, _ = finished
    output = tmp_path_factory.mktemp("pretrained")
    return workdir, make(workdir, output, f"--commit={COMMIT}")


def test_the_preset_is_the_runs_model(made, monkeypatch):
    workdir, folder = made
    monkeypatch.setattr(preset, "PRETRAINED", folder.parent)
    model = kp.from_preset("tiny")
    metrics = read_metrics(workdir)
    logs = model.evaluate(images_of("test"), return_dict=True, verbose=0)
    assert logs["bits_per_dim"] == pytest.approx(metrics["test_bits_per_dim"])
    record = kp.presets()["tiny"]
    assert record.test_bits_per_dim == metrics["test_bits_per_dim"]
    assert record.commit == COMMIT
    assert record.config == json.loads((workdir / "config.json").read_text())


def test_its_folder_holds_a_card_and_samples(made):
    _, folder = made
    assert {path.name for path in folder.iterdir()} == {
        "README.md",
        "model.keras",
        "preset.json",
        "samples.png",
    }
    card = (folder / "README.md").read_text("utf-8")
    assert 'kp.from_preset("tiny")' in card
    assert "{" not in card.split("```json")[0]


def test_an_older_preset_of_the_name_is_replaced(made, tmp_path):
    workdir, _ = made
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "old").touch()
    folder = make(workdir, tmp_path, f"--commit={COMMIT}")
    assert not (folder / "old").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_its_picture_shows_how_it_draws_best(made, tmp_path, monkeypatch):
    workdir, plain = made
    folder = make(workdir, tmp_path, f"--commit={COMMIT}", "--top_p=0.5")
    monkeypatch.setattr(preset, "PRETRAINED", tmp_path)
    assert kp.presets()["tiny"].sampling == {"top_p": 0.5}
    samples = [path / "samples.png" for path in (folder, plain)]
    assert samples[0].read_bytes() != samples[1].read_bytes()
    assert "model.sample(16, seed=1, top_p=0.5)" in (folder / "README.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--name=no name"], "letters, digits and underscores"),
        (["--name=é"], "letters, digits and underscores"),
        (["--workdir=nowhere"], "folder of a finished run"),
        (["--label_names=a,b"], "as many as the model's classes, 0"),
    ],
)
def test_what_makes_no_preset_is_told_and_leaves_nothing(
    made, tmp_path, arguments, message
):
    workdir, _ = made
    with pytest.raises(ValueError, match=message):
        make(workdir, tmp_path, f"--commit={COMMIT}", *arguments)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("commit", [None, f"{COMMIT}-changed"])
def test_a_run_without_a_commit_needs_one(made, tmp_path, commit):
    workdir, _ = made
    lost = tmp_path / "run"
    shutil.copytree(workdir, lost)
    metrics = read_metrics(lost) | {"commit": commit}
    (lost / "metrics.json").write_text(json.dumps(metrics))
    with pytest.raises(ValueError, match="must name the commit"):
        make(lost, tmp_path / "presets")
    assert not (tmp_path / "presets" / "tiny").exists()


def test_results_of_another_kind_of_run_are_told(made, tmp_path):
    workdir, _ = made
    other = tmp_path / "run"
    shutil.copytree(workdir, other)
    (other / "metrics.json").write_text("{}")
    with pytest.raises(ValueError, match="results without test_images"):
        make(other, tmp_path / "presets")


def test_the_commit_is_that_of_a_checkout(tmp_path):
    assert environment.commit(tmp_path) is None
    (tmp_path / ".git").mkdir()
    assert environment.commit(tmp_path) is None  # an empty one
