"""The golden catalogue: takes told by several senders each, in a drawn order; a seed gives the same bytes."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

import orjson

from streams.core.records import SourceKind
from streams.core.upload_json import upload_line
from streams.evaluation.golden.chance import Chance
from streams.evaluation.golden.senders import tell
from streams.evaluation.golden.songs import draw_songs
from streams.evaluation.golden.takes import CLASSICAL, ORIGINAL, Take, movements, takes_of
from streams.evaluation.labelled import LabelledStream, LabelledUpload

NAME: Final = "golden"
SEED: Final = 1
SONGS: Final = 264
_SONGS_PER_SONATA: Final = 12

_AUDIO_SENDERS: Final = (
    SourceKind.label_feed, SourceKind.label_feed, SourceKind.aggregator, SourceKind.aggregator,
    SourceKind.reference_db, SourceKind.user_upload, SourceKind.video_platform,
)  # fmt: skip


def golden_catalogue(*, seed: int = SEED, songs: int = SONGS) -> LabelledStream:
    """Make the catalogue of a seed.

    Parameters
    ----------
    seed : int
    songs : int
        works of popular music; a sonata of three movements comes on top of each dozen
    """
    chance = Chance(f"golden catalogue {seed}")
    groups = [
        *takes_of(list(draw_songs(songs, chance)), chance),
        *movements(songs // _SONGS_PER_SONATA, chance),
    ]
    told = [labelled for group in groups for labelled in _told(group, chance)]
    return LabelledStream(name=NAME, uploads=tuple(chance.shuffled(told)))


def _told(group: Sequence[Take], chance: Chance) -> Iterator[LabelledUpload]:
    """Have each recording of a group told by one sender or several."""
    for place, take in enumerate(group):
        times = chance.between(2, 4) if take.row in {ORIGINAL, CLASSICAL} else chance.between(1, 2)
        if take.is_video:
            times = 1
        for turn in range(times):
            sender = SourceKind.video_platform if take.is_video else chance.pick(_AUDIO_SENDERS)
            if take.row == "official_audio":
                sender = SourceKind.video_platform
            others = [each.isrc for each in group if each.isrc != take.isrc]
            wrong = chance.pick(others) if others and chance.roll(0.02) and not take.is_video else None
            item_id = f"{take.recording}-{place}{turn}"
            upload, tags = tell(take, sender, item_id, chance, wrong_isrc=wrong)
            spoken = () if take.row == CLASSICAL else (f"language:{take.language.code}",)
            yield LabelledUpload(
                upload=upload,
                recording=take.recording,
                work=take.work,
                sounds=take.heard,
                tags=(f"row:{take.row}", *spoken, *(f"noise:{tag}" for tag in tags)),
            )


def lines(stream: LabelledStream) -> Iterator[bytes]:
    """Write uploads and truth as JSON Lines."""
    for each in stream.uploads:
        truth = {"recording": each.recording, "work": each.work, "sounds": each.sounds, "tags": each.tags}
        yield orjson.dumps({"upload": orjson.loads(upload_line(each.upload)), "truth": truth})


def digest(stream: LabelledStream) -> str:
    """Sha256 of its lines."""
    seen = hashlib.sha256()
    for line in lines(stream):
        seen.update(line + b"\n")
    return seen.hexdigest()
