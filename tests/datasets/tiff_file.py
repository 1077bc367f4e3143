"""TIFF files of any kind, which Pillow would not write."""

import struct


def tiff(
    width,
    height,
    values,
    bits,
    photometric,
    samples_per_pixel=1,
    sample_format=1,
    planes=False,
):
    """Returns the bytes of a file, not compressed.

    Args:
        width: of the picture.
        height: of the picture.
        values: bytes of the pixels.
        bits: of each value.
        photometric: 0 where 0 is white, 1 where it is black, 2 for RGB.
        samples_per_pixel: values of a pixel; those beyond grey or RGB mean nothing.
        sample_format: 1 for unsigned integers, 2 for signed ones.
        planes: whether each of a pixel's values has a strip of its own.
    """
    colors = 3 if photometric == 2 else 1
    short, long = 3, 4
    parts = samples_per_pixel if planes else 1
    size = len(values) // parts
    tags = [
        (256, long, [width]),
        (257, long, [height]),
        (258, short, [bits] * samples_per_pixel),
        (259, short, [1]),
        (262, short, [photometric]),
        (273, long, [8 + i * size for i in range(parts)]),
        (277, short, [samples_per_pixel]),
        (278, long, [height]),
        (279, long, [size] * parts),
        (284, short, [2] if planes else []),
        (338, short, [0] * (samples_per_pixel - colors)),
        (339, short, [sample_format] * samples_per_pixel),
    ]
    tags = [tag for tag in tags if tag[2]]
    start = 8 + len(values) + len(values) % 2
    behind = start + 2 + 12 * len(tags) + 4
    directory, more = struct.pack("<H", len(tags)), b""
    for number, kind, numbers in tags:
        packed = struct.pack(
            f"<{len(numbers)}{'H' if kind == short else 'I'}", *numbers
        )
        if len(packed) > 4:
            place, more = struct.pack("<I", behind + len(more)), more + packed
        else:
            place = packed.ljust(4, b"\0")
        directory += struct.pack("<HHI", number, kind, len(numbers)) + place
    body = values + bytes(len(values) % 2) + directory + bytes(4) + more
    return b"II*\0" + struct.pack("<I", start) + body
