"""Small loads with some of everything: copies, versions, revisions, withdrawals, sounds, repeats, rubbish."""

from dataclasses import dataclass, field
from pathlib import Path

import orjson

from streams.core.records import ItemKey
from tests.unit.media_files import melody, wav

SOUND_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Sent:
    """One record of `catalog.upload.v1` as a sender writes it."""

    key: bytes
    value: bytes


@dataclass(slots=True)
class Load:
    """Invents one small load after the other; no two are about the same songs.

    Parameters
    ----------
    music : Path, optional
        a folder that media may be read from: then each load has two uploads with the same sound
    """

    music: Path | None = None
    _number: int = field(default=0, init=False)

    def next(self) -> list[Sent]:
        """Invent a load."""
        self._number += 1
        n = self._number
        songs = [self._song(n, which) for which in range(3)]
        sent = [
            *(upload("label", f"{n}-{which}", **song) for which, song in enumerate(songs)),
            *(upload("shop", f"{n}-{which}", **song) for which, song in enumerate(songs)),
            upload(
                "label",
                f"{n}-live",
                **{**songs[0], "version": "Live at the Old Mill", "duration_ms": 251_000},
            ),
            # A revision moves it to another song; a withdrawal empties an entity.
            upload("shop", f"{n}-1", revision=2, **songs[2]),
            upload("label", f"{n}-gone", **self._song(n, 7)),
            upload("label", f"{n}-gone", operation="withdraw"),
            # The same again, from another origin.
            upload("label", f"{n}-0", **songs[0]),
            Sent(key=b"rubbish", value=b'{"source": "bad", "item_id": '),
        ]
        if self.music is not None:
            sent += self._heard(n, self.music)
        return sent

    def _song(self, n: int, which: int) -> dict[str, object]:
        return {
            "kind": "recording",
            "title": f"Clear Water {_word(n)} {_word(1000 * which + n)}",
            "artists": [{"name": f"The Example Band {_word(n + 17)}"}],
            "duration_ms": 180_000 + 997 * (n % 60) + 9_000 * which,
        }

    def _heard(self, n: int, music: Path) -> list[Sent]:
        path = music / f"{n}.wav"
        path.write_bytes(wav(melody(SOUND_SECONDS, seed=n)))
        media = [{"role": "audio", "uri": path.as_uri()}]
        return [
            upload("heard", f"{n}-a", kind="recording", title=f"Bells {_word(n)}", media=media),
            upload("heard", f"{n}-b", kind="recording", title=f"Bells {_word(n)}", media=media),
        ]


def _word(number: int) -> str:
    """Make a word of a number that resembles no other number's."""
    syllables = "ba ke li mo nu ra se ti vo wu fa ge hi jo pu za".split()
    mixed = number * 2_654_435_761 % 2**24
    return "".join(syllables[mixed >> shift & 15] for shift in range(0, 24, 4)).capitalize()


def upload(source: str, item_id: str, **more: object) -> Sent:
    """Write an upload as a sender does."""
    body = orjson.dumps({"source": source, "item_id": item_id, **more})
    return Sent(key=ItemKey(source, item_id).text().encode(), value=body)
