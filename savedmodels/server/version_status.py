"""What became of each version, and the message that tells of it."""

import dataclasses
from collections.abc import Sequence

import grpc
from tensorflow_serving.apis import get_model_status_pb2

from savedmodels.server.errors import ServingError, serving_error

State = get_model_status_pb2.ModelVersionStatus.State
"""START, LOADING, AVAILABLE, UNLOADING and END."""


@dataclasses.dataclass(frozen=True)
class VersionStatus:
    """What became of a version.

    Attributes:
        version: its number.
        state: one of `State`.
        error: why it is not served; None where nothing went wrong.
    """

    version: int
    state: int
    error: ServingError | None = None


def load_error(error: Exception) -> ServingError:
    """What a status tells of an error that kept a version from being loaded."""
    if isinstance(error, ValueError | OSError):
        return ServingError(grpc.StatusCode.FAILED_PRECONDITION, str(error))
    return serving_error(error)


def status_response(
    name: str, statuses: Sequence[VersionStatus]
) -> get_model_status_pb2.GetModelStatusResponse:
    """The message of the states of a model's versions.

    Raises:
        ServingError: NOT_FOUND when there is none.
    """
    if not statuses:
        raise ServingError(
            grpc.StatusCode.NOT_FOUND, f"Could not find such versions of model {name}"
        )
    response = get_model_status_pb2.GetModelStatusResponse()
    for status in statuses:
        message = response.model_version_status.add(
            version=status.version, state=status.state
        )
        # Written even where nothing went wrong, when both fields are empty.
        message.status.SetInParent()
        if status.error is not None:
            message.status.error_code = status.error.code.value[0]
            message.status.error_message = status.error.message
    return response
