"""What the numbers that a model gives for one pixel mean."""

from collections.abc import Mapping
from typing import Any

from keras_pixelcnn.likelihoods.categorical import Categorical
from keras_pixelcnn.likelihoods.logistic_mixture import LogisticMixture
from keras_pixelcnn.likelihoods.pixel_likelihood import PixelLikelihood

_LIKELIHOODS = {
    likelihood.name: likelihood for likelihood in (Categorical, LogisticMixture)
}


def get(
    identifier: str | Mapping[str, Any], num_levels: int, channels: int = 1
) -> PixelLikelihood:
    """The likelihood of that name.

    Args:
        identifier: "categorical" or "logistic_mixture"; or a dict with the name as
            "name" and the likelihood's own arguments, such as {"name":
            "logistic_mixture", "num_mixtures": 5}.
        num_levels: number of values of a pixel's channel.
        channels: channels of a pixel. Default 1.

    Raises:
        ValueError: when there is none of that name, or it cannot be so.
    """
    arguments = {}
    name = identifier
    if isinstance(identifier, Mapping):
        arguments = dict(identifier)
        name = arguments.pop("name", None)
    if not isinstance(name, str) or name not in _LIKELIHOODS:
        raise ValueError(
            f"likelihood must be one of {sorted(_LIKELIHOODS)}, or a dict with one of "
            f"them as its name. Received: likelihood={identifier!r}"
        )
    try:
        return _LIKELIHOODS[name](num_levels, channels, **arguments)
    except TypeError as error:
        raise ValueError(
            f"likelihood {name!r} has no such arguments. "
            f"Received: likelihood={identifier!r}"
        ) from error


__all__ = ["Categorical", "LogisticMixture", "PixelLikelihood", "get"]
