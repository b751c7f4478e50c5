"""Protobuf's integers of variable length, for code that writes fields without the runtime."""


def encode_varint(value: int) -> bytes:
    """Encode a number that is not negative: seven bits a byte, the lowest first; the top bit says that more follow."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
