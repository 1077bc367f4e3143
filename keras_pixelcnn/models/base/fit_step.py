"""The parts of every step of `fit`: gradients, means and updates, on any devices.

On one device they are TensorFlow's own. On several Keras would clip each replica's
gradient by itself, before they are summed, and weigh the examples of an uneven last
batch by how they happen to be dealt out. The functions here sum first and count every
example alike, so that a step is that of a single device; and they refuse what does not
work on several.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

_LOOP = (
    "Use the training loop of the package: python -m trainers.train, or "
    "keras_pixelcnn.training.TrainingLoop."
)


def check_compile(model: keras.Model, arguments: Mapping[str, Any]) -> None:
    """Refuses arguments of `compile` that do not work under the model's strategy.

    Args:
        model: to be compiled.
        arguments: of `compile`.

    Raises:
        ValueError: when something does not work under the model's strategy.
    """
    strategy = model.distribute_strategy
    _check_scope(model)
    if tf.distribute.get_strategy() is not strategy:
        raise ValueError(
            "compile must be called inside the strategy.scope() that the model was "
            f"made in. Received: a model made under {_name(strategy)}, compiled "
            "outside of it"
        )
    optimizer = arguments.get("optimizer")
    if isinstance(optimizer, keras.optimizers.Optimizer):
        counter = _inner(optimizer).variables[0].value
        if not strategy.extended.variable_created_in_scope(counter):
            raise ValueError(
                "The optimizer must be made inside strategy.scope(), as the model: its "
                "variables must lie on the same devices."
            )
    if strategy.num_replicas_in_sync == 1:
        return
    if arguments.get("jit_compile") is True:
        raise ValueError(
            "jit_compile=True does not work on several devices: TensorFlow cannot "
            "compile the sum over them by XLA. Leave it out."
        )
    if arguments.get("steps_per_execution", 1) != 1:
        raise ValueError(
            "steps_per_execution must be 1 on several devices: Keras's loop of steps "
            "cannot read batches that are dealt out to devices. "
            f"Received: steps_per_execution={arguments['steps_per_execution']}"
        )
    optimizer = _inner(optimizer)
    if getattr(optimizer, "gradient_accumulation_steps", None):
        raise ValueError(
            "gradient_accumulation_steps of an optimizer does not work on several "
            f"devices: Keras cannot sum inside of a condition. {_LOOP} It has "
            "gradient_accumulation_steps of its own. Received: "
            f"gradient_accumulation_steps={optimizer.gradient_accumulation_steps}"
        )
    if getattr(optimizer, "ema_overwrite_frequency", None):
        raise ValueError(
            "ema_overwrite_frequency of an optimizer does not work on several devices: "
            "Keras cannot write weights inside of a condition. Leave it out, and use "
            "keras.callbacks.SwapEMAWeights. Received: "
            f"ema_overwrite_frequency={optimizer.ema_overwrite_frequency}"
        )


def _check_scope(model: keras.Model) -> None:
    """Checks that the current strategy is the one that the model was made under."""
    here, home = tf.distribute.get_strategy(), model.distribute_strategy
    is_home = home is here or not tf.distribute.has_strategy()
    made_here = all(
        home.extended.variable_created_in_scope(weight.value)
        for weight in model.weights[:1]
    )
    if not (is_home and made_here):
        raise ValueError(
            "The model must be made, compiled and trained under the same strategy: "
            "make and compile it inside one strategy.scope(). Received: a model made "
            f"under {_name(home) if made_here else 'another strategy'}, here under "
            f"{_name(here)}"
        )


def check_fit(model: keras.Model) -> None:
    """Refuses strategies under which Keras's loops do not work.

    Args:
        model: to be trained or evaluated.

    Raises:
        ValueError: when `fit` and `evaluate` do not work under its strategy, or are
            called inside of another.
    """
    strategy = model.distribute_strategy
    if isinstance(strategy, tf.distribute.ParameterServerStrategy):
        raise ValueError(
            "Keras 3 does not train under ParameterServerStrategy. Use "
            "MirroredStrategy for the devices of one machine, and for several "
            f"machines MultiWorkerMirroredStrategy. {_LOOP}"
        )
    if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        raise ValueError(
            "Keras 3's fit and evaluate do not work under MultiWorkerMirroredStrategy "
            f"(keras issue 20585). {_LOOP} It does."
        )
    _check_scope(model)


def _name(strategy: tf.distribute.Strategy) -> str:
    return type(strategy).__name__.lstrip("_")


def _inner(optimizer: Any) -> Any:
    return getattr(optimizer, "inner_optimizer", optimizer)


# The steps, called on each replica.


def is_on_replicas() -> bool:
    """Returns whether several replicas take the step together."""
    return tf.distribute.get_strategy().num_replicas_in_sync > 1


def global_count(image: tf.Tensor, weight: tf.Tensor | None) -> tf.Tensor:
    """Counts the images of all replicas: a float32 scalar.

    Args:
        image: this replica's, (n, ...).
        weight: how much each counts, (n,). Default: 1.
    """
    count = tf.cast(tf.shape(image)[0], tf.float32)
    if weight is not None:
        count = tf.reduce_sum(weight)
    replica = tf.distribute.get_replica_context()
    if replica is None or not is_on_replicas():
        return count
    return replica.all_reduce("SUM", count)


def global_mean(values: tf.Tensor, weight: tf.Tensor | None = None) -> tf.Tensor:
    """Computes this replica's part of the mean over all replicas' values.

    Args:
        values: (n,), n of each replica its own.
        weight: how much each counts, (n,). Default: 1.

    Returns:
        A scalar; summed over the replicas it is the mean.
    """
    if weight is None and not is_on_replicas():
        return tf.reduce_mean(values)
    total = tf.reduce_sum(values if weight is None else values * weight)
    return total / tf.cast(global_count(values, weight), total.dtype)


def gradients_of(
    function: Callable[[], tuple[tf.Tensor, Any]], variables: Sequence[Any]
) -> tuple[list[tf.Tensor], Any]:
    """Computes the gradients of a loss.

    Args:
        function: runs the forward pass; gives the loss, and anything.
        variables: Keras's, of which each gets a gradient, of zeros where the loss does
            not depend on it.

    Returns:
        The gradients, and what the function gave beside the loss.
    """
    with tf.GradientTape() as tape:
        loss, beside = function()
    gradients = tape.gradient(
        loss,
        [variable.value for variable in variables],
        unconnected_gradients=tf.UnconnectedGradients.ZERO,
    )
    return gradients, beside


def apply_gradients(
    optimizer: keras.optimizers.Optimizer, gradients: list[Any], variables: list[Any]
) -> None:
    """Sums over the replicas, then clips as the optimizer says, then applies.

    Args:
        optimizer: whose own clipping, of each replica's part, then changes nothing.
        gradients: of the replica's part of the loss, scaled as the optimizer scales.
        variables: what they are the gradients of.
    """
    if is_on_replicas():
        replica = tf.distribute.get_replica_context()
        gradients = replica.all_reduce("SUM", gradients)
        scale = optimizer.scale_loss(tf.ones([]))
        gradients = [each / tf.cast(scale, each.dtype) for each in gradients]
        own = _inner(optimizer)
        if own.clipnorm:
            gradients = [tf.clip_by_norm(each, own.clipnorm) for each in gradients]
        elif own.global_clipnorm:
            gradients, _ = tf.clip_by_global_norm(gradients, own.global_clipnorm)
        elif own.clipvalue:
            most = own.clipvalue
            gradients = [tf.clip_by_value(each, -most, most) for each in gradients]
        # Keras sums once more: each replica gives its share.
        share = scale / replica.num_replicas_in_sync
        gradients = [each * tf.cast(share, each.dtype) for each in gradients]
    optimizer.apply_gradients(zip(gradients, variables, strict=True))
