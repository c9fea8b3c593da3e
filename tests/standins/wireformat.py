"""The protobuf wire format, as much of it as model files need: fields by number, written to bytes.

https://protobuf.dev/programming-guides/encoding/
"""

import struct
from collections.abc import Iterable


def varint(value: int) -> bytes:
    """Seven bits a byte, lowest first; a negative number is written as its 64-bit complement."""
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    """An integer, enum or bool."""
    return varint(field << 3) + varint(value)


def single(field: int, value: float) -> bytes:
    """A float of 32 bits."""
    return varint(field << 3 | 5) + struct.pack("<f", value)


def block(field: int, content: bytes) -> bytes:
    """A string, bytes or nested message."""
    return varint(field << 3 | 2) + varint(len(content)) + content


def text(field: int, value: str) -> bytes:
    """A string."""
    return block(field, value.encode())


def packed(field: int, values: Iterable[int]) -> bytes:
    """Repeated integers in one block."""
    return block(field, b"".join(varint(value) for value in values))
