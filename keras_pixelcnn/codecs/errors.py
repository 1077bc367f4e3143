"""Exceptions raised when a stream cannot be decoded."""


class CodecError(ValueError):
    """Raised when a stream cannot be decoded, or images cannot be coded."""


class DamagedStreamError(CodecError):
    """Raised when a stream was changed or cut, or is none."""


class WrongModelError(CodecError):
    """Raised for a stream of another model, other weights or other conditions."""


class NumericsError(CodecError):
    """Raised when probabilities differ on this machine or build."""
