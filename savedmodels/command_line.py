"""What the programs of this package share: flags, and errors in one line."""

import sys
from collections.abc import Callable
from typing import NoReturn

from absl import app, flags, logging


def run(
    main: Callable[[flags.FlagValues], None],
    define_flags: Callable[[flags.FlagValues], None],
) -> NoReturn:
    """Runs a program.

    A wrong value or a missing file ends it with one line and exit code 1;
    `--verbosity=1` shows where it was raised.

    Args:
        main: the program, called with the parsed flags.
        define_flags: adds the program's flags to those it is given. They are not
            defined on import, so that programs can be imported side by side.
    """

    def call(argv: list[str]) -> None:
        if len(argv) > 1:
            words = " ".join(argv[1:])
            raise app.UsageError(f"Only flags are expected. Received: {words}")
        if not flags.FLAGS["verbosity"].present:
            # TensorFlow lowers absl's threshold, and then reports each file it writes.
            logging.set_verbosity(logging.WARNING)
        try:
            main(flags.FLAGS)
        except (ValueError, OSError, ImportError) as error:
            logging.debug("Raised here:", exc_info=True)
            sys.exit(f"error: {' '.join(str(error).split())}")

    define_flags(flags.FLAGS)
    app.run(call, flags_parser=app.parse_flags_with_usage)
