"""What the bundle is fitted on: labelled pairs, as blocking proposes them, with what each label means.

A stream gives the pairs that share a blocking key or are near by their text vectors; a set of pairs its own.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from msgspec.structs import replace

from benchmarks.blocking import VECTOR, blocked, compared_first, nearest
from benchmarks.labelled_records import Labelled
from streams.core.blocking import blocking_keys
from streams.core.comparison import compare_records
from streams.core.features import featurize, text_for_embedding
from streams.core.proposing import MAX_COMPARED, reach_of
from streams.core.records import LinkageRecord, TitleReading
from streams.edges.encoder import BundleEncoder
from streams.evaluation.folds import FOLDS, folds
from streams.evaluation.golden.catalogue import golden_catalogue
from streams.evaluation.labelled import LabelledPair, LabelledPairs, LabelledStream
from streams.evaluation.sets import SETS
from streams.ports import FloatArray

STREAMS = ("musicbrainz-20k", "shs100k2-works", "atepp-classical-tracks")
SIBLINGS, SIBLINGS_OF = "album-siblings", "musicbrainz-20k"
PAIRS = ("itunes-amazon-structured", "itunes-amazon-dirty", "salami-youtube", "youtube-shs-pairs")


INVENTED, SEEDS = "golden-others", (2, 3)
"""Golden catalogues of other seeds than the one that is scored: the same senders, and none of its songs."""

CATALOGUES: Mapping[str, int] = {
    "musicbrainz-20k": 3_072,
    SIBLINGS: 3_072,
    "shs100k2-works": 10_884,
    "atepp-classical-tracks": 4_425,
    INVENTED: 1_079,
}
"""How many recordings there are in each catalogue whose pairs blocking proposes; performances of which nobody
says that any two are one recording count as one each. Judged pairs come from no catalogue.
"""

VIDEOS = "youtube-shs-pairs"
STRANGERS = 20
"""Strangers of a video by vectors, and by a blocking key, at most."""
_UNLIKE = frozenset({"different", "some", "word", "partly"})
"""Levels of two titles that are hardly of one work."""
_ONE_TITLE = frozenset(
    "exact exact_short mistyped near phrase short_phrase beside_artist main_title subtitle".split()
)

STRIDE = 7_919
"""A prime: strangers are far apart in the table, and the same every time."""


class Embedder(Protocol):
    """What embeds texts here: the encoders, or who remembers what they said."""

    @property
    def models(self) -> Mapping[str, str]:
        """The models that embed, by what they are for."""
        ...

    def encode_texts(self, texts: Sequence[str], /) -> FloatArray:
        """Give a row for each text."""
        ...


class Pair(NamedTuple):
    """Two records and what is known of them; ``None``: nobody says so."""

    left: LinkageRecord
    right: LinkageRecord
    recording: bool | None
    work: bool | None
    fold: int
    data: str


def labelled_pairs(data: Path) -> Iterator[Pair]:
    """Give every pair that the bundle is fitted on, in the order of the sets."""
    encoder = BundleEncoder.load()
    for source in SETS:
        if source.name in STREAMS:
            labelled = source.read(data)
            assert isinstance(labelled, LabelledStream)
            yield from of_stream(labelled, encoder)
        elif source.name in PAIRS:
            pairs = source.read(data)
            assert isinstance(pairs, LabelledPairs)
            yield from _of_pairs(pairs)
            if source.name == VIDEOS:
                yield from _chosen_strangers(pairs, encoder)
    for seed in SEEDS:
        yield from of_stream(dataclasses.replace(golden_catalogue(seed=seed), name=INVENTED), encoder)


def _chosen_strangers(labelled: LabelledPairs, encoder: Embedder) -> Iterator[Pair]:
    """Give videos of a known work beside performances of other works that blocking would propose for them.

    The strangers of the set are drawn at random, and nobody meets those: what is compared shares a word, a
    name, or a near vector. Performances whose titles are alike may be of the video's work, and are left out.
    """
    told = [
        (featurize(pair.left), featurize(pair.right), fold)
        for pair, fold in zip(labelled.pairs, folds(labelled.pairs), strict=True)
        if pair.label and pair.left is not None and pair.right is not None
    ]
    records = [record for left, right, _ in told for record in (left, right)]
    vectors = encoder.encode_texts([text_for_embedding(record) for record in records])
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    cosines = vectors[1::2] @ vectors[::2].T
    holders: dict[str, set[int]] = defaultdict(set)
    for number, (left, _, _) in enumerate(told):
        for key in blocking_keys(left):
            holders[key].add(number)
    for number, (own, video, fold) in enumerate(told):
        near = np.argsort(-cosines[number], kind="stable")[:STRANGERS].tolist()
        named = {at for key in blocking_keys(video) for at in sorted(holders[key])[:STRANGERS]}
        for at in sorted({*near, *named}):
            # Of the same fold, so that nothing of a fold is seen elsewhere.
            if at == number or told[at][2] != fold:
                continue
            stranger = told[at][0]
            alike = compare_records(own, stranger, None).levels[0] not in _UNLIKE
            # A video that bears the stranger's title may be of its work under another name.
            if not alike and compare_records(stranger, video, None).levels[0] not in _ONE_TITLE:
                yield Pair(stranger, video, None, False, fold, labelled.name)


def _of_pairs(labelled: LabelledPairs) -> Iterator[Pair]:
    """Give judged pairs: one recording is one work, another recording may be of the same."""
    for pair, fold in zip(labelled.pairs, folds(labelled.pairs), strict=True):
        if pair.left is None or pair.right is None:
            continue
        at_recording = labelled.level == "recording"
        yield Pair(
            featurize(pair.left),
            featurize(pair.right),
            pair.label if at_recording else None,
            (True if pair.label else None) if at_recording else pair.label,
            fold,
            labelled.name,
        )


def of_stream(stream: LabelledStream, encoder: Embedder) -> Iterator[Pair]:
    """Give the pairs that are compared while a stream is resolved, and every pair of one cluster."""
    records = [featurize(each.upload) for each in stream.uploads]
    wanted = {pair for pair in _proposed(records, encoder)}
    clusters: dict[str, list[int]] = {}
    for number, each in enumerate(stream.uploads):
        clusters.setdefault(each.recording or each.work or "", []).append(number)
    if any(each.recording for each in stream.uploads):
        wanted |= {(i, j) for members in clusters.values() for i in members for j in members if i < j}
    told = [
        LabelledPair(
            left=stream.uploads[i].upload,
            right=stream.uploads[j].upload,
            label=False,
            left_group=_cluster(stream, i),
            right_group=_cluster(stream, j),
        )
        for i, j in sorted(wanted)
    ]
    for (i, j), fold in zip(sorted(wanted), folds(told), strict=True):
        one, other = stream.uploads[i], stream.uploads[j]
        recording = one.recording == other.recording if one.recording and other.recording else None
        work = one.work == other.work if one.work and other.work else (True if recording else None)
        if recording is None and (work is False or not _share_an_artist(records[i], records[j])):
            recording = False  # of two works, or of one by two performers
        yield Pair(records[i], records[j], recording, work, fold, stream.name)
    if stream.name == SIBLINGS_OF:
        yield from siblings(records, clusters.values())


def siblings(records: Sequence[LinkageRecord], clusters: Iterable[Sequence[int]]) -> Iterator[Pair]:
    """Invent the other tracks of an album: a sample of a catalogue holds one where the catalogue holds ten.

    A sibling has artist, album, year and language of a record, and title, length and place of a stranger.
    Every other one keeps the title but for one word, and half of each kind keep the length: who is compared
    was chosen for what agrees.
    """
    for number, members in enumerate(clusters):
        for one, mate in zip(members, [*members[1:], members[0]], strict=True):
            stranger = records[(one * STRIDE + number) % len(records)]
            if not records[one].albums or not stranger.readings or stranger.readings == records[one].readings:
                continue
            titles = tuple(replace(reading, artist=None) for reading in stranger.readings)
            if one % 2 and (renamed := _renamed(records[one], stranger)) is not None:
                titles = (renamed,)
            # An album has one track at a place; on another disc there is one, of whatever length.
            as_long = one // 2 % 2 == 0 and stranger.track_number != records[one].track_number
            sibling = replace(
                records[one],
                readings=titles,
                duration_ms=records[one].duration_ms if as_long else stranger.duration_ms,
                track_number=stranger.track_number,
            )
            yield Pair(records[mate], sibling, False, None, number % FOLDS, SIBLINGS)


def _renamed(record: LinkageRecord, stranger: LinkageRecord) -> TitleReading | None:
    """Give a title with its longest word put for one of a stranger's; none where it has no second word."""
    words = record.readings[0].base.split() if record.readings else []
    others = stranger.readings[0].base.split()
    if len(words) < 2 or not others:
        return None
    longest = max(words, key=len)
    base = " ".join(max(others, key=len) if word == longest else word for word in words)
    return (
        None
        if base in {r.base for r in record.readings}
        else replace(record.readings[0], base=base, artist=None)
    )


def _cluster(stream: LabelledStream, number: int) -> str:
    each = stream.uploads[number]
    return each.recording or each.work or str(number)


def _share_an_artist(one: LinkageRecord, other: LinkageRecord) -> bool:
    return not {name.replace(" ", "") for name in one.artists}.isdisjoint(
        name.replace(" ", "") for name in other.artists
    )


def _proposed(records: list[LinkageRecord], encoder: Embedder) -> Iterator[tuple[int, int]]:
    """Give the pairs that blocking keys and vectors propose, each record asking for the earlier ones."""
    vectors = encoder.encode_texts([text_for_embedding(record) for record in records])
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    reach = reach_of(encoder.models["text"])
    labelled = [Labelled("", "", record) for record in records]
    near = nearest(vectors, reach.neighbours)
    for number, ((by_key, alone), found) in enumerate(zip(blocked(labelled), near, strict=True)):
        cosines = {at: cosine for at, cosine in found if cosine >= reach.floor}
        named = {at: set(by_key.get(at, ())) for at in (*by_key, *cosines)}
        for at in cosines:
            named[at].add(VECTOR)
        for at in compared_first(named, alone, cosines)[:MAX_COMPARED]:
            yield at, number
