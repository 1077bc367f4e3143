"""PNG files made part by part, of any kind and however damaged."""

import struct
import zlib

START = b"\x89PNG\r\n\x1a\n"


def chunk(kind, data):
    """One part of a file, with its length and its checksum."""
    checksum = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + checksum


def png_file(height, width, depth, color, data, extra=b""):
    """A file of this size, bits and colour type, around data that is compressed."""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + extra + chunk(b"IDAT", data)
    return START + chunks + chunk(b"IEND", b"")
