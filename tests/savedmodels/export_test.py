"""Tests of the program that publishes a saved model."""

import json

import pytest

from savedmodels import export
from savedmodels.publish import publishing
from savedmodels.publish.batching import Batching
from tests.forked import Forked
from tests.served import make_model
from tests.trainers.tiny_run import call


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "model.keras"
    make_model("all_conditions").save(path)
    return path


@pytest.fixture(scope="module")
def grey(tmp_path_factory):
    path = tmp_path_factory.mktemp("grey") / "model.keras"
    make_model("grey").save(path)
    return path


@pytest.fixture
def calls(monkeypatch):
    """What the program asks to publish, without it being done."""
    found = []
    monkeypatch.setattr(
        publishing, "publish", lambda *args, **kwargs: found.append((args, kwargs))
    )
    return found


def test_it_publishes_and_says_where(saved, tmp_path, capsys):
    base = tmp_path / "served" / "clothes"
    call(
        export,
        f"--model={saved}",
        f"--base={base}",
        "--signatures=log_prob",
        "--label_names=shirt,shoe,hat",
        "--max_batch_size=1",
    )
    said = f"Published {base / '1'}, which answers 3 requests to warm up\n"
    assert capsys.readouterr().out == said
    metadata = json.loads((base / "1" / "assets.extra/metadata.json").read_text())
    assert metadata["label_names"] == ["shirt", "shoe", "hat"]
    assert metadata["bits_per_dim"] is None


def test_the_limits_of_batches(grey, tmp_path, calls):
    call(
        export,
        f"--model={grey}",
        f"--base={tmp_path}",
        "--max_batch_size=9",
        "--batch_timeout_micros=100",
        "--max_enqueued_batches=3",
        "--allowed_batch_sizes=1,9",
    )
    ((_, options),) = calls
    assert options["batching"] == Batching(9, 100, 3, (1, 9))
    calls.clear()
    call(export, f"--model={grey}", f"--base={tmp_path}")
    ((_, options),) = calls
    assert options["batching"] == Batching()
    assert options["label_names"] is options["signatures"] is None


def _bits_per_dim(calls, *arguments):
    calls.clear()
    call(export, "--base=served", *arguments)
    return calls[0][1]["bits_per_dim"]


def test_what_a_run_reached_is_told(grey, tmp_path, calls):
    model = tmp_path / "model.keras"
    model.write_bytes(grey.read_bytes())
    assert _bits_per_dim(calls, f"--model={model}") is None
    metrics = tmp_path / "metrics.json"
    metrics.write_text('{"test_bits_per_dim": 1.73, "validation_bits_per_dim": 2}')
    assert _bits_per_dim(calls, f"--model={model}") == 1.73
    assert _bits_per_dim(calls, f"--model={model}", "--bits_per_dim=1.5") == 1.5
    # Of an auto-encoder: given z, it compares with no other model's.
    metrics.write_text('{"test_bits_per_dim": 1, "given_latent_bits_per_dim": 1}')
    assert _bits_per_dim(calls, f"--model={model}") is None
    other = model.rename(tmp_path / "epoch_3.keras")
    assert _bits_per_dim(calls, f"--model={other}") is None
    metrics.write_text("{")
    other.rename(model)
    with pytest.raises(ValueError, match=r"metrics\.json must hold JSON"):
        _bits_per_dim(calls, f"--model={model}")
    metrics.write_text("[]")
    with pytest.raises(ValueError, match=r"must hold an object .* Received: \[\]"):
        _bits_per_dim(calls, f"--model={model}")


def test_a_missing_model_is_one_line(tmp_path):
    missing = tmp_path / "model.keras"
    arguments = [f"--model={missing}", f"--base={tmp_path / 'base'}"]
    result = Forked("savedmodels.export", *arguments).wait()
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert f"error: {missing} must be a .keras file" in result.stderr
    assert list(tmp_path.iterdir()) == []
