"""Content-Encoding undone, never past the limit: a bomb stops at the first bytes too many. Pure."""

import zlib

import zstandard

from ingest.refused import Refused

MOST_UNPACKED = 32 * 1024 * 1024
MOST_MEMBERS = 100  # each further gzip member copies the rest of the input
ZSTD_WINDOW = 8 * 1024 * 1024  # what RFC 8878 asks decoders for
ZSTD_STEP = 256  # one such slice unpacks to 8 MB at most


def unpack(data: bytes, encoding: str) -> bytes:
    """The body as it was before `encoding` (the Content-Encoding header, "" for none).

    Raises Refused: 415 for an encoding that is not read here, 413 past 32 MB, 400 for data that is not so encoded.
    """
    name = encoding.strip().lower()
    try:
        if name in ("", "identity"):
            unpacked = data
        elif name in ("gzip", "x-gzip"):
            unpacked = _inflate(data, 31)
        elif name == "deflate":
            unpacked = _inflate(data, 15 if _is_zlib(data) else -15)
        elif name == "zstd":
            unpacked = _unpack_zstd(data)
        else:
            raise Refused(415, "unsupported_encoding", "Content-Encoding must be gzip, deflate, zstd or identity.")
    except (zlib.error, zstandard.ZstdError):
        raise _broken(name) from None
    if len(unpacked) > MOST_UNPACKED:
        raise _too_large()
    return unpacked


def _inflate(data: bytes, format_: int) -> bytes:
    parts: list[bytes] = []
    room = MOST_UNPACKED
    for _ in range(MOST_MEMBERS):
        inflater = zlib.decompressobj(format_)
        parts.append(inflater.decompress(data, room + 1))
        room -= len(parts[-1])
        if room < 0:
            raise _too_large()
        if not inflater.eof:
            raise _broken("gzip" if format_ == 31 else "deflate")
        data = inflater.unused_data.lstrip(b"\0")
        if not data:
            return b"".join(parts)
    raise Refused(400, "bad_encoding", f"The gzip body has more than {MOST_MEMBERS} members; pack it as one.")


def _unpack_zstd(data: bytes) -> bytes:
    parts: list[bytes] = []
    room = MOST_UNPACKED
    inflater = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).decompressobj()
    for start in range(0, len(data), ZSTD_STEP):
        if inflater.eof:
            raise Refused(400, "bad_encoding", "Something follows the zstd frame; pack the body as one frame.")
        parts.append(inflater.decompress(data[start : start + ZSTD_STEP]))
        room -= len(parts[-1])
        if room < 0:
            raise _too_large()
    if not inflater.eof or inflater.unused_data:
        raise _broken("zstd")
    return b"".join(parts)


def _is_zlib(data: bytes) -> bool:
    """Deflate is meant to come in a zlib envelope; some clients leave it out."""
    return len(data) >= 2 and data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0


def _broken(name: str) -> Refused:
    return Refused(400, "bad_encoding", f"The body is not (whole) {name}, as its Content-Encoding says.")


def _too_large() -> Refused:
    return Refused(413, "too_large", f"The body unpacks to more than {MOST_UNPACKED >> 20} MB; send several requests.")
