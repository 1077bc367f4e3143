"""How much memory Python and NumPy take for a call."""

import tracemalloc


def peak_of(function):
    """The most bytes taken at once beyond those before, while a function runs."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
