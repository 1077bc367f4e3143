"""Which models to serve, and which of their versions."""

import dataclasses
import os
import pathlib
from collections.abc import Collection, Mapping
from typing import Any

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

_LARGEST_VERSION = 2**63 - 1
"""The messages of both protocols carry no larger number."""


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """A model to serve.

    Attributes:
        base_path: the folder that holds the versions, `<base_path>/<integer>/`.
        latest: how many of the latest versions are served; None for all.
        specific: the versions that are served, whatever their age; empty for `latest`.
        version_labels: versions by label, such as {"stable": 3, "canary": 4}.
    """

    base_path: str | os.PathLike[str]
    latest: int | None = 1
    specific: tuple[int, ...] = ()
    version_labels: Mapping[str, int] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if not pathlib.Path(self.base_path).is_dir():
            raise ValueError(
                "The base path must be a folder that holds versions, "
                f"<base>/<integer>/. Make it first. Received: {self.base_path}"
            )

    def versions(self) -> dict[int, pathlib.Path]:
        """The folders of all versions there are, by number; others are passed over."""
        return {
            int(path.name): path
            for path in pathlib.Path(self.base_path).iterdir()
            if _is_version(path.name) and path.is_dir()
        }

    def chosen(self, versions: Collection[int]) -> list[int]:
        """Those of the versions that shall be served, rising."""
        if self.specific:
            return sorted(set(self.specific) & set(versions))
        return sorted(versions)[-self.latest if self.latest else 0 :]


def _is_version(name: str) -> bool:
    is_number = name.isascii() and name.isdecimal()
    return is_number and int(name) <= _LARGEST_VERSION


def read_model_configs(path: str | os.PathLike[str]) -> dict[str, ModelConfig]:
    """Reads a text file of the message ModelServerConfig.

    Raises:
        ValueError: when the file cannot be read or is no such text, or a model cannot
            be served.
    """
    config = model_server_config_pb2.ModelServerConfig()
    try:
        text_format.Parse(pathlib.Path(path).read_text(encoding="utf-8"), config)
    except (text_format.ParseError, UnicodeDecodeError, OSError) as error:
        raise ValueError(
            f"{path} must be a text file of TensorFlow Serving's ModelServerConfig. "
            f"Received: {error}"
        ) from error
    return model_configs(config)


def model_configs(
    config: model_server_config_pb2.ModelServerConfig,
) -> dict[str, ModelConfig]:
    """The models of a message, by name.

    Raises:
        ValueError: when a name is missing, impossible or given twice, there is no
            folder at a base path, or the config is not a list of models.
    """
    if config.WhichOneof("config") == "custom_model_config":
        raise ValueError(
            "The models must be a model_config_list. Received: custom_model_config"
        )
    models = {}
    for model in config.model_config_list.config:
        check_name(model.name)
        if model.name in models:
            raise ValueError(
                f"Each model must be configured once. Received: {model.name} twice"
            )
        models[model.name] = ModelConfig(
            model.base_path,
            version_labels=dict(model.version_labels),
            **_policy(model.model_version_policy),
        )
    return models


def _policy(policy: Any) -> dict[str, Any]:
    choice = policy.WhichOneof("policy_choice")
    if choice == "all":
        return {"latest": None}
    if choice == "specific":
        if not policy.specific.versions:
            raise ValueError("specific must name versions. Received: none")
        return {"specific": tuple(policy.specific.versions)}
    return {"latest": policy.latest.num_versions or 1}


def check_name(name: str) -> None:
    """Raises a ValueError when a model's name does not fit in a path."""
    if not name or set(name) & set("/:?#%"):
        raise ValueError(
            "A model's name must be at least one character, none of them of /:?#%. "
            f"Received: {name!r}"
        )
