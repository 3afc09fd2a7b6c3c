"""A larger size of the catalogue places everything as if every kept pair were scored anew at once."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import combinations, combinations_with_replacement
from typing import Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.bundle import Bundle, Calibration, Head, greatest_fall, size_prior, sized
from streams.core.catalogue import MemoryCatalogue, Workspace
from streams.core.placing import Placement, place
from streams.core.promoting import groups
from streams.core.records import (
    ItemKey,
    Kind,
    LevelScores,
    LinkageRecord,
    Origin,
    PairScore,
    PairState,
    SoundEvidence,
    SourceKind,
    UploadState,
)
from streams.core.rescoring import current, score_all, score_grown
from streams.core.rules import Rules, Thresholds
from streams.core.scoring import stratum_of
from tests.unit.scored_uploads import SAME_SOUND
from tests.unit.title_scorer import head, no_sound

ITEMS: Final = "abcdefg"
KEYS: Final = tuple(ItemKey("s", item).text() for item in ITEMS)
THRESHOLDS: Final = Thresholds(
    recording_match=1.4, recording_review=0.0, work_match=1.1, work_review=0.0, guard=4.0
)
SIZES: Final = (2, 4, 16, 256)
# Pairs of three kinds of senders were measured at six sizes.
KINDS: Final = (SourceKind.user_upload, SourceKind.label_feed, SourceKind.aggregator)
SENDERS: Final = dict(zip(KEYS, (KINDS * 3)[: len(KEYS)], strict=True))
MEASURED: Final = dict(
    zip(
        ("|".join(sorted(pair)) for pair in combinations_with_replacement(KINDS, 2)),
        (8, 2, 3, 8, 256, 20),
        strict=True,
    )
)
HEAD: Final = Head(
    prior=0.0,
    weights={},
    calibration={
        name: Calibration(slope=1.0, shift=0.0, measured_at=size) for name, size in MEASURED.items()
    },
)
MADE: Final = replace(
    Bundle.packaged(), version="made", recording=HEAD, work=HEAD, catalogue_size=1, measured_at=2
)


@dataclass(frozen=True)
class Likeness:
    """What a table says of a pair: its scores before anything is taken off, and from which size that is."""

    recording: float
    work: float
    cannot_link: str | None = None
    verdict: str | None = None
    sound: SoundEvidence | None = None


Pairs = dict[tuple[str, str], Likeness]


class Table:
    """A scorer that looks pairs up, and takes off what a bundle's size does."""

    def __init__(self, pairs: Pairs, bundle: Bundle) -> None:
        self._pairs, self._bundle = pairs, bundle

    def _said(self, left: LinkageRecord, right: LinkageRecord) -> Likeness:
        return self._pairs.get((left.albums[0], right.albums[0]), Likeness(-9.0, -9.0))

    def _fall(self, left: LinkageRecord, right: LinkageRecord) -> float:
        return -size_prior(self._bundle, HEAD.in_stratum(stratum_of(left, right)))

    def score(self, left: LinkageRecord, right: LinkageRecord, sound: SoundEvidence | None) -> PairScore:
        said, fall = self._said(left, right), self._fall(left, right)
        return PairScore(
            recording=head(said.recording - fall),
            work=head(said.work - fall),
            cannot_link=said.cannot_link,
            work_cannot_link="number:opus" if said.cannot_link == "number:opus" else None,
        )

    explain = score

    def levels(
        self,
        left: LinkageRecord,
        right: LinkageRecord,
        sound: SoundEvidence | None,
        *,
        explained: bool = False,
    ) -> LevelScores:
        """A sound is the same master as long as the catalogue is small."""
        log_odds = -1.0 if sound is None else 2.0 - self._fall(left, right)
        return LevelScores(master=head(log_odds), audio=head(log_odds - 1.0))


def likenesses() -> st.SearchStrategy[Likeness]:
    """Give pairs about the thresholds, in strata that were measured at several sizes."""
    near = st.sampled_from([-9.0, -4.1, -3.9, -2.0, 0.3, 0.9, 1.5, 1.7, 2.0, 2.3, 3.0, 4.5, 9.0])
    return st.builds(
        Likeness,
        recording=near,
        work=near,
        cannot_link=st.sampled_from([None, None, None, "version:live|studio", "number:opus"]),
        verdict=st.sampled_from([None, None, None, None, "match", "non_match"]),
        sound=st.sampled_from([None, None, SAME_SOUND]),
    )


def catalogues() -> st.SearchStrategy[Pairs]:
    return st.dictionaries(st.sampled_from(list(combinations(KEYS, 2))), likenesses(), max_size=12)


def rules_at(pairs: Pairs, bundle: Bundle) -> Rules:
    return Rules(
        scorer=Table(pairs, bundle),
        thresholds=THRESHOLDS,
        confirm=no_sound,
        bundle_version=bundle.version,
        fall=lambda version: greatest_fall(bundle, since=version),
    )


def placed(pairs: Pairs) -> MemoryCatalogue:
    """Place everybody at the size at which the bundle was made."""
    catalogue, rules = MemoryCatalogue(), rules_at(pairs, MADE)
    workspace = Workspace(catalogue)
    for at, key in enumerate(KEYS):
        record = LinkageRecord(kind=Kind.recording, source_kind=SENDERS[key], readings=(), albums=(key,))
        workspace.put_upload(
            UploadState(
                source="s",
                item_id=ITEMS[at],
                revision=1,
                digest="",
                withdrawn_up_to=0,
                live=True,
                decision_id="",
                origin=Origin(topic="catalog.upload.v1", partition=0, offset=at),
                record=record,
            )
        )
    for (left, right), said in pairs.items():
        workspace.put_pair(
            PairState(
                left=left,
                right=right,
                recording_log_odds=0.0,
                work_log_odds=0.0,
                verdict=said.verdict,
                sound=said.sound,
            )
        )
    score_all(workspace, rules)
    for at, key in enumerate(KEYS):
        place(workspace, [key], subject="", formerly=None, rules=rules, sequence=at + 1)
    catalogue.apply(workspace.changes)
    return catalogue


def grow(
    catalogue: MemoryCatalogue, pairs: Pairs, before: Bundle, bundle: Bundle, *, all_at_once: bool
) -> list[Placement]:
    """Bring a larger size into force; give what changes."""
    until_now, rules = rules_at(pairs, before), rules_at(pairs, bundle)
    workspace = Workspace(catalogue)
    seeds: Iterable[str] = workspace.live_keys()
    if all_at_once:
        score_all(workspace, rules)
    else:
        seeds = score_grown(workspace, before, bundle, until_now=until_now, rules=rules)
    placements = [
        place(workspace, group, subject="", formerly=None, rules=rules, sequence=bundle.catalogue_size)
        for group in groups(workspace, seeds, THRESHOLDS)
    ]
    catalogue.apply(workspace.changes)
    return [each for each in placements if each.change]


@settings(max_examples=200)
@given(catalogues())
def test_all_comes_out_as_if_every_pair_were_scored_at_once(pairs: Pairs) -> None:
    here, there = placed(pairs), placed(pairs)
    before = MADE
    for size in SIZES:
        bundle = sized(before, size)
        assert grow(here, pairs, before, bundle, all_at_once=False) == grow(
            there, pairs, before, bundle, all_at_once=True
        )
        assert here.held().entities == there.held().entities
        assert here.held().uploads == there.held().uploads
        before = bundle
    workspace, rules = Workspace(here), rules_at(pairs, before)
    for pair in list(here.pairs()):
        current(workspace, pair, rules)
    here.apply(workspace.changes)
    assert here.held().pairs == there.held().pairs


@given(catalogues())
def test_what_is_scored_anew_is_written_in_one_order_however_the_state_was_read(pairs: Pairs) -> None:
    bundle = sized(MADE, SIZES[-1])
    until_now, rules = rules_at(pairs, MADE), rules_at(pairs, bundle)
    written = []
    for order in (list(pairs), list(reversed(pairs))):
        read = Workspace(MemoryCatalogue())
        held = placed(pairs).held()
        for upload in held.uploads.values():
            read.put_upload(upload)
        for pair in sorted(held.pairs.values(), key=lambda each: _place_in(order, (each.left, each.right))):
            read.put_pair(pair)
        workspace = Workspace(read)
        score_grown(workspace, MADE, bundle, until_now=until_now, rules=rules)
        written.append(list(workspace.changes.pairs))
    assert written[0] == written[1]


def _place_in(order: list[tuple[str, str]], ends: tuple[str, str]) -> int:
    return order.index(ends) if ends in order else len(order)


@pytest.mark.parametrize(
    ("pairs", "apart"),
    [
        pytest.param(
            {"ab": Likeness(2.0, 9.0), "ac": Likeness(1.0, 9.0), "bc": Likeness(9.0, 9.0)},
            {"a", "bc"},
            id="short of a match",
        ),
        # Until then the first of two that exclude each other; then the other, which loses nothing.
        pytest.param(
            {
                "ab": Likeness(8.0, 9.0),
                "bc": Likeness(7.0, 9.0),
                "ac": Likeness(-9.0, 9.0),
            },
            {"a", "bc"},
            id="contested",
        ),
    ],
)
def test_a_larger_size_parts(pairs: dict[str, Likeness], apart: set[str]) -> None:
    told = {(KEYS[ITEMS.index(ends[0])], KEYS[ITEMS.index(ends[1])]): said for ends, said in pairs.items()}
    catalogue = placed(told)
    assert grow(catalogue, told, MADE, sized(MADE, 256), all_at_once=False)
    clusters = [entity.members for entity in catalogue.held().entities.values() if entity.kind != "work"]
    assert {tuple(KEYS[ITEMS.index(item)] for item in group) for group in apart} <= set(clusters)


def test_copies_that_are_no_longer_heard_as_one_master_are_placed_anew() -> None:
    pairs = {(KEYS[0], KEYS[1]): Likeness(9.0, 9.0, sound=SAME_SOUND)}
    catalogue, bundle = placed(pairs), sized(MADE, 256)
    (before,) = (each for each in catalogue.held().entities.values() if len(each.places) == 2)
    assert before.places[0].master_id == before.places[1].master_id
    grow(catalogue, pairs, MADE, bundle, all_at_once=False)
    now = catalogue.held().entities[before.entity_id]
    assert now.members == before.members
    assert now.places[0].master_id != now.places[1].master_id


def test_a_pair_far_above_the_thresholds_is_scored_anew_only_where_the_order_of_its_component_matters() -> (
    None
):
    pairs = {(KEYS[0], KEYS[1]): Likeness(9.0, 9.0), (KEYS[3], KEYS[4]): Likeness(2.0, 9.0)}
    catalogue, bundle = placed(pairs), sized(MADE, 512)
    grow(catalogue, pairs, MADE, bundle, all_at_once=False)
    assert [pair.bundle_version for pair in catalogue.pairs()] == ["made", "made@512"]
    workspace, rules = Workspace(catalogue), rules_at(pairs, bundle)
    place(workspace, KEYS[:1], subject="", formerly=None, rules=rules, sequence=600)
    assert workspace.changes.pairs == {}
    # A third that one of them is, and the other cannot be.
    pairs |= {(KEYS[1], KEYS[2]): Likeness(9.0, 9.0)}
    rules = rules_at(pairs, bundle)
    for pair in pairs:
        if pair[1] == KEYS[2]:
            workspace.put_pair(
                PairState(left=pair[0], right=pair[1], recording_log_odds=9.0, work_log_odds=9.0)
            )
    place(workspace, KEYS[:1], subject="", formerly=None, rules=rules, sequence=601)
    assert {pair.bundle_version for pair in workspace.changes.pairs.values()} == {"made@512"}
    assert len(workspace.changes.pairs) == 3


def test_a_pair_that_another_bundle_scored_is_scored_anew_wherever_it_stands() -> None:
    pairs = {(KEYS[0], KEYS[1]): Likeness(9.0, 9.0), (KEYS[2], KEYS[3]): Likeness(-9.0, -9.0)}
    catalogue, bundle = placed(pairs), sized(MADE, 4)
    workspace = Workspace(catalogue)
    for pair in list(catalogue.pairs()):
        turned = {"recording_log_odds": -pair.recording_log_odds, "work_log_odds": -pair.work_log_odds}
        workspace.put_pair(msgspec.structs.replace(pair, bundle_version="former", **turned))
    catalogue.apply(workspace.changes)
    grow(catalogue, pairs, MADE, bundle, all_at_once=False)
    assert {(pair.bundle_version, pair.recording_log_odds > 0) for pair in catalogue.pairs()} == {
        ("made@4", True),
        ("made@4", False),
    }


def test_the_fall_is_bounded_by_where_the_bundle_was_measured_and_by_what_scored_the_pair() -> None:
    bundle = sized(MADE, 64)
    assert greatest_fall(bundle, since="made") == pytest.approx(math.log(64 / 2))
    assert greatest_fall(bundle, since="made@16") == pytest.approx(math.log(64 / 16))
    assert greatest_fall(bundle, since="made@64") == 0.0
    assert greatest_fall(bundle, since="other@16") == math.inf
