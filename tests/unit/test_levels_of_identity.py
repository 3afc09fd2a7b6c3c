"""Audio refines master refines recording: what is heard and what is written, whatever the order."""

import itertools
import random
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.blocking import blocking_keys
from streams.core.bundle import Bundle
from streams.core.features import featurize
from streams.core.levels import compare_levels
from streams.core.promoting import rules_of
from streams.core.records import (
    Artist,
    Decision,
    EncodedUpload,
    EntityChanged,
    ItemKey,
    Kind,
    LinkageRecord,
    MemberPlace,
    Operation,
    Outcome,
    Release,
    SoundEvidence,
    SoundFacts,
    Upload,
)
from streams.errors import InvariantError
from tests.unit.test_arbiter import Arbiter, decision, key, verdict

COPY = SoundEvidence(
    bit_error=0.012,
    offset_ms=0,
    overlap_ms=215_000,
    coverage_left=1.0,
    coverage_right=1.0,
    speed_ratio=1.0,
    windows=0.999,
)
REMASTERED = replace(COPY, bit_error=0.04, windows=0.95)
EQUALISED = replace(COPY, windows=1.0, colour_db=1.5)
COMPRESSED = replace(COPY, windows=0.95, colour_db=0.3)
FASTER = replace(COPY, bit_error=0.05, windows=0.98, speed_ratio=1.003)
SAME = replace(COPY, bit_error=0.0, windows=1.0, same_content=True)


class Catalogue(Arbiter):
    """The arbiter by the packaged bundle, with sounds that compare as a table says."""

    def __init__(self, heard: Mapping[str, SoundEvidence] | None = None) -> None:
        self.heard = dict(heard or {})
        super().__init__(rules_of(Bundle.packaged(), self._confirm))

    def _confirm(self, left: SoundFacts, right: SoundFacts) -> SoundEvidence:
        return self.heard["".join(sorted(left.features + right.features))]

    def send(self, item: str, title: str = "Clear Water", **more: Any) -> Decision:
        """Send one upload; its sound, if it has any, is named after the item."""
        return decision(self.take(self.made(item, title, **more)))

    def made(
        self,
        item: str,
        title: str = "Clear Water",
        *,
        album: str = "River Songs",
        sound: bool = False,
        revision: int = 1,
        kind: Kind = Kind.recording,
        content: str | None = None,
    ) -> EncodedUpload:
        sent = Upload(
            source="s",
            item_id=item,
            kind=kind,
            title=title,
            artists=(Artist(name="The Example Band", role="main"),),
            releases=(Release(title=album),),
            duration_ms=215_000,
        )
        record = featurize(sent)
        return EncodedUpload(
            origin=self._next(None),
            source="s",
            item_id=item,
            revision=revision,
            operation=Operation.upsert,
            digest=f"{title}{revision}",
            received_ms=0,
            kind=kind,
            upload=sent,
            record=record,
            blocking_keys=blocking_keys(record),
            sound=SoundFacts(
                duration_ms=215_000,
                silent_share=0.0,
                rms_dbfs=-14.0,
                features=item,
                content_sha256=content or item,
            )
            if sound
            else None,
        )

    def place(self, item: str) -> MemberPlace:
        entity = self.catalogue.entity(self.entity_of(item) or "")
        assert entity is not None
        assert tuple(place.member for place in entity.places) == entity.members
        return next(place for place in entity.places if place.member == key(item))

    def level(self, items: str, level: str) -> set[str]:
        groups: dict[str, str] = {}
        for item in items:
            name = getattr(self.place(item), f"{level}_id")
            groups[name] = groups.get(name, "") + item
        return set(groups.values())


WRITTEN = {
    "a": "Clear Water",
    "b": "Clear Water (Remastered 2015)",
    "c": "Clear Water - 2015 Remaster",
    "d": "Clear Water (2009 Remaster)",
    "e": "CLEAR WATER",
}


def test_by_metadata_alone_a_declared_remaster_is_another_master_and_no_audio_is_known_to_be_shared() -> None:
    catalogue = Catalogue()
    for item, title in WRITTEN.items():
        catalogue.send(item, title)
    assert catalogue.partition("abcde") == {frozenset("abcde")}
    assert catalogue.level("abcde", "master") == {"ae", "bc", "d"}
    assert catalogue.level("abcde", "audio") == set("abcde")


@settings(max_examples=60, deadline=None)
@given(st.randoms(use_true_random=False), st.sets(st.sampled_from("abcde"), max_size=3))
def test_the_levels_do_not_depend_on_the_order(order: random.Random, withdrawn: set[str]) -> None:
    def run(items: list[str]) -> Catalogue:
        catalogue = Catalogue()
        for item in items:
            if item.isupper():
                catalogue.withdraw(item.lower(), 1)
            else:
                catalogue.send(item, WRITTEN[item])
        return catalogue

    steps = [*WRITTEN, *(item.upper() for item in sorted(withdrawn))]
    shuffled = list(steps)
    order.shuffle(shuffled)
    left = "".join(sorted(set(WRITTEN) - withdrawn))
    calm, wild = run(steps), run(shuffled)
    for level in ("master", "audio"):
        assert calm.level(left, level) == wild.level(left, level)


@pytest.mark.parametrize(
    ("titles", "heard", "master", "audio"),
    [
        (("", ""), COPY, {"ab"}, {"ab"}),
        (("", ""), SAME, {"ab"}, {"ab"}),
        (("", ""), replace(COPY, windows=0.99, colour_db=0.4), {"ab"}, {"ab"}),
        (("", ""), REMASTERED, {"a", "b"}, {"a", "b"}),
        (("", ""), EQUALISED, {"a", "b"}, {"a", "b"}),
        (("", ""), COMPRESSED, {"a", "b"}, {"a", "b"}),
        (("", ""), FASTER, {"ab"}, {"a", "b"}),
        (("", " (Remastered)"), COPY, {"ab"}, {"ab"}),  # sound overrules text
        (("", " (Remastered)"), REMASTERED, {"a", "b"}, {"a", "b"}),
        ((" (2011 Remaster)", " (Remastered 2011)"), REMASTERED, {"ab"}, {"a", "b"}),
        ((" (2011 Remaster)", " (Remastered 2015)"), COPY, {"a", "b"}, {"a", "b"}),
        ((" (Mono)", " (Stereo)"), None, {"a", "b"}, {"a", "b"}),
        ((" (Mono)", ""), None, {"a", "b"}, {"a", "b"}),
        (("", " (Stereo)"), None, {"ab"}, {"a", "b"}),
    ],
)
def test_what_is_heard_and_written_of_two_decides(
    titles: tuple[str, str], heard: SoundEvidence | None, master: set[str], audio: set[str]
) -> None:
    catalogue = Catalogue({"ab": heard} if heard else {})
    for item, words in zip("ab", titles, strict=True):
        said = catalogue.send(item, f"Clear Water{words}", sound=heard is not None)
    assert catalogue.partition("ab") == {frozenset("ab")}
    assert catalogue.level("ab", "master") == master
    assert catalogue.level("ab", "audio") == audio
    assert said.audio is not None
    assert said.master is not None
    assert said.recording is not None
    assert said.work is not None
    odds = [level.probability for level in (said.audio, said.master, said.recording, said.work)]
    assert odds == sorted(odds, key=lambda each: each or 0.0)
    for level, shared in ((said.master, master), (said.audio, audio)):
        assert level.ledger is not None
        assert level.threshold is not None
        assert (level.ledger.log_odds >= level.threshold) is (shared == {"ab"})
    place = catalogue.place("b")
    assert (said.audio_id, said.master_id) == (place.audio_id, place.master_id)
    assert (said.recording_id, said.work_id) == (said.entity_id, said.work.id)


def test_a_remastered_album_speaks_for_its_tracks() -> None:
    catalogue = Catalogue()
    catalogue.send("a")
    catalogue.send("b", album="River Songs (Remastered 2015)")
    assert catalogue.level("ab", "master") == {"a", "b"}


def test_comparison_of_levels_is_symmetrical() -> None:
    records = [catalogue_record(title) for title in (*WRITTEN.values(), "Clear Water (Mono)")]
    for one, other in itertools.product(records, repeat=2):
        assert compare_levels(one, other, None).levels == compare_levels(other, one, None).levels


def catalogue_record(title: str) -> LinkageRecord:
    return featurize(Upload(source="s", item_id="i", kind=Kind.recording, title=title))


def test_an_id_outlives_its_founder_and_is_never_given_to_another() -> None:
    catalogue = Catalogue({"ab": COPY, "ac": REMASTERED, "bc": REMASTERED})
    founded = catalogue.send("a", sound=True)
    catalogue.send("b", sound=True)
    catalogue.withdraw("a")
    assert catalogue.place("b").audio_id == founded.audio_id
    assert catalogue.place("b").master_id == founded.master_id
    other = catalogue.send("c", sound=True)
    assert other.recording_id == founded.recording_id
    assert founded.audio_id != other.audio_id
    assert founded.master_id != other.master_id


def test_taking_a_verdict_back_gives_each_side_its_ids_again() -> None:
    catalogue = Catalogue()
    one, other = catalogue.send("a"), catalogue.send("b", "Something Else Entirely")
    assert one.recording_id != other.recording_id
    verdict(catalogue, "a", "b", "match")
    verdict(catalogue, "a", "b", "withdrawn", "v2")
    for item, first in (("a", one), ("b", other)):
        assert catalogue.place(item).audio_id == first.audio_id
        assert catalogue.place(item).master_id == first.master_id


def test_a_revision_keeps_the_ids_that_are_its_own_while_it_sounds_the_same() -> None:
    catalogue = Catalogue({"ab": REMASTERED})
    catalogue.send("b", sound=True)
    first = catalogue.send("a", sound=True)
    typo = catalogue.send("a", "Clear  Water!", revision=2, sound=True)
    assert (typo.audio_id, typo.master_id) == (first.audio_id, first.master_id)
    heard_anew = catalogue.send("a", revision=3, sound=True, content="other")
    assert heard_anew.master_id == first.master_id
    assert heard_anew.audio_id != first.audio_id


def test_subscribers_see_the_places_of_every_member() -> None:
    catalogue = Catalogue()
    catalogue.send("a")
    said = catalogue.take(catalogue.made("b", "Clear Water (Remastered)"))
    (change,) = (event for event in said.events if isinstance(event, EntityChanged))
    (side,) = (side for side in change.sides if side.kind == "recording")
    assert {place.member: place for place in side.places} == {
        key("a"): catalogue.place("a"),
        key("b"): catalogue.place("b"),
    }


def test_a_lone_upload_has_ids_and_no_probability() -> None:
    said = Catalogue().send("a")
    assert said.outcome is Outcome.new
    assert None not in (said.audio_id, said.master_id, said.recording_id, said.work_id)
    assert said.audio is not None
    assert said.audio.probability is None
    assert len({said.audio_id, said.master_id, said.recording_id, said.work_id}) == 4


def test_a_video_has_its_own_levels_and_names_the_recording_heard_in_it() -> None:
    catalogue = Catalogue()
    video = catalogue.send("v", "Clear Water (Official Video)", kind=Kind.music_video)
    assert video.video_id == video.recording_id
    assert video.sound_recording_id is None
    song = catalogue.send("a")
    assert song.sound_recording_id == song.recording_id
    again = catalogue.send("w", "Clear Water (Official Video)", kind=Kind.music_video)
    assert (again.video_id, again.sound_recording_id) == (video.video_id, song.recording_id)


HISTORIC = (*WRITTEN.values(), "Clear Water (Live)", "Iron Sky")


def heard_by_chance(rng: random.Random, items: str) -> dict[str, SoundEvidence]:
    return {
        left + right: rng.choice([COPY, COPY, REMASTERED, FASTER, SAME])
        for left, right in itertools.combinations(items, 2)
    }


def level_members(catalogue: Catalogue) -> dict[str, set[str]]:
    """Give the members of every id below the recordings, and see that each stands in one place."""
    members: dict[str, set[str]] = {}
    above: dict[str, str] = {}
    for name in catalogue.catalogue.live_keys():
        item = ItemKey.parse(name).item_id
        place = catalogue.place(item)
        for below, over in (
            (place.audio_id, place.master_id),
            (place.master_id, catalogue.entity_of(item) or ""),
        ):
            assert above.setdefault(below, over) == over
            members.setdefault(below, set()).add(item)
    return members


@pytest.mark.parametrize("seed", range(30))
def test_whatever_happens_the_levels_are_nested_and_no_id_goes_to_others(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - a history must repeat
    catalogue = Catalogue(heard_by_chance(rng, "abcdef"))
    revisions: dict[str, int] = {}
    contents: dict[str, str] = {}
    sounding = {item for item in "abcdef" if rng.random() < 0.7}
    ever: dict[str, set[str]] = {}
    for step in range(14):
        item, other = rng.choice("abcdef"), rng.choice("abcdef")
        chance = rng.random()
        if chance < 0.6:
            revisions[item] = revisions.get(item, 0) + 1
            if rng.random() < 0.3:
                contents[item] = f"{item}{step}"
            catalogue.send(
                item,
                rng.choice(HISTORIC),
                revision=revisions[item],
                sound=item in sounding,
                content=contents.get(item),
            )
        elif chance < 0.75:
            catalogue.withdraw(item)
            revisions.setdefault(item, 1)
        elif item != other:
            # One on an upload that is not there is refused, and changes nothing.
            with suppress(InvariantError):
                verdict(catalogue, item, other, rng.choice(["match", "non_match", "withdrawn"]), f"v{step}")
        for name, members in level_members(catalogue).items():
            assert not ever.get(name, members).isdisjoint(members), f"{name} went to others"
            ever[name] = members


@pytest.mark.parametrize("seed", range(20))
def test_what_is_heard_gives_the_same_levels_in_any_order(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - a history must repeat
    heard = heard_by_chance(rng, "abcdef")
    titles = {item: rng.choice(HISTORIC[:5]) for item in "abcdef"}
    sounding = {item for item in "abcdef" if rng.random() < 0.8}

    def run(items: list[str]) -> Catalogue:
        catalogue = Catalogue(heard)
        for item in items:
            catalogue.send(item, titles[item], sound=item in sounding)
        return catalogue

    shuffled = rng.sample("abcdef", 6)
    calm, wild = run(list("abcdef")), run(shuffled)
    for level in ("master", "audio"):
        assert calm.level("abcdef", level) == {"".join(sorted(each)) for each in wild.level("abcdef", level)}
