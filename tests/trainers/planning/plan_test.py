"""Tests of planning: what a run takes, told without running it."""

import dataclasses
import math
import pathlib
import re

import pytest
import tensorflow as tf
from absl import flags

import keras_pixelcnn as kp
from tests.trainers.tiny_run import call
from trainers import plan
from trainers.configs import cifar10, digits, digits_conditional, imagenet64
from trainers.planning import planning
from trainers.planning.planned_data import image_format, num_steps
from trainers.planning.planning import USABLE_SHARE, Device, make_plan
from trainers.planning.training_memory import MEASURED_RATIO, describe
from trainers.runs import model_classes

GIB = 2**30
TINY = {"filters": 8, "num_blocks": 2, "kernel_size": 3}


@pytest.fixture(scope="module")
def digits_plan():
    config = digits.get_config()
    config.model.num_blocks = 2
    return make_plan(config)


def device(**fields):
    return Device(**{"memory_bytes": GIB, "flops": 1e12, "share": 0.5} | fields)


# What a model takes.


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"num_classes": 10, "condition_dropout": 0.1, "dropout_rate": 0.5},
        {"spatial_shape": (4, 4, 2), "embedding_dim": 5},
        {"gradient_checkpointing": True, "dropout_rate": 0.5},
        {"dtype": "mixed_bfloat16", "head_filters": 12},
        {"model_class": "PixelCNNPlusPlus", "num_blocks": 1, "num_resolutions": 2},
    ],
)
def test_a_symbolic_model_is_counted_as_the_real_one(arguments):
    arguments = {**TINY, **arguments}
    if "model_class" in arguments:
        del arguments["kernel_size"]
    told = describe((8, 6, 1), 17, **arguments)
    name = arguments.pop("model_class", model_classes.DEFAULT)
    model = model_classes.find(name)((8, 6, 1), 17, **arguments)
    assert told.num_parameters == sum(
        math.prod(w.shape) for w in model.trainable_weights
    )
    assert told.flops == model.flops()


def test_no_weights_are_made():
    # 700 GB of weights: who allocates them cannot go on.
    told = describe((8, 8, 1), 4, filters=1000, num_blocks=3, kernel_size=301)
    assert told.num_parameters > 1.75e11


def test_memory_grows_with_depth_and_hardly_so_with_checkpointing():
    def grown(**arguments):
        shallow, deep = (
            describe((8, 8, 1), 4, filters=16, num_blocks=n, **arguments).example_bytes
            for n in (4, 8)
        )
        return (deep - shallow) / 4

    features = 8 * 8 * 16 * 4 * MEASURED_RATIO
    # Inputs of both stacks, the link, both gates' halves and what they let through.
    kept = grown()
    assert 8 * features <= kept <= 12 * features
    assert 2 * features <= grown(gradient_checkpointing=True) <= 4 * features
    assert grown(dtype="mixed_bfloat16") == pytest.approx(kept / 2, rel=0.1)


@pytest.mark.slow
def test_memory_is_what_training_takes():
    from benchmarks.peak_memory import batch_bytes

    model = {"image_shape": (28, 28, 1), "num_levels": 256, "filters": 32}
    model |= {"num_blocks": 4, "kernel_size": 3}
    measured = batch_bytes("train", 17, model, runs=1) / 16
    assert describe(**model).example_bytes == pytest.approx(measured, rel=0.3)


def test_images_too_large_for_a_graph_are_told():
    with pytest.raises(
        ValueError, match=r"dimensions x levels can be planned\. Received"
    ):
        describe((2048, 2048, 3), 256, filters=3, num_blocks=1)


# What a run takes.


def test_the_images_of_a_config_are_known_without_its_data():
    assert image_format(imagenet64.get_config()) == ((64, 64, 3), 256)
    assert image_format(digits.get_config()) == ((8, 8, 1), 17)
    config = cifar10.get_config()
    config.update(color_mode="grayscale", num_levels=None)
    assert image_format(config) == ((32, 32, 1), 256)
    config = imagenet64.get_config()
    config.image_size = None
    with pytest.raises(ValueError, match=r"differ in size.*config\.image_size=None"):
        image_format(config)


def test_steps_are_those_of_the_config_or_of_its_epochs():
    config = cifar10.get_config()
    assert num_steps(config) == 200 * (45_000 // 128)
    config.train_split = "train[:10%]+test"
    assert num_steps(config) == 200 * (15_000 // 128)
    config.steps = 7
    assert num_steps(config) == 7
    assert num_steps(digits.get_config()) == 60 * (1437 // 64)


def test_an_unknown_length_is_told():
    config = cifar10.get_config()
    config.batch_size = 45_001
    with pytest.raises(ValueError, match=r"at most 45000, .* Received: 45001"):
        num_steps(config)
    config.train_split = "training"
    with pytest.raises(ValueError, match=r"train_split must be a split .*'training'"):
        num_steps(config)
    config.dataset = "svhn_cropped"
    with pytest.raises(ValueError, match=r"Set config\.steps, .* Received: .*None"):
        num_steps(config)


def test_the_configured_way_is_among_the_planned(digits_plan):
    names = [variant.name for variant in digits_plan.variants]
    assert names == [
        "float32",
        "float32, checkpointing",
        "mixed_bfloat16",
        "mixed_bfloat16, checkpointing",
    ]
    assert digits_plan.configured.name == "float32"
    config = digits_conditional.get_config().to_dict()
    config["model"] |= {"dtype": "mixed_float16", "gradient_checkpointing": True}
    config["model"] |= {"filters": 4, "num_blocks": 1}
    planned = make_plan(config)
    assert len(planned.variants) == 6
    assert planned.configured.name == "mixed_float16, checkpointing"


def test_weights_count_with_all_that_is_kept_for_them(digits_plan):
    parameters = digits_plan.configured.model.num_parameters
    assert digits_plan.weight_bytes() == 8 * 4 * parameters
    config = digits.get_config()
    config.update(ema_momentum=0.9, gradient_accumulation_steps=2)
    config.model.update(filters=4, num_blocks=1)
    planned = make_plan(config)
    assert sum(planned.numbers_per_weight.values()) == 10
    assert planned.images_at_once(4) == 64 // 2 // 4


def test_the_largest_batch_just_fits(digits_plan):
    for variant in digits_plan.variants:
        largest = digits_plan.largest_batch(variant, device())
        example = variant.model.example_bytes
        taken = digits_plan.weight_bytes() + largest * example
        assert taken <= USABLE_SHARE * GIB < taken + example
    assert digits_plan.largest_batch(variant, device(memory_bytes=1e6)) == 0


def test_hours_are_arithmetic_by_rate(digits_plan):
    plain, checkpointed = digits_plan.variants[:2]
    flops = 60 * 22 * 64 * 3 * plain.model.flops
    hours = digits_plan.hours(plain, device(), 1)
    assert hours == pytest.approx(flops / 0.5e12 / 3600)
    assert digits_plan.hours(plain, device(), 4) == pytest.approx(hours / 4)
    assert digits_plan.hours(checkpointed, device(), 1) == pytest.approx(hours * 4 / 3)
    # Of 64 images over 48 devices some compute two, as over 32.
    assert digits_plan.hours(plain, device(), 48) == pytest.approx(hours / 32)


@pytest.mark.parametrize("speedup", [0.5, 1, 1.9, 2, 7.3, 30, 60, 64])
def test_devices_are_the_fewest_that_are_done_in_time(digits_plan, speedup):
    plain = digits_plan.variants[0]
    wanted = digits_plan.hours(plain, device(), 1) / speedup * 1.000001
    found = digits_plan.devices_for(plain, device(), wanted)
    assert digits_plan.hours(plain, device(), found) <= wanted
    assert found == 1 or digits_plan.hours(plain, device(), found - 1) > wanted


def test_only_devices_are_told_that_training_takes(digits_plan):
    plan = dataclasses.replace(digits_plan, batch_size=66, parts=2)
    plain = plan.variants[0]
    # 4 would be enough, and cannot share 33 images evenly.
    wanted = plan.hours(plain, device(), 1) / 3.5
    assert plan.devices_for(plain, device(), wanted) == 11
    plan.check_divisible(11)
    with pytest.raises(ValueError, match=r"batch_size must be a multiple .* 4 devices"):
        plan.check_divisible(4)


def test_more_devices_than_images_have_nothing_to_do(digits_plan):
    plain = digits_plan.variants[0]
    wanted = digits_plan.hours(plain, device(), 1) / 65
    assert digits_plan.devices_for(plain, device(), wanted) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [("memory_bytes", 0), ("flops", -1), ("share", 1.1), ("share", math.nan)],
)
def test_an_impossible_device_is_told(field, value):
    with pytest.raises(ValueError, match=f"{field} must be .* Received: {field}="):
        device(**{field: value})


# The program.


@pytest.fixture
def printed(capsys, monkeypatch, digits_plan):
    """Runs the program on a plan that is there already; returns its lines."""
    monkeypatch.setattr(planning, "make_plan", lambda config: digits_plan)

    def run(*arguments):
        call(plan, "--config=trainers/configs/digits.py", *arguments)
        return capsys.readouterr().out.splitlines()

    return run


@pytest.mark.filterwarnings("ignore:the load_module.. method is deprecated")
def test_the_table_holds_the_plan(printed, digits_plan):
    lines = printed("--num_devices=2", "--device_memory_gib=1", "--device_share=0.5")
    values = {line[:24].strip(): line[24:].split() for line in lines if line[:24]}
    parameters = digits_plan.configured.model.num_parameters
    assert values["parameters"][:1] == [f"{parameters:,}"]
    assert values["steps"][0] == "1,320"
    assert values["at once"][0] == "32"
    assert values["share of it"] == ["0.50", "of", "that", "rate:", "--device_share"]
    (row,) = [line for line in lines if line.startswith("float32 (the config's)")]
    example = digits_plan.configured.model.example_bytes / 2**20
    assert row.split()[3] == f"{example:,.1f}"


@pytest.mark.filterwarnings("ignore:the load_module.. method is deprecated")
def test_the_share_of_the_rate_is_the_measured_one(printed):
    readme = pathlib.Path(__file__).parents[3] / "benchmarks" / "README.md"
    row = r"^\| 32x32x3 \| train \|.* (\d+)% \|$"
    (percent,) = re.findall(row, readme.read_text(encoding="utf-8"), re.MULTILINE)
    (line,) = [line for line in printed() if line.startswith("share of it")]
    assert line.split()[3] == f"{int(percent) / 100:.2f}"
    assert "benchmarks/README.md, table e" in line


@pytest.mark.filterwarnings("ignore:the load_module.. method is deprecated")
def test_wrong_flags_are_told(printed):
    with pytest.raises(flags.IllegalFlagValueError, match="must be above 0"):
        printed("--hours=0")
    with pytest.raises(ValueError, match="share must be at most 1"):
        printed("--device_share=2")
    with pytest.raises(ValueError, match=r"batch_size=64, 48 devices"):
        printed("--num_devices=48")


def test_planning_leaves_no_graph_behind():
    describe((4, 4, 1), 3, filters=2, num_blocks=1)
    assert tf.executing_eagerly()
    kp.GatedPixelCNN((4, 4, 1), 3, filters=2, num_blocks=1).sample(1, seed=0)
