"""Videos: what they are to the recording heard in them, and to each other."""

import numpy as np
import pytest
from msgspec.structs import replace
from PIL import Image, ImageDraw

from encoders.picture_marks import marks, without_bars
from streams.core.blocking import blocking_keys
from streams.core.bundle import Bundle
from streams.core.compare import CompareResult, compare_uploads
from streams.core.features import featurize
from streams.core.filming import REPLACED
from streams.core.pictures import OTHER, SAME, SOME, compare_pictures, still
from streams.core.records import (
    Artist,
    Decision,
    Identifiers,
    Kind,
    Outcome,
    Pictures,
    RelationChanged,
    SoundEvidence,
    SoundFacts,
    Upload,
)
from streams.core.scoring import Scorer
from streams.core.verifying import verify
from streams.stages.arbitrate import ArbitrateStage
from streams.wiring.parts import rules
from tests.unit.test_find_and_arbitrate import Pipeline, upload

SCORER = Scorer(Bundle.packaged())
_COPY = SoundEvidence(
    bit_error=0.04,
    offset_ms=8_000,
    overlap_ms=200_000,
    start_ms=8_000,
    coverage_left=0.99,
    coverage_right=0.99,
    speed_ratio=1.0,
    windows=0.99,
    harmony=0.95,
)
SOUNDS = {
    "absent": None,
    "same": _COPY,
    "longer": replace(_COPY, coverage_left=0.8),
    "sung again": replace(_COPY, bit_error=0.45, harmony=0.9, windows=0.4),
    "another song": replace(_COPY, bit_error=0.46, harmony=0.2, windows=0.2),
    "drowned": replace(_COPY, bit_error=0.26, overlap_ms=60_000, coverage_left=0.3, coverage_right=0.3),
    "out of step": replace(_COPY, bit_error=0.24, overlap_ms=9_000, coverage_left=0.04, coverage_right=0.04),
}


def seen(*numbers: int, model: str = "m@1", noise: int = 0) -> Pictures:
    """Mark pictures of which each number is one; noise turns so many bits of each."""
    vectors = np.stack([np.random.default_rng(each).standard_normal(1_280) for each in numbers])
    whole = marks(vectors.astype(np.float32), vectors[:, ::-1].astype(np.float32))
    bits = np.unpackbits(np.frombuffer(whole, dtype=np.uint8)).reshape(len(numbers) * 2, 512)
    bits[:, :noise] ^= 1
    starts = tuple(1_000 * each for each in range(len(numbers)))
    return Pictures(model=model, starts_ms=starts, marks=np.packbits(bits).tobytes())


def named(title: str, kind: Kind = Kind.recording, *, isrc: str | None = None) -> Upload:
    return Upload(
        source="s",
        item_id="x",
        kind=kind,
        title=title,
        artists=(Artist(name="The Example Band"),),
        identifiers=Identifiers(isrc=(isrc,) if isrc else ()),
    )


def compared(video: str, recording: str, sound: str, *, pictures: Pictures | None = None) -> CompareResult:
    return compare_uploads(
        named(video, Kind.music_video), named(recording), SOUNDS[sound], SCORER, seen=(pictures, None)
    )


@pytest.mark.parametrize(
    ("video", "recording", "sound", "relation"),
    [
        ("Clear Water", "Clear Water", "absent", "music_video_of"),
        ("Clear Water (Official Video)", "Clear Water", "longer", "music_video_of"),
        ("Clear Water (Lyric Video)", "Clear Water", "same", "lyric_video_of"),
        ("Clear Water (Lyrics)", "Clear Water", "absent", "lyric_video_of"),
        ("Clear Water (Official Visualizer)", "Clear Water", "same", "visualizer_of"),
        ("Clear Water (Live at the Mill)", "Clear Water (Live at the Mill)", "same", "live_video_of"),
        ("Clear Water (Live at the Mill)", "Clear Water", "sung again", "live_video_of"),
        ("Clear Water (Live at the Mill)", "Clear Water", "absent", "live_video_of"),
        ("Clear Water", "Clear Water", "sung again", "live_video_of"),
        ("Clear Water", "Clear Water", "drowned", "music_video_of"),
        ("Clear Water", "Clear Water", "out of step", "live_video_of"),
        ("Untitled upload 7", "Clear Water", "out of step", None),
        ("Untitled upload 7", "Clear Water", "same", "music_video_of"),
        ("Clear Water", "Clear Water", "another song", None),
        ("Muddy Rivers", "Clear Water", "absent", None),
    ],
)
def test_a_video_is_related_by_its_words_and_its_sound(
    video: str, recording: str, sound: str, relation: str | None
) -> None:
    assert compared(video, recording, sound).relation == relation
    back = compare_uploads(named(recording), named(video, Kind.music_video), SOUNDS[sound], SCORER).relation
    turned = {
        "music_video_of": "has_music_video",
        "lyric_video_of": "has_lyric_video",
        "visualizer_of": "has_visualizer",
        "live_video_of": "has_live_video",
    }
    assert back == (turned[relation] if relation else None)


def test_a_still_picture_is_no_music_video() -> None:
    assert (
        compared("Clear Water", "Clear Water", "same", pictures=seen(1, 1, 1, 1)).relation == "visualizer_of"
    )
    official = compared("Clear Water (Official Video)", "Clear Water", "same", pictures=seen(1, 1, 1, 1))
    assert official.relation == "music_video_of"
    assert compared("Clear Water", "Clear Water", "same", pictures=seen(1, 2, 3)).relation == "music_video_of"


def test_an_isrc_in_common_does_not_make_another_sound_the_same() -> None:
    isrc = "GBEMI0300013"
    video = named("Clear Water", Kind.music_video, isrc=isrc)
    found = compare_uploads(video, named("Clear Water", isrc=isrc), SOUNDS["another song"], SCORER)
    assert found.relation is None


@pytest.mark.parametrize(
    ("left", "right", "level"),
    [
        (seen(1, 2, 3, 4), seen(1, 2, 3, 4, noise=100), SAME),
        (seen(1, 2, 3, 4), seen(3, 4), SAME),
        (seen(*range(1, 10)), seen(1, 2, 3, 4, 15, 16, 17, 18, 19), SOME),
        (seen(1, 2, 3, 4, 5, 6), seen(1, 12, 13, 14, 15, 16), OTHER),
        (seen(1, 2, 3, 4), seen(5, 6, 7, 8), OTHER),
        (seen(1, 2), seen(5, 6), SOME),  # too few to say so
        (seen(1, 2, 3, 4), seen(1, 2, 3, 4, model="m@2"), "absent"),
        (seen(1, 2, 3, 4), None, "absent"),
    ],
)
def test_pictures_are_compared_by_their_marks(left: Pictures, right: Pictures | None, level: str) -> None:
    assert compare_pictures(left, right) == level
    assert compare_pictures(right, left) == level


def test_what_was_cut_out_of_the_middle_is_known_again() -> None:
    whole = np.random.default_rng(1).standard_normal((3, 1_280)).astype(np.float32)
    inside = np.random.default_rng(2).standard_normal((3, 1_280)).astype(np.float32)
    more = np.random.default_rng(3).standard_normal((3, 1_280)).astype(np.float32)
    starts = (0, 1, 2)
    one = Pictures(model="m", starts_ms=starts, marks=marks(whole, inside))
    cut = Pictures(model="m", starts_ms=starts, marks=marks(inside, more))
    assert compare_pictures(one, cut) == SAME


def test_a_video_of_one_picture_is_still() -> None:
    assert still(seen(1, 1, 1, noise=9))
    assert not still(seen(1, 1, 2))
    assert not still(seen(1))
    assert not still(None)


def test_bars_are_cut_off_and_a_dark_picture_stays() -> None:
    image = Image.new("RGB", (200, 160))
    ImageDraw.Draw(image).rectangle((20, 30, 179, 129), fill=(200, 90, 90))
    assert without_bars(np.asarray(image)).shape == (100, 160, 3)
    dark = np.full((90, 160, 3), 5, dtype=np.uint8)
    assert without_bars(dark).shape == dark.shape
    titles = dark.copy()
    titles[40:50, 60:100] = 255  # words on black are no picture with bars
    assert without_bars(titles).shape == dark.shape


def test_another_video_with_the_same_sound_is_another_video() -> None:
    one, two = named("Clear Water", Kind.music_video), named("Clear Water", Kind.music_video)
    same = compare_uploads(one, two, SOUNDS["same"], SCORER, seen=(seen(1, 2, 3), seen(1, 2, 3, noise=60)))
    assert same.probability.video is not None
    assert same.probability.video > 0.99
    other = compare_uploads(one, two, SOUNDS["same"], SCORER, seen=(seen(1, 2, 3), seen(4, 5, 6)))
    assert other.relation == "other_video_of"
    assert other.probability.video is not None
    assert other.probability.video < 0.01
    assert other.probability.recording > 0.99


def test_the_same_pictures_overrule_the_word_for_the_kind_of_video() -> None:
    one, two = (
        named("Clear Water (Lyric Video)", Kind.music_video),
        named("Clear Water (Official Video)", Kind.music_video),
    )
    apart = compare_uploads(one, two, SOUNDS["same"], SCORER)
    assert apart.relation == "other_video_of"
    assert apart.probability.video is not None
    assert apart.probability.video < 0.01
    one_video = compare_uploads(one, two, SOUNDS["same"], SCORER, seen=(seen(1, 2, 3), seen(1, 2, 3)))
    assert one_video.probability.video is not None
    assert one_video.probability.video > 0.99


class NamedEar:
    """Two sounds are alike whose features begin with the same letter; of the rest the second letter sings."""

    def confirm(self, left: SoundFacts, right: SoundFacts) -> SoundEvidence:
        if left.features[0] == right.features[0]:
            return SOUNDS["same"] or SoundEvidence()
        return (
            (SOUNDS["sung again" if left.features[1] == right.features[1] else "another song"])
            or SoundEvidence()
        )


class Films(Pipeline):
    """The stages with the packaged parameters; the arbiter listens."""

    def __init__(self) -> None:
        super().__init__()
        self.offset = 0

    def new_stage(self) -> ArbitrateStage:
        return ArbitrateStage(
            self.codec,
            rules(Bundle.packaged(), NamedEar().confirm),
            watermark=lambda: self.folded,
            overlay_rows=100,
        )

    def send(
        self,
        name: str,
        title: str,
        *,
        sound: str | None = None,
        pictures: Pictures | None = None,
        kind: Kind = Kind.music_video,
        track: str | None = "heard",
    ) -> Decision:
        encoded = upload(name, "clear water", self.offset)
        self.offset += 1
        told = replace(named(title, kind), item_id=name)
        record = replace(featurize(told), pictures=pictures)
        facts = (
            SoundFacts(
                duration_ms=200_000, silent_share=0.0, rms_dbfs=-20.0, features=sound, content_sha256=name
            )
            if sound
            else None
        )
        encoded = replace(
            encoded,
            kind=kind,
            upload=told,
            record=record,
            blocking_keys=blocking_keys(record),
            sound=facts,
            sound_track=track if kind is Kind.music_video else None,
        )
        decided: Decision
        (decided,) = self.decide(self.look_up([encoded]))
        assert verify(decided, Bundle.packaged()) == ()
        return decided

    def relations(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for each in self.log.get("relation.changed.v1", []):
            said: RelationChanged = self.codec.decode(each.topic, each.value or b"")
            found[said.relation] = said.to_entity
        return found


def test_near_copies_are_one_video_and_other_pictures_another() -> None:
    films = Films()
    song = films.send("song", "Clear Water", sound="ax", kind=Kind.recording)
    first = films.send("film", "Clear Water (Official Video)", sound="ay", pictures=seen(1, 2, 3, 4))
    copy = films.send("copy", "clear water official", sound="az", pictures=seen(1, 2, 3, 4, noise=90))
    lyrics = films.send("lyrics", "Clear Water", sound="aw", pictures=seen(5, 6, 7, 8))
    assert [song.outcome, first.outcome, copy.outcome, lyrics.outcome] == [
        Outcome.new,
        Outcome.new,
        Outcome.match,
        Outcome.new,
    ]
    assert first.video_id == copy.video_id != lyrics.video_id
    assert {each.sound_recording_id for each in (first, copy, lyrics)} == {song.entity_id}
    assert {"music_video_of", "other_video_of"} <= films.relations().keys()


def test_a_live_video_holds_the_live_recording_and_not_the_song_of_the_studio() -> None:
    films = Films()
    studio = films.send("studio", "Clear Water", sound="ax", kind=Kind.recording)
    film = films.send("film", "Clear Water (Live at the Mill)", sound="bx")
    assert film.relation is not None
    assert (film.relation.relation, film.relation.to_entity) == ("live_video_of", studio.entity_id)
    assert film.sound_recording_id is None
    live = films.send("live", "Clear Water (Live at the Mill)", sound="by", kind=Kind.recording)
    again = films.send("again", "Clear Water (Live at the Mill)", sound="bz")
    assert again.video_id == film.video_id
    assert again.sound_recording_id == live.entity_id


def test_a_replaced_sound_is_said() -> None:
    films = Films()
    films.send("song", "Clear Water", sound="ax", kind=Kind.recording)
    film = films.send("film", "Clear Water", sound="by")
    assert (film.sound_track, film.sound_recording_id, film.relation) == ("replaced", None, None)
    (told,) = (
        films.codec.decode(each.topic, each.value or b"")
        for each in films.log.get("upload.contradiction.v1", [])
    )
    assert told.code == REPLACED
    assert told.message == "is called a video of s/song and does not hold its sound"


@pytest.mark.parametrize("track", ["absent", "silent"])
def test_a_mute_video_is_decided_by_its_words(track: str) -> None:
    films = Films()
    song = films.send("song", "Clear Water", sound="ax", kind=Kind.recording)
    film = films.send("film", "Clear Water", pictures=seen(1, 2, 3), track=track)
    assert (film.outcome, film.sound_track) == (Outcome.new, track)
    assert film.relation is not None
    assert (film.relation.relation, film.relation.to_entity) == ("music_video_of", song.entity_id)
