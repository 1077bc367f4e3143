"""Tests of comparing models: what the table says, what a second start does."""

import contextlib
import io
import json
import math
import re
import shutil

import pytest

from keras_pixelcnn.callbacks import NonFiniteLossError
from keras_pixelcnn.models import AutoregressiveImageModel, load_model
from tests.test_case import op_by_op
from tests.trainers.comparison.comparison_run import tiny_comparison
from tests.trainers.runs import train_lightly
from tests.trainers.tiny_run import call, images_of, read_metrics
from trainers import compare as program
from trainers.comparison import comparing, timing
from trainers.comparison.comparing import compare, contestants, count_parameters
from trainers.configs import compare_digits, compare_fashion_mnist, digits
from trainers.image_models import results
from trainers.report_page.page import write_page as write_report
from trainers.runs.config import to_dict


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """The workdir of a comparison, its result, and what it printed."""
    workdir = tmp_path_factory.mktemp("runs") / "compare"
    train = comparing.train_and_evaluate

    def train_and_sample_nothing(*arguments):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(AutoregressiveImageModel, "sample", train_lightly.sample)
            return train(*arguments)

    with (
        op_by_op(),
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(io.StringIO()) as printed,
    ):
        patch.setattr(AutoregressiveImageModel, "export", train_lightly.export)
        patch.setattr(results, "save_completions", lambda *args, **options: None)
        patch.setattr(comparing, "train_and_evaluate", train_and_sample_nothing)
        result = compare(tiny_comparison(), workdir)
    return workdir, result, printed.getvalue()


@pytest.fixture
def copied(compared, tmp_path):
    shutil.copytree(compared[0], tmp_path / "compare")
    return tmp_path / "compare"


@pytest.fixture
def watched(monkeypatch):
    """Names of the models that are trained, scored and timed."""
    done = {"trained": [], "scored": [], "timed": []}
    train, score_, time_ = (
        comparing.train_and_evaluate,
        comparing.score,
        comparing.time_models,
    )

    def training(config, workdir, *arguments):
        done["trained"].append(workdir.name)
        return train(config, workdir, *arguments)

    def scoring(*arguments):
        done["scored"].append(1)
        return score_(*arguments)

    def timed(paths, *arguments, **options):
        done["timed"] += paths
        return time_(paths, *arguments, **options)

    monkeypatch.setattr(comparing, "train_and_evaluate", training)
    monkeypatch.setattr(comparing, "score", scoring)
    monkeypatch.setattr(comparing, "time_models", timed)
    return done


# What it finds.


@pytest.mark.op_by_op
def test_the_rows_are_what_the_runs_measured(compared):
    workdir, result, _ = compared
    rows = {row.get("name"): row for row in result["rows"] if row["kind"] == "model"}
    assert set(rows) == {"wide", "narrow"}
    for name, row in rows.items():
        metrics = read_metrics(workdir / name)
        for key in ("test_bits_per_dim", "validation_bits_per_dim", "parameters"):
            assert row[key] == metrics[key]
        model = load_model(workdir / name / "model.keras")
        nats = -model.log_prob(images_of("train")[:48]).numpy().mean()
        bits = nats / 64 / math.log(2)
        assert row["train_bits_per_dim"] == pytest.approx(bits, rel=1e-5)
        assert row["step_seconds"] > 0
        assert row["sample_seconds"] > 0
        assert (row["step_runs"], row["samples_at_once"]) == (1, 2)
    assert json.loads((workdir / "comparison.json").read_text()) == result


def test_the_rows_are_sorted_as_the_papers_and_hold_the_baselines(compared):
    workdir, result, _ = compared
    bits = [row["test_bits_per_dim"] for row in result["rows"]]
    assert bits == sorted(bits, reverse=True)
    baselines = {
        row["title"]: row["test_bits_per_dim"]
        for row in result["rows"]
        if row["kind"] == "baseline"
    }
    assert baselines == read_metrics(workdir / "wide")["baselines"]
    assert {"uniform", "multivariate Gaussian", "PNG", "WebP lossless"} <= {*baselines}


def test_all_models_have_the_same_budget(compared):
    workdir, result, _ = compared
    assert (result["steps"], result["batch_size"]) == (3, 16)
    configs = [
        json.loads((workdir / name / "config.json").read_text())
        for name in ("wide", "narrow")
    ]
    for config in configs:
        assert config.pop("model")["num_blocks"] == 1
    assert configs[0] == configs[1]


def test_a_run_of_a_comparison_is_an_ordinary_run(compared, tmp_path):
    for name in ("model.keras", "samples.png", "history.jsonl", "checkpoints"):
        assert (compared[0] / "wide" / name).exists()
    write_report(compared[0] / "wide", tmp_path / "report.html")


def test_the_table_is_printed_with_its_units(compared):
    _, result, printed = compared
    text = printed[printed.rindex("\nBits/dim over") :]
    assert "180 images of digits, split test (8x8x1, 17 levels)" in text
    assert "in brackets over 48 of split train" in text
    assert "3 steps of 16 images" in text
    assert "its share of 2 drawn at once" in text
    lines = [line for line in text.splitlines() if line.startswith("  ")][1:]
    titles = [line.strip().split("  ")[0] for line in lines]
    assert titles == [
        *(row["title"] for row in result["rows"]),
        *result["left_out"],
    ]
    row = next(row for row in result["rows"] if row.get("name") == "wide")
    bits = f"{row['test_bits_per_dim']:.3f} ({row['train_bits_per_dim']:.3f})"
    pattern = rf"A wide one +{re.escape(bits)} +{row['parameters']:,} +\S+ ms +\S+ ms"
    assert re.search(pattern, text)


# Started again.


def test_a_finished_comparison_is_not_done_again(copied, watched):
    before = json.loads((copied / "comparison.json").read_text())
    again = compare(tiny_comparison(), copied)
    assert again == before
    assert watched == {"trained": [], "scored": [], "timed": []}


@pytest.mark.op_by_op
def test_a_comparison_that_was_killed_does_what_is_left(
    compared, copied, watched, monkeypatch
):
    shutil.rmtree(copied / "wide")

    def train(config, workdir, *arguments):
        watched["trained"].append(workdir.name)
        shutil.copytree(compared[0] / "wide", workdir)
        for name in ("timing.json", "train_score.json"):
            (workdir / name).unlink()
        return read_metrics(workdir)

    monkeypatch.setattr(comparing, "train_and_evaluate", train)
    (copied / "narrow" / "timing.json").unlink()
    (copied / "comparison.json").unlink()
    result = compare(tiny_comparison(), copied)
    assert watched["trained"] == ["wide"]
    assert watched["scored"] == [1]
    assert sorted(watched["timed"]) == ["narrow", "wide"]
    assert len([row for row in result["rows"] if row["kind"] == "model"]) == 2


def test_one_that_is_asked_to_stop_goes_on_later(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(comparing, "train_and_evaluate", lambda *arguments: None)
        assert compare(tiny_comparison(), tmp_path) is None
    left = {path.name for path in tmp_path.iterdir()}
    assert left - {".lock"} == {"config.json"}


def test_models_can_be_left_out_later(copied, watched):
    config = tiny_comparison()
    del config.models["wide"]
    result = compare(config, copied)
    names = [row["name"] for row in result["rows"] if row["kind"] == "model"]
    assert names == ["narrow"]
    assert watched == {"trained": [], "scored": [], "timed": []}


def test_a_workdir_of_another_budget_or_of_a_single_run_is_refused(copied, watched):
    told = r"/compare holds a run with another config: steps is 3 there, 4 now"
    with pytest.raises(ValueError, match=told):
        compare(tiny_comparison(steps=4), copied)
    with pytest.raises(ValueError, match=r"/wide holds a run with another config"):
        compare(tiny_comparison(), copied / "wide")
    assert watched["trained"] == []


def test_a_run_of_another_model_is_refused_before_any_is_trained(copied, watched):
    shutil.rmtree(copied / "narrow")
    config = tiny_comparison()
    config.models["wide"].model.filters = 7
    with pytest.raises(ValueError, match=r"wide holds .*filters is 6 there, 7 now"):
        compare(config, copied)
    assert watched["trained"] == []


def test_a_model_that_diverges_is_told_and_the_others_are_compared(
    copied, monkeypatch, capsys
):
    shutil.rmtree(copied / "wide")

    def diverge(*arguments):
        raise NonFiniteLossError("the loss is nan")

    monkeypatch.setattr(comparing, "train_and_evaluate", diverge)
    with pytest.raises(NonFiniteLossError, match="wide diverged: the loss is nan"):
        compare(tiny_comparison(), copied)
    assert re.search(r"wide +left out: the loss is nan", capsys.readouterr().out)
    result = json.loads((copied / "comparison.json").read_text())
    names = [row["name"] for row in result["rows"] if row["kind"] == "model"]
    assert names == ["narrow"]


# Configs.


@pytest.mark.parametrize("module", [compare_digits, compare_fashion_mnist])
def test_the_models_of_a_config_are_about_equally_large(module):
    sizes = [count_parameters(m) for m in contestants(to_dict(module.get_config()))]
    assert len(sizes) == 6
    assert max(sizes) < 1.06 * min(sizes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(timing_runs=0), "timing_runs must be an integer"),
        (lambda c: c.update(scored_train_images=0), "images must be None or an int"),
        (lambda c: setattr(c, "models", {}), r"models must name a model"),
        (lambda c: c.models.wide.update(depth=3), r"models\.wide must have the fields"),
        (lambda c: c.models.update({"a/b": c.models.wide}), r"Received: 'a/b'"),
        (lambda c: c.models.wide.model.update(filters=0), r"models\.wide: "),
    ],
)
def test_a_wrong_config_is_told_before_anything_is_written(tmp_path, change, message):
    config = tiny_comparison()
    change(config)
    with pytest.raises(ValueError, match=message):
        compare(config, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_config_of_a_single_run_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"must have the fields .*for trainers\.train"):
        compare(digits.get_config(), tmp_path)


@pytest.mark.filterwarnings("ignore:the load_module")  # of ml_collections
def test_the_program_compares(monkeypatch):
    asked = []
    monkeypatch.setattr(comparing, "compare", lambda *given: asked.append(given))
    config = "trainers/configs/compare_digits.py"
    call(program, f"--config={config}", "--workdir=runs/x", "--on_nonfinite=skip")
    ((config, workdir, strategy, on_nonfinite),) = asked
    assert to_dict(config) == to_dict(compare_digits.get_config())
    assert strategy.num_replicas_in_sync == 1
    assert (workdir, on_nonfinite) == ("runs/x", "skip")


# Timing.


def test_functions_are_timed_in_turn_after_one_run_that_does_not_count():
    calls = []
    found = timing.time_in_turn(
        {name: lambda name=name: calls.append(name) for name in "ab"}, runs=3
    )
    assert calls == list("abababab")
    assert all(found[name].runs == 3 and found[name].seconds >= 0 for name in "ab")


def test_what_takes_long_is_not_run_again(monkeypatch):
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))
    found = timing.time_in_turn({"a": lambda: None}, runs=9, most_seconds=25)
    assert found == {"a": (10, 3)}
