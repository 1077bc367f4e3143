"""Tests of a config's fields."""

import pytest

from trainers.configs import digits
from trainers.runs.config import check_config


def test_the_digits_config_is_right():
    check_config(digits.get_config())


@pytest.mark.parametrize(
    ("argument", "value", "name"),
    [("embedding_dim", 8, "embedding"), ("spatial_shape", (4, 4, 1), "spatial")],
)
def test_conditions_that_no_dataset_holds_are_refused(argument, value, name):
    config = digits.get_config().to_dict()
    config["model"][argument] = None
    check_config(config)
    config["model"].update({argument: value, "condition_dropout": 0.5})
    with pytest.raises(ValueError, match=f'{argument} out.*"{name}".*Received: '):
        check_config(config)


def test_tasks_are_those_that_there_are():
    config = digits.get_config().to_dict()
    check_config({**config, "task": "denoising"})
    with pytest.raises(ValueError, match=r"config\.task must be None or one of"):
        check_config({**config, "task": "sharpening"})
    with pytest.raises(
        ValueError, match=r"mutation_rate is for models of images alone"
    ):
        check_config({**config, "task": "denoising", "mutation_rate": 0.1})


def test_an_unknown_field_is_named():
    config = {**digits.get_config().to_dict(), "learning_rat": 1}
    with pytest.raises(ValueError, match=r"config .*unknown: \['learning_rat'\]"):
        check_config(config)


def test_an_unknown_argument_of_the_model_is_named():
    config = digits.get_config().to_dict()
    config["model"]["filter"] = 8
    with pytest.raises(ValueError, match=r"config\.model .*unknown: \['filter'\]"):
        check_config(config)


def test_a_missing_field_is_named():
    config = digits.get_config().to_dict()
    del config["seed"]
    with pytest.raises(ValueError, match=r"must have the fields \['seed'\]"):
        check_config(config)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch_size", 0),
        ("epochs", 2.5),
        ("learning_rate", -1e-3),
        ("learning_rate", float("nan")),
        ("weight_decay", -1),
        ("warmup_share", 1.0),
        ("ema_momentum", 1.0),
        ("seed", -1),
        ("steps", 0),
        ("clip_norm", 0.0),
        ("optimizer", "sgd"),
        ("decay", "linear"),
        ("decay_factor", 0),
        ("decay_shares", (0.5, 1.0)),
        ("sampling", "fair"),
        ("horizontal_flips", 1),
        ("mutation_rate", 1),
    ],
)
def test_a_value_out_of_range_is_told(name, value):
    config = {**digits.get_config().to_dict(), name: value}
    with pytest.raises(ValueError, match=f"config.{name} must be .* Received: "):
        check_config(config)


def test_fields_that_do_not_go_together_are_told():
    config = digits.get_config().to_dict()
    with pytest.raises(ValueError, match=r"weight_decay is of optimizer .adamw"):
        check_config({**config, "optimizer": "adam", "weight_decay": 0.1})
    with pytest.raises(ValueError, match=r"class_balanced.* needs all labels"):
        check_config({**config, "sampling": "class_balanced", "cache": False})
