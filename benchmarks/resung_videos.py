"""Videos in which the song of a recording is played once more: of no recording's sound, however named."""

import importlib.util
import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.damaged_queries import SR, Sound
from benchmarks.films import FORMS, film, recording, scene_kinds
from benchmarks.intervals import share
from benchmarks.invented_uploads import invented_uploads
from benchmarks.version_queries import piano_performances
from benchmarks.video_sounds import crowd, level
from encoders.training.playing import Player, default_soundfont
from streams.config import Settings
from streams.core.bundle import Bundle
from streams.core.catalogue import CatalogueState
from streams.core.records import Kind, Media, Upload
from streams.core.relating import entity_now, heard_in
from streams.core.upload_json import upload_line
from streams.core.versions import inverse_relation
from streams.edges.memory_index import MemoryCandidateIndex
from streams.offline import decide_lines
from streams.wiring.offline import offline_parts
from streams.wiring.parts import rules

WORKS: Final = int(os.environ.get("SAMESONG_BENCH_RESUNG", "8"))
CHOSEN_ON: Final = 20
"""The first works of the collection: the bounds of `streams.core.performing` were chosen on them."""
_SOUNDFONTS: Final = "SAMESONG_BENCH_SOUNDFONTS"
_PERFORMANCES: Final = Path(__file__).resolve().parents[1] / "../shared/data/piano-performances-midi"
_SECONDS: Final = 60
_CROWD_DB: Final = 10.0
_WORDS: Final = ("Live", "Official Video")
_ITSELF: Final = "the recording itself under a crowd, Official Video"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A film that was made, and the upload of the recording that it is named after."""

    case: str
    upload: Upload
    song: Upload


def resung_videos(folder: Path) -> dict[str, Any]:
    """Send works played by one person, and films in which another plays them.

    Right is a film that is a live video of the recording, holds none, and is of its work. Beside them stand
    films that hold the recording: these are right as its music video.

    Parameters
    ----------
    folder : Path
        for the media
    """
    missing = [name for name in ("tinysoundfont", "pretty_midi") if importlib.util.find_spec(name) is None]
    if missing or not _PERFORMANCES.is_dir():
        return {"not_run": f"needs {' and '.join(missing) or 'piano-performances-midi of ../shared/data'}"}
    named = list(invented_uploads(WORKS, copies=0.0))
    songs: list[Upload] = []
    sent: list[Sent] = []
    for number, (one, others) in enumerate(_played()):
        songs.append(_song(folder, number, one, named[number]))
        sent += _films(folder, number, one, others, songs[-1])
    with offline_parts(Settings(data_dir=folder / "data"), folder / "uploads.jsonl") as parts:
        lines = [upload_line(each) for each in (*songs, *(each.upload for each in sent))]
        decisions, catalogue = decide_lines(
            lines, parts, index=MemoryCandidateIndex(), rules=rules(Bundle.packaged(), parts.confirm)
        )
    home = {song.item_id: decision.entity_id for song, decision in zip(songs, decisions, strict=False)}
    right: dict[str, list[bool]] = defaultdict(list)
    became: dict[str, Counter[str]] = defaultdict(Counter)
    for each, decision in zip(sent, decisions[len(songs) :], strict=True):
        own, of = (entity_now(catalogue, name) for name in (decision.entity_id, home[each.song.item_id]))
        if own is None or of is None:
            right[each.case].append(False)
            became[each.case][f"{decision.outcome.value}, of no entity"] += 1
            continue
        told, held = _told(catalogue, each.upload, each.song), heard_in(catalogue, own)
        if each.case == _ITSELF:
            wanted = told == "music_video_of" and held == of.entity_id
        else:
            wanted = told == "live_video_of" and held is None
        right[each.case].append(wanted and own.work_id == of.work_id)
        sound = "none" if held is None else "its own" if held == of.entity_id else "another's"
        work = "its" if own.work_id == of.work_id else "another"
        became[each.case][f"{told}, sound of {sound}, {work} work"] += 1
    return {
        "works": len(songs),
        "right": {case: share(values) for case, values in right.items()},
        "told": {case: dict(counts) for case, counts in became.items()},
    }


def _told(catalogue: CatalogueState, film: Upload, song: Upload) -> str:
    """Name what a film is to a recording; what it is to other films of the song is not asked."""
    one, other = film.key.text(), song.key.text()
    for relation in catalogue.relations_of(one):
        if (relation.left, relation.right) == (one, other):
            return relation.relation
        if (relation.left, relation.right) == (other, one):
            return inverse_relation(relation.relation) or relation.relation
    return "nothing"


def _played() -> Iterator[tuple[Sound, dict[str, Sound]]]:
    """Play works by one person, and by another on the same piano and, given two, on another one."""
    given = os.environ.get(_SOUNDFONTS)
    fonts = [Path(part) for part in given.split(":")] if given else [default_soundfont()]
    pianos = {"one piano": Player(fonts[0])}
    if len(fonts) > 1:
        pianos["another piano"] = Player(fonts[-1])
    for first, second in islice(_twice(), CHOSEN_ON, CHOSEN_ON + WORKS):
        again = {name: player.play(second)[: _SECONDS * SR] for name, player in pianos.items()}
        yield pianos["one piano"].play(first)[: _SECONDS * SR], again


def _twice() -> Iterator[tuple[Any, Any]]:
    """Read the first two performances of each work, in the order of the collection."""
    first: dict[str, Any] = {}
    for work, notes in piano_performances(_PERFORMANCES):
        known = first.setdefault(work, notes)
        if known is not None and known is not notes:
            first[work] = None
            yield known, notes


def _song(folder: Path, number: int, y: Sound, named: Upload) -> Upload:
    path = folder / f"first-{number}.flac"
    path.write_bytes(recording(y))
    return Upload(
        source="label",
        item_id=path.stem,
        title=named.title,
        artists=named.artists,
        media=(Media(role="audio", uri=path.as_uri()),),
    )


def _films(folder: Path, number: int, one: Sound, others: dict[str, Sound], song: Upload) -> Iterator[Sent]:
    """Film what was played anew, called by either word, and the recording itself."""
    noise = crowd(len(one), np.random.default_rng([53, number]))
    itself = one + noise * np.float32(level(one) * 10 ** (-_CROWD_DB / 20))
    made = [(f"{piano}, {words}", words, y) for piano, y in others.items() for words in _WORDS]
    played = itself / np.float32(max(1.0, float(np.abs(itself).max())))
    made.append((_ITSELF, _WORDS[-1], np.asarray(played, dtype=np.float32)))
    for turn, (case, words, y) in enumerate(made):
        form = FORMS[(number + turn) % len(FORMS)]
        path = folder / f"film-{number}-{turn}.{form.container}"
        path.write_bytes(film(4_000 + 10 * number + turn, form, kinds=scene_kinds(), y=y))
        upload = Upload(
            source="videos",
            item_id=path.stem,
            kind=Kind.music_video,
            title=f"{song.title} ({words})",
            artists=song.artists,
            media=(Media(role="video", uri=path.as_uri()),),
        )
        yield Sent(case=case, upload=upload, song=song)
