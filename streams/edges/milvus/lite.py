"""Opening a Milvus Lite folder: it is disposable, so one that is torn gives way to an empty one."""

import logging
import shutil
from pathlib import Path

from streams.edges.milvus.index import MilvusCandidateIndex
from streams.edges.milvus.store import move_aside
from streams.errors import CorruptState
from streams.steps import Guard, unguarded

log = logging.getLogger(__name__)


def open_lite(path: str | Path, *, guard: Guard = unguarded) -> MilvusCandidateIndex:
    """Open a Milvus Lite folder; where it is torn or of another layout, an empty one in its place.

    The index is a fold of its log; an empty one has watermark 0, so the index stage folds all of it again.

    Parameters
    ----------
    path : str or Path
        ends in ``.db``; such a folder is moved aside to ``PATH.torn``, which is deleted
    guard : callable
        stands around each step of a fold

    Raises
    ------
    IndexUnavailable
        another process has the folder open, or the system refuses
    ConfigError
        a path whose name does not end in ``.db``
    """
    path = str(Path(path).resolve())
    aside = f"{path}.torn"
    try:
        index = MilvusCandidateIndex(path, guard=guard)
    except CorruptState as exc:
        log.warning("the vector index is torn or outdated and is folded anew from its log: %s", exc)
        shutil.rmtree(aside, ignore_errors=True)
        move_aside(path, aside)
        index = MilvusCandidateIndex(path, guard=guard)
    # Also what a start that was cut short has left.
    shutil.rmtree(aside, ignore_errors=True)
    return index
