"""Labelled data: uploads with the cluster that each truly belongs to, and judged pairs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from streams.core.records import Upload


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledUpload:
    """An upload and what is truly in it.

    Attributes
    ----------
    upload : Upload
    recording, work : str, optional
        the true cluster at each level; none where nothing is known of that level, so that it is not judged
    sounds : str, optional
        of a video: the recording heard in it
    tags : tuple of str
        what is special about it; figures are told apart by them
    """

    upload: Upload
    recording: str | None = None
    work: str | None = None
    sounds: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledStream:
    """Uploads to be resolved one after the other.

    Attributes
    ----------
    refused : mapping of str to tuple of labels
        what could not be read as an upload, by a name of its own: (recording, work); it counts as alone
    """

    name: str
    uploads: tuple[LabelledUpload, ...]
    refused: Mapping[str, tuple[str | None, str | None]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPair:
    """A judged pair.

    Attributes
    ----------
    left, right : Upload, optional
        none where a side could not be read: such a pair is never found
    label : bool
        whether they are one, at the level of the set
    left_group, right_group : str
        what each side is a record of; pairs that share one stay on one side of a split
    tags : tuple of str
    """

    left: Upload | None
    right: Upload | None
    label: bool
    left_group: str
    right_group: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPairs:
    """Pairs to be compared.

    Attributes
    ----------
    level : str
        recording or work
    """

    name: str
    level: str
    pairs: tuple[LabelledPair, ...]


LabelledSet = LabelledStream | LabelledPairs
