"""Estimates the memory of a training step from its graph; nothing is computed."""

import collections
import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

import keras_pixelcnn as kp
from trainers.runs import model_classes

MEASURED_RATIO = 1.25
"""Memory that each image takes, divided by what the tensors of the graph take.

Measured on a CPU as peaks of fresh processes that train (see `benchmarks.peak_memory`),
batch 64 less batch 1 for 28x28x1 and 32x32x3 models of 8 to 32 blocks and 32 to 60
filters, batch 6 less batch 1 for 20 blocks of 384 filters: 1.15 to 1.30, and with
gradient checkpointing 1.08 to 1.40. In 16 bits and on accelerators it was not measured.
"""

_ALIASES = {
    "EnsureShape",
    "ExpandDims",
    "Identity",
    "IdentityN",
    "PreventGradient",
    "Reshape",
    "Squeeze",
    "StopGradient",
}
"""Operations whose outputs are their inputs, by another name or of another shape."""

_LOOPS = {"StatelessWhile", "While"}
"""Operations that hold what a graph does not show."""

_BATCH_SIZES = (509, 499, 251, 241, 127, 113, 61, 53, 31, 29, 13, 11)
"""Primes, so that the sizes of tensors tell whether the batch is in them."""


class SymbolicModel(NamedTuple):
    """The sizes of a model whose weights are not made.

    Attributes:
        num_parameters: trainable numbers.
        flops: floating point operations of a pass over one image.
        example_bytes: what each image of a batch takes in a training step.
    """

    num_parameters: int
    flops: int
    example_bytes: int


def describe(
    image_shape: tuple[int, int, int],
    num_levels: int,
    model_class: str = model_classes.DEFAULT,
    **arguments: Any,
) -> SymbolicModel:
    """Wires a model and its gradients as a graph, and reads it.

    Neither weights nor features are allocated, however large the model is.

    Args:
        image_shape: (height, width, channels).
        num_levels: levels of a pixel's channel.
        model_class: of `trainers.runs.model_classes.NAMES`. Default: GatedPixelCNN.
        **arguments: further ones of that class.

    Raises:
        ValueError: when the model's arguments are wrong, its images too large for a
            graph with a batch, or its memory or arithmetic cannot be told.
    """
    with tf.Graph().as_default() as graph:
        model = model_classes.find(model_class)(image_shape, num_levels, **arguments)
        try:
            flops = model.flops()
        except NotImplementedError as error:
            raise ValueError(f"The arithmetic cannot be told: {error}") from error
        weights = [variable.value for variable in model.trainable_variables]
        batch_size = _batch_size(model, weights)
        inputs = {
            name: tf.raw_ops.Placeholder(
                dtype=tensor.dtype, shape=[batch_size, *tensor.shape[1:]]
            )
            for name, tensor in model.input.items()
        }
        with tf.GradientTape() as tape:
            parameters = model(inputs, training=True)
            nats = model.pixel_likelihood.image_log_prob(parameters, inputs["image"])
            loss = -tf.reduce_mean(nats)
        gradients = [g for g in tape.gradient(loss, weights) if g is not None]
    operations = graph.get_operations()
    if any(operation.type in _LOOPS for operation in operations):
        raise ValueError(
            "Memory is read from the graph of a training step, which does not show "
            "what loops keep for their gradients. "
            f"Received: {model_class}, which trains by a loop."
        )
    return SymbolicModel(
        sum(math.prod(weight.shape) for weight in weights),
        flops,
        _example_bytes(operations, gradients, batch_size),
    )


def _batch_size(
    model: kp.AutoregressiveImageModel, weights: Iterable[tf.Variable]
) -> int:
    """Returns a prime in no weight's size that gives no tensor 2**31 numbers."""
    sizes = {size for weight in weights for size in weight.shape}
    sizes |= {*model.image_shape, model.num_levels}
    largest = np.iinfo(np.int32).max // (model.num_dims * model.num_levels)
    for prime in _BATCH_SIZES:
        if prime <= largest and all(size % prime for size in sizes):
            return prime
    raise ValueError(
        f"Images of at most {np.iinfo(np.int32).max // _BATCH_SIZES[-1]:,} dimensions "
        "x levels can be planned. "
        f"Received: image_shape={model.image_shape}, num_levels={model.num_levels}"
    )


def _example_bytes(
    operations: list[tf.Operation], kept: list[tf.Tensor], batch_size: int
) -> int:
    """Returns the most bytes that an image takes in a step, in operations' order.

    That is the order in which they were made: first forward, then gradients as the
    tape goes back. A runtime that computes whatever is ready keeps to it roughly.
    """
    needed = _ancestors(kept)
    operations = [operation for operation in operations if operation in needed]
    storage = _storage(operations)
    last_use = {}
    for index, operation in enumerate(operations):
        for tensor in (*operation.outputs, *operation.inputs):
            last_use[storage[tensor.ref()]] = index
    unused_after = collections.defaultdict(list)
    for tensor, index in last_use.items():
        unused_after[index].append(tensor.deref())
    in_use = most = 0
    for index, operation in enumerate(operations):
        for tensor in operation.outputs:
            if storage[tensor.ref()] == tensor.ref():
                in_use += _bytes(tensor, batch_size)
        most = max(most, in_use)
        in_use -= sum(_bytes(tensor, batch_size) for tensor in unused_after[index])
    return round(MEASURED_RATIO * most)


def _ancestors(tensors: Iterable[tf.Tensor]) -> set[tf.Operation]:
    """Returns the operations that tensors are computed by."""
    found, waiting = set(), [tensor.op for tensor in tensors]
    while waiting:
        operation = waiting.pop()
        if operation not in found:
            found.add(operation)
            waiting += [tensor.op for tensor in operation.inputs]
            waiting += operation.control_inputs
    return found


def _storage(operations: list[tf.Operation]) -> Mapping[Any, Any]:
    """Returns for each tensor the one in whose memory it lies, as references."""
    storage = {}
    for operation in operations:
        for index, output in enumerate(operation.outputs):
            own = output.ref()
            if operation.type in _ALIASES:
                own = storage[operation.inputs[index].ref()]
            storage[output.ref()] = own
    return storage


def _bytes(tensor: tf.Tensor, batch_size: int) -> int:
    """Bytes that each image has in a tensor; 0 for those that the batch is not in."""
    if tensor.dtype in (tf.resource, tf.variant):
        return 0
    count = tensor.shape.num_elements()
    if count is None or count % batch_size:
        return 0
    return count // batch_size * tensor.dtype.size
