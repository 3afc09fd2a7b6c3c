"""Threads of a stage share few heaps."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import ctypes, sys, threading
if sys.argv[2] == "few":
    from streams.heaps import few_heaps
    few_heaps()
together = threading.Barrier(12)

def work():
    blocks = []
    for _ in range(2):
        together.wait()
        blocks += [bytearray(2_000) for _ in range(200)]

threads = [threading.Thread(target=work) for _ in range(12)]
for each in threads: each.start()
for each in threads: each.join()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
out = ctypes.c_void_p(libc.fopen(sys.argv[1].encode(), b"w"))
libc.malloc_info(0, out)
libc.fclose(out)
"""


def heaps(folder: Path, how: str) -> int:
    found = folder / how
    subprocess.run([sys.executable, "-c", PROGRAM, str(found), how], check=True, timeout=60)  # noqa: S603
    return found.read_text().count("<heap nr=")


@pytest.mark.skipif(sys.platform != "linux", reason="the GNU library's own word")
def test_threads_share_two_heaps(tmp_path: Path) -> None:
    assert heaps(tmp_path, "as it comes") > 2
    assert heaps(tmp_path, "few") <= 2
