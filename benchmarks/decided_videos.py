"""What every stage says of films beside the recordings that they were made of."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.damaged_queries import Sound
from benchmarks.film_pairs import EDITS
from benchmarks.films import FORMS, Form, film, recording, scene_kinds
from benchmarks.intervals import share
from benchmarks.invented_uploads import invented_uploads
from benchmarks.placed_videos import counted, crowd_name, described, sounds
from benchmarks.video_sounds import QUIET, SoundTrack, sound_track
from benchmarks.video_spans import judge
from streams.config import Settings
from streams.core.bundle import Bundle
from streams.core.records import Decision, Kind, Media, Upload
from streams.core.relating import entity_now, heard_in
from streams.core.upload_json import upload_line
from streams.edges.memory_index import MemoryCandidateIndex
from streams.offline import decide_lines
from streams.wiring.offline import offline_parts
from streams.wiring.parts import rules

CROWDS_DB: Final = (QUIET, 10.0)
"""Level of the music over the crowd."""
FILMS: Final = int(os.environ.get("SAMESONG_BENCH_FILMS", "16"))
"""Films with the recording's sound, half of them under a crowd."""
_OTHERS: Final = 12
_CASES: Final = max(1, FILMS // 4)
"""Films of each other case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """An upload that was made, and what is to become of it.

    Attributes
    ----------
    case : str
    upload : Upload
    of : int
        number of the recording that its title names
    made : SoundTrack, optional
        where the recording is in it
    form : Form
    crowd_db : float
    """

    case: str
    upload: Upload
    of: int
    form: Form
    made: SoundTrack | None = None
    crowd_db: float = QUIET


def decided_videos(folder: Path) -> dict[str, Any]:
    """Send recordings and films through every stage, and compare the decisions with the truth.

    Parameters
    ----------
    folder : Path
        for the media
    """
    read = sounds(FILMS // len(CROWDS_DB) + _OTHERS)
    recordings, others = read[:-_OTHERS], read[-_OTHERS:]
    named = list(invented_uploads(len(recordings), copies=0.0))
    uploads = [_recording(folder, number, named[number], y) for number, y in enumerate(recordings)]
    sent = list(_films(folder, uploads, recordings, others))
    lines = [upload_line(each) for each in (*uploads, *(each.upload for each in sent))]
    with offline_parts(Settings(data_dir=folder / "data"), folder / "uploads.jsonl") as parts:
        decisions, catalogue = decide_lines(
            lines, parts, index=MemoryCandidateIndex(), rules=rules(Bundle.packaged(), parts.confirm)
        )
    ids = [decision.entity_id for decision in decisions]
    told = list(zip(sent, decisions[len(uploads) :], strict=True))
    holds = {}
    for each, decision in told:
        entity = entity_now(catalogue, decision.entity_id)
        holds[each.upload.item_id] = heard_in(catalogue, entity) if entity is not None else None
    found: dict[str, Any] = {
        "recordings": len(recordings),
        "new": sum(decision.outcome.value == "new" for decision in decisions[: len(uploads)]),
    }
    for crowd in CROWDS_DB:
        chosen = [
            (sent, sent.made, decision)
            for sent, decision in told
            if sent.made is not None and sent.crowd_db == crowd
        ]
        found[crowd_name(crowd)] = _films_right(chosen, ids, holds, recordings)
    found |= _negatives(told, ids, holds)
    return found


def _recording(folder: Path, number: int, named: Upload, y: Sound) -> Upload:
    path = folder / f"recording-{number}.flac"
    path.write_bytes(recording(y))
    return Upload(
        source="label",
        item_id=f"recording-{number}",
        title=named.title,
        artists=named.artists,
        media=(Media(role="audio", uri=path.as_uri()),),
    )


def _films(
    folder: Path, recordings: Sequence[Upload], heard: Sequence[Sound], others: Sequence[Sound]
) -> Iterator[Sent]:
    """Make the films, case by case."""
    for number, y in enumerate(heard):
        for turn, crowd in enumerate(CROWDS_DB):
            made = sound_track(y, others, np.random.default_rng([31, number, turn]), crowd)
            yield _sent(folder, "film", number, turn, recordings, made.y, made=made, crowd_db=crowd)
    for number in range(_CASES):
        made = sound_track(heard[number], others, np.random.default_rng([31, number, 0]), QUIET)
        yield _sent(folder, "other film", number, 1, recordings, made.y, seed=number + 1_000)
        yield _sent(folder, "copy", number, 0, recordings, made.y, form=3, edit=EDITS[number % len(EDITS)])
        known = heard[(number + 1) % len(heard)] if number % 2 else others[number % len(others)]
        yield _sent(folder, "replaced", number, 1, recordings, known, seed=number + 2_000)
        for case, edit in (("silent", ""), ("silent copy", EDITS[number % len(EDITS)])):
            yield _sent(folder, case, number, 0, recordings, None, seed=number + 3_000, edit=edit)


def _sent(
    folder: Path,
    case: str,
    number: int,
    turn: int,
    recordings: Sequence[Upload],
    y: Sound | None,
    *,
    made: SoundTrack | None = None,
    crowd_db: float = QUIET,
    seed: int | None = None,
    form: int = 0,
    edit: str = "",
) -> Sent:
    """Write a film that is called by a recording's title."""
    written = FORMS[(2 * number + turn + form) % len(FORMS)]
    kinds = np.random.default_rng([41, number]).permutation(scene_kinds())
    half = len(kinds) // 2
    path = folder / f"{case.replace(' ', '-')}-{number}-{turn}.{written.container}"
    path.write_bytes(
        film(
            number if seed is None else seed,
            written,
            kinds=[str(kind) for kind in (kinds[half:] if turn else kinds[:half])],
            y=y,
            seconds=30.0,
            edit=edit,
        )
    )
    upload = Upload(
        source="videos",
        item_id=path.stem,
        kind=Kind.music_video,
        title=f"{recordings[number].title} (Official Video)",
        artists=recordings[number].artists,
        media=(Media(role="video", uri=path.as_uri()),),
    )
    return Sent(case=case, upload=upload, of=number, form=written, made=made, crowd_db=crowd_db)


def _films_right(
    told: Sequence[tuple[Sent, SoundTrack, Decision]],
    ids: Sequence[str | None],
    holds: dict[str, str | None],
    heard: Sequence[Sound],
) -> dict[str, Any]:
    """Say of how many films relation, places and ends are right, and what is wrong of the others."""
    related, judged, wrong = [], [], []
    for sent, made, decision in told:
        claim = decision.relation
        right = (
            claim is not None
            and claim.relation == "music_video_of"
            and claim.to_entity == ids[sent.of] == decision.sound_recording_id == holds[sent.upload.item_id]
        )
        late = max(sent.form.late_s, 0.0)
        spans = claim.spans if claim is not None and right else ()
        said = judge(spans, made, heard[sent.of], late)
        related.append(right)
        judged.append(said)
        if not (right and said.bounded):
            relation = claim.relation if claim is not None else None
            wrong.append(
                {"film": sent.upload.item_id, "outcome": decision.outcome.value, "relation": relation}
                | described(spans, made, said)
            )
    return {
        "relation": share(related),
        **counted(judged),
        "wrong": wrong,
    }


def _negatives(
    told: Sequence[tuple[Sent, Decision]], ids: Sequence[str | None], holds: dict[str, str | None]
) -> dict[str, Any]:
    """Say what became of films that are other films, copies, or hold another sound or none."""
    entity = {sent.upload.item_id: decision.entity_id for sent, decision in told}
    cases: dict[str, list[bool]] = defaultdict(list)
    became: dict[str, Counter[str]] = defaultdict(Counter)
    for sent, decision in told:
        first, own = f"film-{sent.of}-0", decision.entity_id
        of_it = holds[sent.upload.item_id] == ids[sent.of]
        match sent.case:
            case "film":
                if sent.crowd_db != QUIET:
                    cases["another film of the same recording: another video"].append(own != entity[first])
                continue
            case "other film":
                cases["the same sound under another film: another video of the recording"].append(
                    own != entity[first] and of_it
                )
            case "copy":
                cases["a copy, written anew: one video"].append(own == entity[first])
            case "replaced":
                cases["another sound under the title: not the recording's video"].append(
                    not of_it and (decision.relation is None or decision.relation.to_entity != ids[sent.of])
                )
            case "silent copy":
                cases["a copy without a sound of a film without one: one video"].append(
                    own == entity[f"silent-{sent.of}-0"]
                )
        said = decision.relation.relation if decision.relation is not None else "none"
        became[sent.case][f"{decision.outcome.value}, {said}, sound {decision.sound_track}"] += 1
    return {
        "negatives_and_copies": {name: share(values) for name, values in cases.items()},
        "decided": {name: dict(counts) for name, counts in became.items()},
    }
