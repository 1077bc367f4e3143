"""The parameters of batching, as TensorFlow Serving's text files hold them."""

import dataclasses
import functools
import os
import pathlib
from typing import Any

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)

from savedmodels.publish.batching import check_batch_sizes

_FIELD = descriptor_pb2.FieldDescriptorProto


@dataclasses.dataclass(frozen=True)
class BatchingParameters:
    """How requests are put together.

    Attributes:
        max_batch_size: most rows of a batch, and of one request.
        batch_timeout_micros: microseconds that a batch waits for as many requests as
            the last one had; more after long runs. The first request never waits.
        num_batch_threads: batches that may run side by side, of one version.
        max_enqueued_batches: full batches that may wait, of one signature; what comes
            then is answered with UNAVAILABLE.
        allowed_batch_sizes: sizes to which batches are filled up, rising, the last
            equal to `max_batch_size`. Empty for any size.
    """

    max_batch_size: int = 64
    batch_timeout_micros: int = 2000
    num_batch_threads: int = 2
    max_enqueued_batches: int = 10
    allowed_batch_sizes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for field in ("max_batch_size", "num_batch_threads", "max_enqueued_batches"):
            if getattr(self, field) < 1:
                raise ValueError(
                    f"{field} must be at least 1. Received: {getattr(self, field)}"
                )
        if self.batch_timeout_micros < 0:
            raise ValueError(
                "batch_timeout_micros must be at least 0. "
                f"Received: {self.batch_timeout_micros}"
            )
        if self.allowed_batch_sizes:
            check_batch_sizes(self.allowed_batch_sizes, self.max_batch_size)

    def padded(self, rows: int) -> int:
        """The number of rows to which a batch of `rows` is filled up."""
        return next((size for size in self.allowed_batch_sizes if size >= rows), rows)


def read_batching_parameters(path: str | os.PathLike[str]) -> BatchingParameters:
    """Reads a text file of the message BatchingParameters.

    Fields that are missing have the defaults of the class `BatchingParameters`.

    Raises:
        ValueError: when the file cannot be read or is no such text, or its values are
            impossible.
    """
    message = _message_class()()
    try:
        text_format.Parse(pathlib.Path(path).read_text(encoding="utf-8"), message)
        values = {
            field.name: getattr(message, field.name).value
            for field, _ in message.ListFields()
            if field.message_type is not None
        }
        values["allowed_batch_sizes"] = tuple(message.allowed_batch_sizes)
        known = {field.name for field in dataclasses.fields(BatchingParameters)}
        return BatchingParameters(**{k: v for k, v in values.items() if k in known})
    except (ValueError, OSError) as error:
        raise ValueError(
            f"{path} must be a text file of TensorFlow Serving's BatchingParameters. "
            f"Received: {error}"
        ) from error
    except text_format.ParseError as error:
        raise ValueError(
            f"{path} must be a text file of TensorFlow Serving's BatchingParameters, "
            f'such as "max_batch_size {{ value: 64 }}". Received: {error}'
        ) from error


@functools.cache
def _message_class() -> Any:
    """The message, described here: tensorflow-serving-api does not carry it.

    The text form knows fields by their names only, so that their numbers are free.
    """
    wrapped = {
        "max_batch_size": "Int64Value",
        "batch_timeout_micros": "Int64Value",
        "max_enqueued_batches": "Int64Value",
        "num_batch_threads": "Int64Value",
        "thread_pool_name": "StringValue",
    }
    file = descriptor_pb2.FileDescriptorProto(
        name="keras_pixelcnn/batching_parameters.proto",
        package="keras_pixelcnn",
        syntax="proto3",
        dependency=[wrappers_pb2.DESCRIPTOR.name],
    )
    message = file.message_type.add(name="BatchingParameters")
    for number, (name, kind) in enumerate(wrapped.items(), start=1):
        message.field.add(
            name=name,
            number=number,
            type=_FIELD.TYPE_MESSAGE,
            type_name=f".google.protobuf.{kind}",
            label=_FIELD.LABEL_OPTIONAL,
        )
    message.field.add(
        name="allowed_batch_sizes",
        number=len(wrapped) + 1,
        type=_FIELD.TYPE_INT64,
        label=_FIELD.LABEL_REPEATED,
    )
    message.field.add(
        name="pad_variable_length_inputs",
        number=len(wrapped) + 2,
        type=_FIELD.TYPE_BOOL,
        label=_FIELD.LABEL_OPTIONAL,
    )
    pool = descriptor_pool.Default()
    pool.Add(file)
    return message_factory.GetMessageClass(
        pool.FindMessageTypeByName("keras_pixelcnn.BatchingParameters")
    )
