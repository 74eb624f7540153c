"""Content-Encoding: what is unpacked, and that nothing unpacks past the limit."""

import gzip
import time
import tracemalloc
import zlib

import pytest
import zstandard

from ingest.refused import Refused
from ingest.unpack import MOST_UNPACKED, unpack

BODY = b'{"model": "gpt-4o"}' * 1000


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def zstd_stream(data: bytes) -> bytes:
    """Without the size in its head, as a stream is packed."""
    packer = zstandard.ZstdCompressor().compressobj()
    return packer.compress(data) + packer.flush()


def refusal(data: bytes, encoding: str) -> Refused:
    with pytest.raises(Refused) as caught:
        unpack(data, encoding)
    return caught.value


def packed_gzip(data: bytes, level: int = 9) -> bytes:
    """Without the time of packing: the tests' names must be the same in every process."""
    return gzip.compress(data, level, mtime=0)


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("", BODY), ("identity", BODY), ("gzip", packed_gzip(BODY)), ("GZIP", packed_gzip(BODY)),
        (" x-gzip ", packed_gzip(BODY)), ("deflate", zlib.compress(BODY)), ("deflate", raw_deflate(BODY)),
        ("zstd", zstandard.compress(BODY)), ("zstd", zstd_stream(BODY)),
        ("gzip", packed_gzip(BODY[:50]) + packed_gzip(BODY[50:])), ("gzip", packed_gzip(BODY) + b"\0" * 100),
    ],
)  # fmt: skip
def test_what_is_packed_comes_out_again(encoding, packed):
    assert unpack(packed, encoding) == BODY


@pytest.mark.parametrize("encoding", ["br", "compress", "gzip;q=0", "gzip, gzip", "deflate, gzip", "*", "x" * 10_000])
def test_other_encodings_are_not_read(encoding):
    assert refusal(packed_gzip(BODY), encoding).status == 415


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("gzip", BODY), ("gzip", b""), ("gzip", packed_gzip(BODY)[:-4]), ("gzip", packed_gzip(BODY)[:20]),
        ("gzip", packed_gzip(BODY) + b"rubbish"), ("gzip", zlib.compress(BODY)), ("deflate", packed_gzip(BODY)),
        ("deflate", b"x"), ("deflate", zlib.compress(BODY)[:-2]), ("zstd", BODY), ("zstd", b""),
        ("zstd", zstandard.compress(BODY)[:-3]), ("zstd", zstandard.compress(BODY) * 2),
        ("gzip", packed_gzip(b"") * 200_000),
    ],
)  # fmt: skip
def test_what_is_not_whole_or_not_so_packed_is_refused_quickly(encoding, data):
    began = time.perf_counter()
    assert refusal(data, encoding).status == 400
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", lambda: packed_gzip(b"\0" * 300_000_000, 9)),
        ("gzip", lambda: packed_gzip(b"\0" * 4_000_000, 9) * 40),
        ("deflate", lambda: zlib.compress(b"\0" * 300_000_000, 9)),
        ("zstd", lambda: zstandard.compress(b"\0" * 300_000_000)),
        ("zstd", lambda: zstd_stream(b"\0" * 300_000_000)),
        ("", lambda: b" " * (MOST_UNPACKED + 1)),
    ],
    ids=["gzip", "gzip in members", "deflate", "zstd", "zstd stream", "not packed"],
)
def test_a_bomb_is_refused_in_bounded_memory(encoding, pack):
    bomb = pack()  # seconds and hundreds of megabytes: not while tests are looked for
    tracemalloc.start()
    assert refusal(bomb, encoding).status == 413
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 3 * MOST_UNPACKED


def test_the_limit_itself_is_allowed():
    full = b" " * MOST_UNPACKED
    for encoding, packed in (("gzip", packed_gzip(full, 1)), ("deflate", zlib.compress(full, 1)),
                             ("zstd", zstandard.compress(full))):  # fmt: skip
        assert len(unpack(packed, encoding)) == MOST_UNPACKED
