"""Works from scores: those that the ``music21`` package brings, and folders of MIDI files.

Scores are read where a model is trained and are never shipped: many of the package's encodings are not for
commercial use.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from encoders.training.works import MAX_VOICES, NOTE, Work, distinct

# Folder of the package's corpus -> most works taken. One folder is one source.
MUSIC21_SOURCES: Final = {
    "bach": 450,
    "palestrina": 300,
    "ryansMammoth": 600,
    "oneills1850": 800,
    "airdsAirs": 500,
    "essenFolksong": 700,
    "trecento": 120,
    "ciconia": 20,
    "monteverdi": 60,
    "haydn": 60,
    "mozart": 60,
    "beethoven": 60,
    "schumann_robert": 20,
    "schumann_clara": 20,
    "schubert": 20,
    "joplin": 20,
    "corelli": 20,
    "handel": 40,
    "chopin": 20,
    "weber": 10,
    "verdi": 10,
    "beach": 10,
    "cpebach": 10,
    "josquin": 20,
    "luca": 10,
    "johnson_j_r": 10,
    "liliuokalani": 10,
    "schoenberg": 5,
    "leadSheet": 10,
}
# Kept for measuring, whole collections: none of their works is ever trained on. (Single voices of one piece
# stand apart in ``josquin``, so that it serves neither.)
MEASURED_SOURCES: Final = (
    "beach beethoven chopin ciconia corelli cpebach handel haydn johnson_j_r joplin leadSheet liliuokalani "
    "luca monteverdi mozart schoenberg schubert schumann_clara schumann_robert trecento verdi weber"
).split()
TRAINING_SOURCES: Final = tuple(
    source for source in MUSIC21_SOURCES if source not in {*MEASURED_SOURCES, "josquin"}
)
# A work shorter than this is a fragment.
_LEAST_NOTES: Final = 40


def music21_works(
    sources: Iterable[str] = tuple(MUSIC21_SOURCES),
    *,
    shortest_first: bool = False,
) -> Iterator[Work]:
    """Read the scores of the ``music21`` corpus, each composition once.

    Parameters
    ----------
    sources : iterable of str
        folders of the corpus, of `MUSIC21_SOURCES`
    shortest_first : bool
        by the size of their files instead of source by source: to read a long quartet movement takes 7 s
    """
    from music21 import corpus

    paths = [Path(str(path)) for path in corpus.getCorePaths()]
    # Analyses in Roman numerals repeat works that are there as notes.
    files = [
        (source, path)
        for source in sources
        for path in sorted(path for path in paths if source in path.parts and path.suffix != ".rntxt")
    ]
    if shortest_first:
        files.sort(key=lambda each: (_length(each[1]), each[1]))
    return distinct(_all_of(files))


def _length(path: Path) -> float:
    """Compare files whether they are compressed or not."""
    return path.stat().st_size * (1.0 if path.suffix == ".mxl" else 0.1)


def _all_of(files: Iterable[tuple[str, Path]]) -> Iterator[Work]:
    left = dict(MUSIC21_SOURCES)
    for source, path in files:
        if left[source] <= 0:
            continue
        for work in _read(path, source):
            yield work
            left[source] -= 1
            if left[source] <= 0:
                break


def _read(path: Path, source: str) -> Iterator[Work]:
    """Read one file, which may hold many tunes; what cannot be read is left out."""
    from music21 import converter, stream

    try:
        parsed = converter.parse(path)
    except Exception:  # a parser of many formats: any of its errors means an unreadable score
        return
    scores = list(parsed.scores) if isinstance(parsed, stream.Opus) else [parsed]
    for number, score in enumerate(scores):
        try:
            notes = _notes(score)
        except Exception:  # noqa: S112 - as above
            continue
        if len(notes) >= _LEAST_NOTES:
            yield Work(name=f"{named(path, source)}#{number}", source=source, notes=notes)


def named(path: Path, source: str) -> str:
    """Name a file by its place in the source: every quartet has a ``movement1``."""
    return "/".join(path.parts[path.parts.index(source) :])


def _notes(score: Any) -> Any:
    """List the sounding notes of a score in order."""
    rows = []
    for voice, part in enumerate(score.parts):
        for element in part.flatten().notes:
            length = float(element.quarterLength)
            if length <= 0:
                continue
            for pitch in element.pitches:
                if 21 <= pitch.midi <= 108:
                    rows.append((float(element.offset), length, int(pitch.midi), min(voice, MAX_VOICES - 1)))
    rows.sort()
    return np.array(rows, dtype=NOTE)


def midi_works(folder: Path) -> Iterator[Work]:
    """Read every MIDI file of a folder; each sub-folder is a source."""
    import pretty_midi

    for path in sorted((*folder.rglob("*.mid"), *folder.rglob("*.midi"))):
        try:
            read = pretty_midi.PrettyMIDI(str(path))
        except Exception:  # noqa: S112 - damaged files raise whatever they run into
            continue
        rows = sorted(
            (2.0 * note.start, 2.0 * (note.end - note.start), note.pitch, min(voice, MAX_VOICES - 1))
            for voice, part in enumerate(part for part in read.instruments if not part.is_drum)
            for note in part.notes
            if 21 <= note.pitch <= 108
        )
        if len(rows) >= _LEAST_NOTES:
            source = path.parent.relative_to(folder).as_posix()
            yield Work(name=f"{source}/{path.name}", source=source, notes=np.array(rows, dtype=NOTE))
