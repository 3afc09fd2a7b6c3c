"""Videos in which the song of a recording is played once more: of no recording's sound, however named."""

import importlib.util
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from benchmarks.damaged_queries import SR, Sound
from benchmarks.films import FORMS, film, recording, scene_kinds
from benchmarks.intervals import share
from benchmarks.invented_uploads import invented_uploads
from benchmarks.version_queries import piano_performances
from encoders.training.playing import Player, default_soundfont
from streams.config import Settings
from streams.core.bundle import Bundle
from streams.core.records import Kind, Media, Upload
from streams.core.relating import entity_now, heard_in
from streams.core.upload_json import upload_line
from streams.edges.memory_index import MemoryCandidateIndex
from streams.offline import decide_lines
from streams.wiring.offline import offline_parts
from streams.wiring.parts import rules

WORKS: Final = int(os.environ.get("SAMESONG_BENCH_RESUNG", "8"))
_SOUNDFONTS: Final = "SAMESONG_BENCH_SOUNDFONTS"
_PERFORMANCES: Final = Path(__file__).resolve().parents[1] / "../shared/data/piano-performances-midi"
_SECONDS: Final = 60


def resung_videos(folder: Path) -> dict[str, Any]:
    """Send works played by one person, and films in which another plays them with another soundfont.

    Parameters
    ----------
    folder : Path
        for the media
    """
    missing = [name for name in ("tinysoundfont", "pretty_midi") if importlib.util.find_spec(name) is None]
    if missing or not _PERFORMANCES.is_dir():
        return {"not_run": f"needs {' and '.join(missing) or 'piano-performances-midi of ../shared/data'}"}
    songs = list(invented_uploads(WORKS, copies=0.0))
    lines, films = [], []
    for number, (one, other) in enumerate(_played()):
        path = folder / f"first-{number}.flac"
        path.write_bytes(recording(one))
        song = Upload(
            source="label",
            item_id=path.stem,
            title=songs[number].title,
            artists=songs[number].artists,
            media=(Media(role="audio", uri=path.as_uri()),),
        )
        lines.append(upload_line(song))
        for words in ("Live", "Official Video"):
            films.append(_film(folder, number, other, song, words))
    with offline_parts(Settings(data_dir=folder / "data"), folder / "uploads.jsonl") as parts:
        made = [*lines, *(upload_line(each) for each in films)]
        decisions, catalogue = decide_lines(
            made, parts, index=MemoryCandidateIndex(), rules=rules(Bundle.packaged(), parts.confirm)
        )
    right: dict[str, list[bool]] = {"Live": [], "Official Video": []}
    became: Counter[str] = Counter()
    for each, decision in zip(films, decisions[len(lines) :], strict=True):
        words = "Live" if (each.title or "").endswith("(Live)") else "Official Video"
        entity = entity_now(catalogue, decision.entity_id)
        holds = entity is not None and heard_in(catalogue, entity) is not None
        relation = decision.relation.relation if decision.relation is not None else "none"
        right[words].append(not holds and relation in {"live_video_of", "none"})
        became[f"{words}: {relation}, sound {decision.sound_track}"] += 1
    return {"of_no_recording": {name: share(values) for name, values in right.items()}, "told": dict(became)}


def _played() -> Iterator[tuple[Sound, Sound]]:
    """Play works of which there are two performances, each with a soundfont of its own."""
    given = os.environ.get(_SOUNDFONTS)
    fonts = [Path(part) for part in given.split(":")] if given else [default_soundfont()]
    players = [Player(font) for font in (fonts[0], fonts[-1])]
    first: dict[str, Any] = {}
    made = 0
    for work, notes in piano_performances(_PERFORMANCES):
        if work not in first:
            first[work] = notes
            continue
        if first[work] is None:
            continue
        known, first[work] = first[work], None
        yield players[0].play(known)[: _SECONDS * SR], players[1].play(notes)[: _SECONDS * SR]
        made += 1
        if made == WORKS:
            return


def _film(folder: Path, number: int, y: Sound, song: Upload, words: str) -> Upload:
    form = FORMS[number % len(FORMS)]
    path = folder / f"{words.split()[0]}-{number}.{form.container}"
    path.write_bytes(film(4_000 + number + 100 * (words == "Live"), form, kinds=scene_kinds(), y=y))
    return Upload(
        source="videos",
        item_id=path.stem,
        kind=Kind.music_video,
        title=f"{song.title} ({words})",
        artists=song.artists,
        media=(Media(role="video", uri=path.as_uri()),),
    )
