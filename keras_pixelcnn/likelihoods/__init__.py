"""What the numbers that a model gives for one pixel mean."""

from keras_pixelcnn.likelihoods.categorical import Categorical

_LIKELIHOODS = {Categorical.name: Categorical}


def get(name: str, num_levels: int) -> Categorical:
    """The likelihood of that name.

    Args:
        name: "categorical".
        num_levels: number of values of a pixel's channel.

    Raises:
        ValueError: when there is none of that name, or it cannot have those levels.
    """
    if name not in _LIKELIHOODS:
        raise ValueError(
            f"likelihood must be one of {sorted(_LIKELIHOODS)}. "
            f"Received: likelihood={name!r}"
        )
    return _LIKELIHOODS[name](num_levels)


__all__ = ["Categorical", "get"]
