"""The work of one seed: uploads of music that does not exist, and everything senders do to a catalogue.

What belongs together shares a title, an artist or a sound that leads to it from every side, so that the
edges of the pair graph are discovered whatever order the uploads come in.
"""

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import orjson
from msgspec import structs

from streams.core.bundle import Bundle
from streams.core.records import (
    AdminCommand,
    Artist,
    Identifiers,
    ItemKey,
    Media,
    Operation,
    Promotion,
    Release,
    Rights,
    SourceKind,
    Upload,
    Verdict,
)
from streams.ports import Codec

UPLOADS: Final = "catalog.upload.v1"
VERDICTS: Final = "review.verdict.v1"
COMMANDS: Final = "admin.command.v1"
PROMOTIONS: Final = "model.promoted.v1"

_TITLES: Final = (
    "Clear Water", "Slow Lantern", "Paper Kite", "Silver Harbour", "Crooked River", "Midnight Orchard",
    "Golden Balcony", "Hollow Mountain", "Velvet Engine", "Distant Bells", "Copper Garden", "Broken Compass",
)  # fmt: skip
_ARTISTS: Final = ("The Example Band", "Ada Vossberg", "Nils Terrane", "Mara Quill", "Los Ejemplos")
_SOURCES: Final = ("label-a", "label-b", "aggregator-c", "video-d")

EntityOf = Callable[[ItemKey], str | None]


@dataclass(frozen=True, slots=True)
class Sending:
    """One record that somebody from outside sends.

    Attributes
    ----------
    value : bytes or callable
        a command names entities, whose ids are known only once their members were decided
    partition : int, optional
        where the key does not decide it: a sender that does not go by keys
    """

    topic: str
    key: bytes
    value: bytes | Callable[[EntityOf], bytes | None]
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class Workload:
    """Rounds of sendings; a round begins when everything before it is decided."""

    rounds: tuple[tuple[Sending, ...], ...]

    def __len__(self) -> int:
        return sum(map(len, self.rounds))


@dataclass(frozen=True, slots=True)
class _Song:
    title: str
    artist: str
    isrc: str | None
    duration_ms: int
    sound: int | None


def draw_workload(seed: int, codec: Codec, bundle: Bundle) -> Workload:
    """Draw the work of a seed, of which promotions vary the bundle that is in force first."""
    return _Drawing(seed, codec, bundle).rounds()


class _Drawing:
    def __init__(self, seed: int, codec: Codec, bundle: Bundle) -> None:
        self._bundle = bundle
        self._chance = random.Random(f"work {seed}")  # noqa: S311 - a run must repeat
        self._codec = codec
        self._items = 0
        self._with_sound = self._chance.random() < 0.3
        self._sent: list[Upload] = []

    def rounds(self) -> Workload:
        chance = self._chance
        songs = [self._song(number) for number in range(chance.randint(2, 6))]
        size = chance.choice((5, 6, 8, 8, 10, 12, 20))
        first = list(self._uploads(songs, size))
        rounds = [self._shuffled(first)]
        if chance.random() < 0.6:
            rounds += _looked_at(self._judgements())
        if chance.random() < 0.2:
            rounds.append((self._promotion(),))
        if chance.random() < 0.3:
            rounds.append(self._shuffled(list(self._uploads(songs, 4))))
        return Workload(tuple(each for each in rounds if each))

    # --- uploads ---

    def _song(self, number: int) -> _Song:
        chance = self._chance
        return _Song(
            title=chance.choice(_TITLES),
            artist=chance.choice(_ARTISTS),
            isrc=f"QZAAA26{number:05d}" if chance.random() < 0.6 else None,
            duration_ms=chance.randint(150_000, 280_000),
            sound=number if self._with_sound and chance.random() < 0.7 else None,
        )

    def _uploads(self, songs: Sequence[_Song], size: int) -> Iterator[list[Sending]]:
        """Give groups of sendings; the order within a group is kept."""
        for _ in range(size):
            song = self._chance.choice(songs)
            kind = self._chance.choices(
                (
                    "copy",
                    "version",
                    "twins",
                    "repeat",
                    "revisions",
                    "withdrawn",
                    "early",
                    "broken",
                    "conflict",
                    "unnamed",
                ),
                (8, 4, 3, 2, 3, 2, 1, 1, 1, 4 if song.sound is not None else 0),
            )[0]
            yield from getattr(self, f"_{kind}")(song)

    def _upload(self, song: _Song, **changes: object) -> Upload:
        chance = self._chance
        self._items += 1
        title = chance.choice((song.title, song.title.upper(), f"{song.title} ", song.title))
        upload = Upload(
            source=chance.choice(_SOURCES),
            item_id=f"{self._items:03d}",
            source_kind=chance.choice((SourceKind.label_feed, SourceKind.aggregator)),
            title=title,
            artists=(Artist(name=song.artist),),
            releases=(Release(title=f"{song.title} and Others", date="2004"),),
            duration_ms=song.duration_ms + chance.randint(-400, 400),
            identifiers=Identifiers(isrc=(song.isrc,) if song.isrc and chance.random() < 0.6 else ()),
        )
        if song.sound is not None and chance.random() < 0.7:
            upload = replace(upload, media=(Media(role="audio", uri=f"file:///sound/{song.sound}"),))
        upload = replace(upload, **changes)  # type: ignore[arg-type]
        self._sent.append(upload)
        return upload

    def _copy(self, song: _Song) -> Iterator[list[Sending]]:
        yield [self._sending(self._upload(song))]

    def _version(self, song: _Song) -> Iterator[list[Sending]]:
        said = self._chance.choice(
            ("Live at the Old Mill", "Karaoke", "Radio Edit", "Acoustic", "Remastered 2011")
        )
        title = self._chance.choice((song.title, f"{song.title} ({said})"))
        yield [self._sending(self._upload(song, title=title, version=said))]

    def _twins(self, song: _Song) -> Iterator[list[Sending]]:
        """Two near-identical recordings, at once or one after the other, by two sources."""
        one = self._upload(song)
        other = replace(one, source=self._chance.choice(_SOURCES), item_id=f"{one.item_id}-twin")
        self._sent.append(other)
        pair = [self._sending(one), self._sending(other)]
        if self._chance.random() < 0.5:
            yield pair
        else:
            yield pair[:1]
            yield pair[1:]

    def _repeat(self, song: _Song) -> Iterator[list[Sending]]:
        """Send an upload again, also where its key does not lead."""
        upload = self._upload(song)
        for _ in range(self._chance.randint(2, 3)):
            yield [self._sending(upload, partition=self._chance.choice((None, None, 0, 1, 2, 3)))]

    def _revisions(self, song: _Song) -> Iterator[list[Sending]]:
        """Revisions in any order; a late lower one is superseded."""
        first = self._upload(song)
        for revision in self._chance.sample(range(1, 4), self._chance.randint(2, 3)):
            changed = replace(
                first, revision=revision, title=f"{song.title}" if revision % 2 else "Other Name"
            )
            yield [self._sending(changed)]

    def _withdrawn(self, song: _Song) -> Iterator[list[Sending]]:
        upload = self._upload(song)
        group = [self._sending(upload), self._withdrawal(upload, self._chance.choice((None, 1, 2)))]
        if self._chance.random() < 0.4:
            group.append(self._sending(replace(upload, revision=3)))
        yield group

    def _early(self, song: _Song) -> Iterator[list[Sending]]:
        """Withdraw what comes only later."""
        upload = self._upload(song)
        yield [self._withdrawal(upload, self._chance.choice((1, 2)))]
        yield [self._sending(upload)]

    def _broken(self, song: _Song) -> Iterator[list[Sending]]:
        upload = self._upload(song)
        whole = self._codec.encode(UPLOADS, upload)
        value = self._chance.choice(
            (
                whole[: len(whole) // 2],
                whole[:4] + bytes(6) + whole[10:],
                b"{}",
                b'{"source": "label-a", "item_id": "x", "kind": "cake"}',
                b"",
                self._chance.randbytes(40),
            )
        )
        self._sent.remove(upload)
        yield [Sending(UPLOADS, upload.key.text().encode(), value)]

    def _conflict(self, song: _Song) -> Iterator[list[Sending]]:
        """One revision with two contents; they lead to the same place, so that it is all one who is first."""
        upload = self._upload(song)
        yield [self._sending(upload), self._sending(replace(upload, rights=Rights(c_line="2004 Example")))]

    def _unnamed(self, song: _Song) -> Iterator[list[Sending]]:
        """Send a sound under a name that leads nowhere: only what is heard tells what it is."""
        number = self._items
        unnamed = self._upload(
            song,
            title=f"Nameless {chr(97 + number % 26)}{number}",
            artists=(Artist(name=f"Stranger {number}"),),
            releases=(),
            identifiers=Identifiers(),
            duration_ms=None,
            media=(Media(role="audio", uri=f"file:///sound/{song.sound}"),),
        )
        yield [self._sending(unnamed)]

    def _withdrawal(self, upload: Upload, revision: int | None) -> Sending:
        said: dict[str, object] = {
            "source": upload.source, "item_id": upload.item_id, "operation": Operation.withdraw.value
        }  # fmt: skip
        if revision is not None:
            said["revision"] = revision
        return Sending(UPLOADS, upload.key.text().encode(), orjson.dumps(said))

    def _sending(self, upload: Upload, *, partition: int | None = None) -> Sending:
        if self._chance.random() < 0.7:
            value = self._codec.encode(UPLOADS, upload)
        else:
            value = orjson.dumps(upload, default=structs.asdict)
        return Sending(UPLOADS, upload.key.text().encode(), value, partition)

    def _shuffled(self, groups: list[list[Sending]]) -> tuple[Sending, ...]:
        """Mix groups, keeping the order within each."""
        turns = [at for at, group in enumerate(groups) for _ in group]
        self._chance.shuffle(turns)
        waiting = [iter(group) for group in groups]
        return tuple(next(waiting[at]) for at in turns)

    # --- judgements ---

    def _judgements(self) -> Iterator[Sending]:
        """Say what reviewers and operators say once the uploads are decided."""
        chance = self._chance
        if len(self._sent) < 2:
            return
        for number in range(chance.randint(1, 4)):
            left, right = chance.sample(self._sent, 2)
            match chance.choice(("match", "non_match", "withdrawn", "merge", "split", "unmerge", "nonsense")):
                case "merge" | "split" | "unmerge" as command:
                    yield self._command(command, f"c{number}", left.key, right.key)
                case "nonsense":
                    yield Sending(VERDICTS, b"?", b"no verdict at all")
                case judgement:
                    for again in range(chance.randint(1, 2)):
                        verdict = Verdict(
                            verdict_id=f"v{number}-{again}",
                            left_source=left.source,
                            left_item_id=left.item_id,
                            right_source=right.source,
                            right_item_id=right.item_id,
                            judgement=judgement if not again else "withdrawn",
                        )
                        key = f"{left.key}|{right.key}".encode()
                        yield Sending(VERDICTS, key, self._codec.encode(VERDICTS, verdict))

    def _promotion(self) -> Sending:
        """Bring another bundle into force, or one that is not what it says it is.

        It states a size that no catalogue here outgrows, so that it is all one how large this one was.
        """
        bundle = replace(
            self._bundle,
            version="another",
            catalogue_size=max(64, self._bundle.catalogue_size),
            recording_match=self._bundle.recording_match + self._chance.choice((-1.0, 0.0, 2.0)),
        )
        payload = bundle.to_json()
        said = Promotion(
            promotion_id="p1",
            subject="bundle",
            version=bundle.version,
            payload=payload,
            sha256=hashlib.sha256(payload if self._chance.random() < 0.8 else b"other").hexdigest(),
        )
        return Sending(PROMOTIONS, b"bundle", self._codec.encode(PROMOTIONS, said))

    def _command(self, command: str, name: str, left: ItemKey, right: ItemKey) -> Sending:
        def value(entity_of: EntityOf) -> bytes | None:
            homes = [entity_of(left), entity_of(right)]
            if None in homes:
                return None
            said = AdminCommand(
                command_id=name,
                command=command,
                entity_ids=tuple(str(home) for home in (homes if command == "merge" else homes[:1])),
                members=(left.text(),) if command == "split" else (),
            )
            return self._codec.encode(COMMANDS, said)

        return Sending(COMMANDS, name.encode(), value)


def _looked_at(judgements: Iterator[Sending]) -> list[tuple[Sending, ...]]:
    """Let every command be a round of its own: an operator looks at what stands before naming entities."""
    rounds: list[tuple[Sending, ...]] = [()]
    for each in judgements:
        if each.topic == COMMANDS:
            rounds += [(each,), ()]
        else:
            rounds[-1] = (*rounds[-1], each)
    return rounds
