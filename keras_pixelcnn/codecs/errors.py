"""What a stream that cannot be decoded is told by."""


class CodecError(ValueError):
    """A stream that cannot be decoded here, or images that cannot be coded."""


class DamagedStreamError(CodecError):
    """A stream that was changed or cut, or which is none."""


class WrongModelError(CodecError):
    """A stream of another model, of other weights, or of other conditions."""


class NumericsError(CodecError):
    """A stream whose probabilities come out otherwise on this machine or build."""
