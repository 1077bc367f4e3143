"""Runs a program: flags, and errors in one line."""

import functools
import sys
from collections.abc import Callable
from typing import NoReturn

from absl import app, flags, logging

_EXTRAS = {
    "codecs": {"constriction", "pillow_jxl"},
    "report": {"jinja2", "matplotlib"},
    "serving": {
        *("aiohttp", "grpc", "orjson", "requests", "tenacity"),
        *("tensorflow_serving", "urllib3"),
    },
}
"""Modules that extras of this package bring along."""


class FlagDefiner:
    """Defines flags as `flags.DEFINE_string` and its kin do, all among the same ones.

    Args:
        flag_values: to add to.
    """

    def __init__(self, flag_values: flags.FlagValues) -> None:
        among = {"flag_values": flag_values}
        self.bool = functools.partial(flags.DEFINE_bool, **among)
        self.check = functools.partial(flags.register_validator, **among)
        self.check_together = functools.partial(
            flags.register_multi_flags_validator, **among
        )
        self.count = functools.partial(flags.DEFINE_integer, lower_bound=1, **among)
        self.enum = functools.partial(flags.DEFINE_enum, **among)
        self.float = functools.partial(flags.DEFINE_float, **among)
        self.integer = functools.partial(flags.DEFINE_integer, **among)
        self.list = functools.partial(flags.DEFINE_list, **among)
        self.multi_string = functools.partial(flags.DEFINE_multi_string, **among)
        self.string = functools.partial(flags.DEFINE_string, **among)
        self.required = functools.partial(flags.mark_flags_as_required, **among)


def run(
    main: Callable[..., None],
    define_flags: Callable[[flags.FlagValues], None],
    takes_arguments: bool = False,
) -> NoReturn:
    """Runs a program: flags first, then `main`.

    An error of the user's (a wrong value, a missing file) ends the program with one
    line and exit code 1; `--verbosity=1` shows where it was raised.

    Args:
        main: the program, called with the parsed flags, and with a list of the
            arguments that are no flags if it takes any. What it needs it imports
            itself, so that a mistyped flag is told before all else loads.
        define_flags: adds the program's flags to those it is given. Flags are not
            defined on import, so that programs can be imported side by side.
        takes_arguments: whether others than flags are expected. Default False.
    """
    others = set(flags.FLAGS)
    define_flags(flags.FLAGS)
    for name in set(flags.FLAGS) - others:
        # absl's --help shows those alone which the started module defines itself.
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flags.FLAGS[name])
    app.run(lambda argv: _call(main, argv, takes_arguments), flags_parser=_parse_flags)


def _parse_flags(argv: list[str]) -> list[str]:
    # absl tells of its own errors in one line, but not of those of ml_collections.
    try:
        return app.parse_flags_with_usage(argv)
    except SystemExit:
        # absl takes a question for an error.
        if {word.lstrip("-") for word in argv[1:]} & {"help", "helpshort", "helpfull"}:
            sys.exit(0)
        raise
    except (AttributeError, LookupError) as error:
        _fail(f"The config has no such field: {_innermost(error)}")
    except OSError as error:
        _fail(str(error))


def missing_extra(error: Exception) -> str | None:
    """Names the extra of this package whose absence an error is of, if it is."""
    if not isinstance(error, ModuleNotFoundError) or error.name is None:
        return None
    module = error.name.partition(".")[0]
    for extra, modules in _EXTRAS.items():
        if module in modules:
            return (
                f"This needs the package {module}, which is not installed. "
                f'Run: pip install "keras-pixelcnn[{extra}]"'
            )
    return None


def _innermost(error: BaseException) -> str:
    """Returns the message of an error that wraps another, without the outer quotes."""
    words = error
    while isinstance(words, BaseException) and words.args:
        words = words.args[0]
    return str(words)


def _fail(message: str) -> NoReturn:
    logging.debug("Raised here:", exc_info=True)
    sys.exit(f"error: {' '.join(message.split())}")


def _call(main: Callable[..., None], argv: list[str], takes_arguments: bool) -> None:
    if len(argv) > 1 and not takes_arguments:
        raise app.UsageError(f"Only flags are expected. Received: {' '.join(argv[1:])}")
    from keras_pixelcnn.callbacks import NonFiniteLossError
    from keras_pixelcnn.datasets import DatasetUnavailableError

    if not flags.FLAGS["verbosity"].present:
        # TensorFlow lowers absl's threshold, and then tells of each file it writes.
        logging.set_verbosity(logging.WARNING)
    expected = (
        ValueError,
        OSError,
        ImportError,  # what an extra would have installed
        DatasetUnavailableError,
        NonFiniteLossError,
    )
    try:
        main(flags.FLAGS, *([argv[1:]] if takes_arguments else []))
    except expected as error:
        _fail(missing_extra(error) or str(error))
    except KeyboardInterrupt:
        sys.exit(130)  # as a shell tells Ctrl-C, and without a traceback
