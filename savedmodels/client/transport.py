"""Transport: what REST and gRPC are to the client."""

import abc
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from savedmodels.tensor_spec import TensorSpec


class ModelSpec(NamedTuple):
    """The model that is asked for: its name, and at most one of the other two."""

    name: str
    version: int | None = None
    version_label: str | None = None

    def __str__(self) -> str:
        if self.version is not None:
            return f"version {self.version} of model {self.name!r}"
        if self.version_label is not None:
            return f"version {self.version_label!r} of model {self.name!r}"
        return f"model {self.name!r}"


class Transport(abc.ABC):
    """Sends one request at a time; all methods may be called from several threads.

    Each takes the seconds that it has, and raises the errors of
    `savedmodels.client.errors`.

    Args:
        address: of the server.
        model: which model.
    """

    def __init__(self, address: str, model: ModelSpec) -> None:
        self.address = address.rstrip("/")
        self.model = model

    def where(self, what: str = "") -> str:
        """Says where something happened: what of the model, and at which address."""
        place = f"{self.model} at {self.address}"
        return f"{what} of {place}" if what else place

    @abc.abstractmethod
    def model_metadata(self, seconds: float) -> dict[str, Any]:
        """Asks for the model's signatures, as `parse_signatures` reads them."""

    @abc.abstractmethod
    def model_status(self, seconds: float) -> dict[str, Any]:
        """Asks for the states of the model's versions, as `parse_status` reads them."""

    @abc.abstractmethod
    def predict(
        self,
        signature: str,
        inputs: Mapping[str, np.ndarray],
        outputs: Mapping[str, TensorSpec],
        seconds: float,
    ) -> dict[str, np.ndarray]:
        """Runs a signature.

        Args:
            signature: its name.
            inputs: arrays (n, ...) of the signature's types; strings are objects.
            outputs: what the signature gives.
            seconds: how long it may take.

        Returns:
            Arrays (n, ...) of the types that `outputs` says; strings are bytes.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Closes what is open."""


def missing_library(error: ModuleNotFoundError) -> ModuleNotFoundError:
    """Makes the error for a library that only some clients need."""
    return ModuleNotFoundError(
        f"The client needs {error.name}, which is not installed. Run: pip install "
        '"keras-pixelcnn[serving]"',
        name=error.name,
    )
