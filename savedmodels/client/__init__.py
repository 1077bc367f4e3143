"""A client of served models: REST and gRPC by the same calls, NumPy in and out."""

from savedmodels.client.client import Classification, Client
from savedmodels.client.errors import (
    ClientError,
    DeadlineExceededError,
    InvalidRequestError,
    NotFoundError,
    RequestTooLargeError,
    ServerError,
    UnavailableError,
)
from savedmodels.client.retries import RetryPolicy
from savedmodels.client.tensor_specs import VersionStatus

__all__ = [
    "Classification",
    "Client",
    "ClientError",
    "DeadlineExceededError",
    "InvalidRequestError",
    "NotFoundError",
    "RequestTooLargeError",
    "RetryPolicy",
    "ServerError",
    "UnavailableError",
    "VersionStatus",
]
