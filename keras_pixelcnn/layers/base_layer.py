"""BaseLayer: a Keras layer whose config is its constructor's arguments."""

import inspect
from typing import Any

import keras


class BaseLayer(keras.layers.Layer):
    """A layer that keeps each argument of its constructor as the attribute of its name.

    What a layer keeps otherwise, it adds to the config itself.
    """

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        classes = type(self).__mro__
        own = {
            name: getattr(self, name)
            for cls in classes[: classes.index(BaseLayer)]
            if "__init__" in vars(cls)
            for name in inspect.signature(vars(cls)["__init__"]).parameters
            if hasattr(self, name)
        }
        return {**own, **super().get_config()}
