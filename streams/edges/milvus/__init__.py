"""The vector index in Milvus: Lite inside this process for a path, a server for a URI; the same class.

Layout. A build is a small *meta* collection (one row: the build's name, its watermark, and whether it is
still being filled) and one collection per modality and model, made when its first row arrives. The alias
points at the active build's meta collection. The primary key is the sha256 of the row id, so no id of an
uploader is part of a filter.

One lock stands around every call on Milvus Lite: :mod:`streams.edges.milvus.store` says why.
"""

from streams.edges.milvus.index import MilvusCandidateIndex
from streams.edges.milvus.lite import open_lite

__all__ = ["MilvusCandidateIndex", "open_lite"]
