"""The composition root: the one room that reads settings and builds edges from them."""

from streams.wiring.audit import auditor
from streams.wiring.builds import drop_build, index_builds, promote_build, rebuild_index, recheck_index
from streams.wiring.offline import compare_file, offline_parts, resolve_file
from streams.wiring.reembedding import embed_catalogue, retire_models
from streams.wiring.service import run_stage
from streams.wiring.up import up

__all__ = [
    "auditor",
    "compare_file",
    "drop_build",
    "embed_catalogue",
    "index_builds",
    "offline_parts",
    "promote_build",
    "rebuild_index",
    "recheck_index",
    "resolve_file",
    "retire_models",
    "run_stage",
    "up",
]
