"""Tensors of gRPC messages to arrays and back."""

from collections.abc import Mapping
from typing import Any

import grpc
import numpy as np
import tensorflow as tf

from savedmodels.server.errors import ServingError, invalid
from savedmodels.server.saved_model import Arrays, ServedSignature, num_bytes


def arrays_of(
    protos: Mapping[str, Any], signature: ServedSignature, most_bytes: int
) -> Arrays:
    """The inputs of a request, checked by what the signature takes.

    Shapes are checked first: a few bytes can claim a shape of any size.

    Args:
        protos: TensorProto messages by name.
        signature: the signature that is asked for.
        most_bytes: what an input may take in memory.

    Raises:
        ServingError: INVALID_ARGUMENT, or RESOURCE_EXHAUSTED above `most_bytes`.
    """
    signature.check_names(list(protos))
    return {
        name: _to_array(name, proto, signature, most_bytes)
        for name, proto in protos.items()
    }


def fill_proto(proto: Any, array: np.ndarray) -> None:
    """Writes an array into an empty TensorProto."""
    if array.dtype == object:
        proto.CopyFrom(tf.make_tensor_proto(array))
        return
    # What `make_tensor_proto` does in a third of its time, as it takes anything.
    proto.dtype = tf.as_dtype(array.dtype).as_datatype_enum
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    proto.tensor_content = array.tobytes()


def _to_array(
    name: str, proto: Any, signature: ServedSignature, most_bytes: int
) -> Any:
    shape = [dim.size for dim in proto.tensor_shape.dim]
    if proto.tensor_shape.unknown_rank or min(shape, default=0) < 0:
        raise invalid(f"{name} must have a known shape. Received: {shape or 'none'}")
    try:
        dtype = tf.as_dtype(proto.dtype)
    except TypeError:
        raise invalid(
            f"{name} must be of a known type. Received: number {proto.dtype}"
        ) from None
    signature.check_type(name, dtype, shape)
    size = num_bytes(signature.inputs[name], shape)
    if size > most_bytes:
        raise ServingError(
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            f"{name} must not take more than {most_bytes} bytes. Received: {size}",
        )
    try:
        return tf.make_ndarray(proto)
    except (TypeError, ValueError) as error:
        raise invalid(
            f"{name} must hold as many values as its shape {tuple(shape)} tells. "
            f"Received: {error}"
        ) from None
