"""Verbs: the methods of models and codecs that users call."""

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import tensorflow as tf

_Method = TypeVar("_Method", bound=Callable[..., Any])


def verb(*also: str) -> Callable[[_Method], _Method]:
    """Marks a method that users call, so that a misspelt keyword is told.

    Python would tell of it only where the method takes no others, and models would take
    it for a condition. AutoGraph leaves such methods as they are: it would convert all
    that they call, for seconds and to no end, in a user's `tf.function`.

    Args:
        *also: keywords that the method takes beside those of its signature. (Those of
            the same method in the classes above are known.) Where it takes any, the
            conditions of `self.conditions` are among them.
    """

    def mark(method: _Method) -> _Method:
        own = frozenset(_parameters(method))

        @functools.wraps(method)
        def marked(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not kwargs.keys() <= own:
                _check_keywords(self, method.__name__, kwargs)
            return method(self, *args, **kwargs)

        marked.also = also  # type: ignore[attr-defined]
        return tf.autograph.experimental.do_not_convert(marked)

    return mark


def near_name(name: str, known: Iterable[str]) -> str:
    """Returns the end of a sentence that suggests what was meant; or nothing."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f". Was {near[0]} meant?" if near else ""


def _check_keywords(owner: Any, name: str, given: Mapping[str, Any]) -> None:
    """Checks that a method takes the keywords that it was given.

    Args:
        owner: whose method it is.
        name: of the method.
        given: by keyword; None says nothing where the method takes conditions.

    Raises:
        ValueError: when it does not.
    """
    own: dict[str, None] = {}
    takes_any = False
    for cls in type(owner).__mro__:
        if method := vars(cls).get(name):
            parameters = inspect.signature(method).parameters.values()
            takes_any |= any(each.kind is each.VAR_KEYWORD for each in parameters)
            own |= dict.fromkeys((*_parameters(method), *getattr(method, "also", ())))
    known = [*own, *(owner.conditions.known_names if takes_any else ())]
    unknown = [
        keyword
        for keyword, value in given.items()
        if keyword not in known and not (takes_any and value is None)
    ]
    if unknown:
        takes = f"{name} takes {', '.join(own)}"
        if takes_any:
            takes = f"The model takes {owner.conditions.words}; {takes} beside them"
        near = near_name(unknown[0], known)
        raise ValueError(f"{takes}. Received: {unknown}{near}")


def _parameters(method: Callable[..., Any]) -> list[str]:
    """Returns the names of what a method takes, without `self` and `**others`."""
    parameters = list(inspect.signature(method).parameters.values())[1:]
    return [each.name for each in parameters if each.kind is not each.VAR_KEYWORD]
