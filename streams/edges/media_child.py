"""The decoding child: one request at a time over a socket, under limits that the kernel enforces.

Started by ``streams.edges.media_decode`` as ``python -m streams.edges.media_child HANDLE``. A request is a
line of JSON with two file handles (the medium, the output); the answer is a line of JSON. The child opens
no file and no address by name.
"""

import array
import contextlib
import errno
import json
import logging
import os
import resource
import socket
import sys
from dataclasses import asdict
from typing import Any

from streams.edges.media_decoding import Limits, decode_medium, decode_picture
from streams.errors import MediaError

_LINE = 4096


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
    _limit(resource.RLIMIT_NOFILE, 64)
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


def main(handle: int) -> None:
    """Answer requests until the parent hangs up."""
    logging.getLogger("libav").setLevel(logging.CRITICAL)
    channel = socket.socket(fileno=handle)
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
