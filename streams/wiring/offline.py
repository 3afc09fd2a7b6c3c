"""`resolve` and `compare`: the stages over files, with the models where they are built."""

import gc
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from streams.config import Settings
from streams.core.bundle import Bundle
from streams.core.scoring import Scorer
from streams.edges.avro import AvroCodec
from streams.edges.harmony_lines import FeatureLines
from streams.edges.landmark_material import LandmarkMaterial
from streams.edges.memory_features import MemoryFeatureStore
from streams.edges.memory_index import MemoryCandidateIndex
from streams.edges.passing import PassingCodec
from streams.edges.sound_comparison import FeatureConfirmer
from streams.edges.title_cards import TesseractReader
from streams.offline import OfflineParts, compare_lines, read_lines, resolve_lines, write_lines
from streams.stages.encode import ENCODED, MAX_ENCODED_BYTES, EncodeProcessor
from streams.wiring.parts import encoder, media_reader, rules, seldom_collected


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What became of the lines of a file.

    Attributes
    ----------
    counts : mapping of str to int
        lines by what was said of them
    entities : int
        different ones in all answers
    problems : tuple of str
        one for each line that was refused
    """

    counts: Mapping[str, int]
    entities: int = 0
    problems: tuple[str, ...] = ()


def resolve_file(settings: Settings, uploads: Path, output: Path) -> Answered:
    """Resolve a file of uploads."""
    with offline_parts(settings, uploads) as parts:
        lines = read_lines(uploads)
        answers = list(
            resolve_lines(
                lines, parts, index=MemoryCandidateIndex(), rules=rules(Bundle.packaged(), parts.confirm)
            )
        )
    write_lines(output, answers)
    return Answered(
        counts=Counter(answer["decision"] for answer in answers),
        entities=len({answer["entity_id"] for answer in answers if answer.get("entity_id")}),
        problems=tuple(
            f"line {number}: {answer.get('reason', 'refused')}"
            for number, answer in enumerate(answers, start=1)
            if answer["decision"] == "rejected"
        ),
    )


def compare_file(settings: Settings, pairs: Path, output: Path) -> Answered:
    """Compare a file of pairs."""
    with offline_parts(settings, pairs) as parts:
        answers = list(compare_lines(read_lines(pairs), parts, Scorer(Bundle.packaged())))
    write_lines(output, answers)
    return Answered(
        counts=Counter("refused" if "error" in answer else "compared" for answer in answers),
        problems=tuple(
            f"line {number}: {answer['error']}"
            for number, answer in enumerate(answers, start=1)
            if "error" in answer
        ),
    )


@contextmanager
def offline_parts(settings: Settings, given: Path | None = None) -> Iterator[OfflineParts]:
    """Build the encode stage over stores that vanish; media beside the given file may be read."""
    with ExitStack() as closing:
        closing.enter_context(seldom_collected())
        # Nobody reads the bytes between the stages of one process: writing them was a quarter of the time.
        codec = PassingCodec(AvroCodec(), bounded={ENCODED: MAX_ENCODED_BYTES})
        store = MemoryFeatureStore()
        embedding = encoder(settings)
        media = None
        if embedding is not None:
            scratch = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="samesong-")))
            media = media_reader(
                settings, work=scratch, more_roots=(given.resolve().parent,) if given is not None else ()
            )
            closing.callback(media.close)
        encode = EncodeProcessor(
            codec, embedding, media=media, reader=TesseractReader.installed(), store=store
        )
        yield OfflineParts(
            codec=codec,
            encode=encode,
            confirm=FeatureConfirmer(store).confirm,
            settled=gc.freeze,
            material=LandmarkMaterial(store, most_entries=settings.index.material_entries),
            lines=FeatureLines(store),
        )
