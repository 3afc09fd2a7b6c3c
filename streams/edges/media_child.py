"""The decoding child: one request at a time over a socket, under limits that the kernel enforces.

Started by ``streams.edges.media_decode`` as ``python -m streams.edges.media_child HANDLE``. A request is a
line of JSON with two file handles (the medium, the output); the answer is a line of JSON. The child opens
no file and no address by name.
"""

import array
import codecs
import contextlib
import errno
import importlib
import json
import logging
import os
import pkgutil
import resource
import socket
import sys
import warnings
from dataclasses import asdict
from typing import Any

import av
from PIL import Image

from streams.edges.media_decoding import Limits, decode_medium, decode_picture
from streams.errors import MediaError

_LINE = 4096
# Standard input, output and error stand before it; the files of a request come behind it.
_CHANNEL = 3
_FILES = 2
# A command line and a download of samples.
_NO_PART = frozenset({"av.__main__", "av.datasets"})
# Of the texts that media carry.
_ENCODINGS = (
    "ascii",
    "utf-8",
    "latin-1",
    "cp1252",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "utf-8-sig",
)


def answer(request: dict[str, Any], medium: int, output: int) -> dict[str, Any]:
    """Decode one file.

    Parameters
    ----------
    request : dict
        ``op`` (medium | picture), ``sound``, ``limits``, ``cpu_s``
    medium, output : int
        open file handles; both are closed

    Returns
    -------
    answer : dict
        ``decoded``; or ``refusal`` and ``reason``; or ``failure``, which is not the medium's fault
    """
    limits = Limits(**request["limits"])
    # Unbuffered, or what does not fit would be written once more at closing; samples come in large blocks.
    with os.fdopen(medium, "rb") as file, os.fdopen(output, "wb", buffering=0) as out:
        try:
            if request["op"] == "picture":
                decoded = decode_picture(file, out, limits=limits)
            else:
                decoded = decode_medium(file, out, sound=request["sound"], limits=limits)
        except MediaError as exc:
            return {"refusal": exc.refusal_code, "reason": str(exc)}
        except OSError as exc:
            if exc.errno == errno.EFBIG:
                return {"refusal": "media_too_long", "reason": "the medium holds more than is allowed"}
            return {"failure": f"decoded samples cannot be kept: {exc}"}
        except MemoryError:
            return {"refusal": "media_too_large", "reason": "decoding takes more memory than is allowed"}
        return {"decoded": asdict(decoded)}


def limit_process(*, memory_bytes: int, file_bytes: int) -> None:
    """Bound what this process may take; its CPU time is bounded anew for each request."""
    _limit(resource.RLIMIT_AS, memory_bytes)
    _limit(resource.RLIMIT_FSIZE, file_bytes)
    _limit(resource.RLIMIT_CORE, 0)


def limit_cpu(seconds: int) -> None:
    """Allow this much CPU time from now on; beyond it the kernel ends the process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + seconds
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _limit(kind: int, value: int) -> None:
    """Set a limit; a platform that cannot keep it (RLIMIT_AS on macOS) goes without."""
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(kind, (value, value))


def _receive(channel: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """Read one request; None when the parent has gone."""
    line = b""
    handles: list[int] = []
    while not line.endswith(b"\n"):
        size = array.array("i").itemsize
        part, ancillary, _, _ = channel.recvmsg(_LINE, socket.CMSG_SPACE(2 * size))
        if not part:
            return None
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                found = array.array("i")
                found.frombytes(data[: len(data) - len(data) % size])
                handles.extend(found)
        line += part
    request: dict[str, Any] = json.loads(line)
    return request, handles


def lock_files(channel: int) -> int:
    """Leave room for the two files of a request and for no other; give the channel's new handle.

    From here on this process opens no file and reaches no address, whatever a medium asks of its decoder:
    external tracks, playlists, protocols. What Python itself loads late is loaded before.
    """
    _load_all()
    if channel != _CHANNEL:
        os.dup2(channel, _CHANNEL, inheritable=False)
        os.close(channel)
    os.closerange(_CHANNEL + 1, 256)
    _limit(resource.RLIMIT_NOFILE, _CHANNEL + 1 + _FILES)
    return _CHANNEL


def _load_all() -> None:
    """Import what Pillow and PyAV import at the first file that needs it."""
    Image.init()
    importlib.import_module("numpy")  # a frame becomes an array
    for found in pkgutil.walk_packages(av.__path__, "av."):
        if found.name not in _NO_PART:
            importlib.import_module(found.name)
    for name in _ENCODINGS:
        codecs.lookup(name)


def main(handle: int) -> None:
    """Answer requests until the parent hangs up."""
    logging.getLogger("libav").setLevel(logging.CRITICAL)
    # Pillow tells what is odd about a picture; a stranger's picture has no say in our log.
    warnings.simplefilter("ignore")
    channel = socket.socket(fileno=lock_files(handle))
    limited = False
    while (received := _receive(channel)) is not None:
        request, (medium, output) = received
        if not limited:
            limit_process(memory_bytes=request["memory_bytes"], file_bytes=request["file_bytes"])
            limited = True
        limit_cpu(request["cpu_s"])
        channel.sendall(json.dumps(answer(request, medium, output)).encode() + b"\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
