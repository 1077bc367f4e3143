"""What can go wrong beyond a wrong argument."""


class DatasetUnavailableError(RuntimeError):
    """The dataset is known, but its data is neither here nor to be had."""


class DamagedImageError(ValueError):
    """An image file could not be read."""
