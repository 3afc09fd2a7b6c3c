"""Let aiokafka read zstd, which every producer of ours writes.

It asks for the package cramjam and fails the whole consumer without it. Where cramjam is absent its one call
is answered by pyarrow, which the vector store's client brings along. With cramjam nothing happens here.
"""

from typing import Any

import aiokafka.codec  # type: ignore[import-untyped,unused-ignore]  # carries no types
import pyarrow  # type: ignore[import-untyped,import-not-found,unused-ignore]  # carries no types


class _Zstd:
    """The part of ``cramjam.zstd`` that reading needs."""

    @staticmethod
    def decompress(payload: Any) -> bytes:  # any buffer
        with pyarrow.CompressedInputStream(pyarrow.BufferReader(bytes(payload)), "zstd") as stream:
            return bytes(stream.read())


class _ZstdOnly:
    """Stands for cramjam."""

    zstd = _Zstd


def read_zstd() -> None:
    """Give aiokafka what it needs to read zstd, unless it has it."""
    if aiokafka.codec.cramjam is None:
        aiokafka.codec.cramjam = _ZstdOnly
        # Only zstd is answered: the other two stay refused by name.
        aiokafka.codec.has_snappy = aiokafka.codec.has_lz4 = _absent


def _absent() -> bool:
    return False
