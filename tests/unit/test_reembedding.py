"""After a change of model the catalogue is embedded again: found and decided as before, and back again."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from streams.core.catalogue import Workspace
from streams.core.records import EncodedUpload, IndexRow, Origin, UploadState
from streams.core.rules import Confirm
from streams.edges.memory_encoder import MemoryConfirmer, MemoryEncoder
from streams.ports import HeardSound, Message, Sound
from streams.stages.arbiter_records import ROWS
from streams.stages.arbitrate import ArbitrateStage
from streams.stages.encode import ENCODED, EncodeProcessor
from streams.stages.find import INPUT
from streams.stages.reembed import Reembedded, outdated, reembed, retirements
from tests.unit.media_files import melody, wav
from tests.unit.test_encode_stage import Stage
from tests.unit.test_find_and_arbitrate import Pipeline
from tests.unit.title_scorer import RULES

OLD, NEW = "bands@1", "bands@2"


class NewerEncoder(MemoryEncoder):
    """The same encoder with its sound model under a new version."""

    @property
    def models(self) -> dict[str, str]:
        """Name the newer model."""
        return {**super().models, "identity": NEW}

    def encode_sound(self, sound: Sound) -> HeardSound:
        """Hear as before, and say so under the new name."""
        heard = super().encode_sound(sound)
        return dataclasses.replace(
            heard,
            features=heard.features + b"\0",  # another blob that reads alike
            vectors=tuple(replace(row, model=NEW) for row in heard.vectors),
        )


class SoundPipeline(Pipeline):
    """A pipeline whose arbiter compares sounds, and keeps no rows that the index has."""

    def __init__(self, confirm: Confirm) -> None:
        self.confirm = confirm
        super().__init__(kept_behind=0)

    def new_stage(self) -> ArbitrateStage:
        """Make an arbiter."""
        return ArbitrateStage(
            self.codec,
            dataclasses.replace(RULES, confirm=self.confirm),
            watermark=lambda: self.folded,
            overlay_rows=100,
            kept_behind=self.kept_behind,
        )


class Catalogue:
    """Media on disk, encoded by an old or a new model, looked up and decided."""

    def __init__(self, folder: Path) -> None:
        self.stage = Stage(folder)
        self.pipeline = SoundPipeline(MemoryConfirmer(self.stage.store).confirm)
        self.uploads = 0

    def encoder(self, encoder: MemoryEncoder) -> EncodeProcessor:
        return EncodeProcessor(self.pipeline.codec, encoder, media=self.stage.reader, store=self.stage.store)

    def upload(self, item: str, seed: int, encoder: MemoryEncoder) -> dict[str, float]:
        """Send a sound; give the candidates that a vector of sound proposed, by item."""
        fields: Mapping[str, Any] = {
            "source": "s",
            "item_id": item,
            "kind": "recording",
            "title": f"Title {item}",
            "media": [self.stage.file(f"{seed}.wav", wav(melody(12.0, seed=seed)))],
        }
        message = Message(
            topic="catalog.upload.v1", partition=0, offset=self.uploads, key=None, value=orjson.dumps(fields)
        )
        self.uploads += 1
        (encoded,) = [each for each in self.encoder(encoder).process([message]) if each.topic == ENCODED]
        record: EncodedUpload = self.pipeline.codec.decode(ENCODED, encoded.value or b"")
        assert record.refusal is None
        inputs = self.pipeline.look_up([record])
        found = self.pipeline.codec.decode(INPUT, inputs[0].value or b"").found
        self.pipeline.decide(inputs)
        self.pipeline.index_all()
        return {
            each.item_id: each.similarity
            for each in found.candidates
            if "vector:identity" in each.proposed_by
        }

    def outdated(self, encoder: MemoryEncoder) -> dict[Origin, UploadState]:
        return outdated(Workspace(self.pipeline.stage.catalogue), encoder.models)

    def embed(self, encoder: MemoryEncoder) -> list[Reembedded]:
        """Embed again what the encoder has not embedded, and publish it."""
        done = list(
            reembed(
                self.outdated(encoder),
                self.pipeline.log[INPUT],
                encode=self.encoder(encoder),
                confirm=self.pipeline.confirm,
                codec=self.pipeline.codec,
            )
        )
        self.publish([each.record for each in done if each.record is not None])
        return done

    def publish(self, records: list[EncodedUpload]) -> None:
        if records:
            assert self.pipeline.decide(self.pipeline.look_up(records)) == []
            self.pipeline.index_all()

    def state(self, item: str) -> UploadState:
        state = self.pipeline.stage.catalogue.upload(f"1:s{item}")
        assert state is not None
        return state

    def rows(self, first: int = 0) -> list[IndexRow]:
        codec = self.pipeline.codec
        return [codec.decode(ROWS, each.value or b"") for each in self.pipeline.log[ROWS][first:]]


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    """Two tracks that the old model has embedded."""
    made = Catalogue(tmp_path)
    made.upload("a", 1, MemoryEncoder())
    made.upload("b", 2, MemoryEncoder())
    return made


def test_old_tracks_are_found_by_sound_once_they_are_embedded_again(catalogue: Catalogue) -> None:
    assert "a" not in catalogue.upload("a2", 1, NewerEncoder())
    assert {state.item_id for state in catalogue.outdated(NewerEncoder()).values()} == {"a", "b"}
    assert [each.problem for each in catalogue.embed(NewerEncoder())] == ["", ""]
    assert catalogue.upload("a3", 1, NewerEncoder()).keys() >= {"a", "a2"}
    assert not catalogue.outdated(NewerEncoder())


def test_nothing_is_decided_anew(catalogue: Catalogue) -> None:
    before, head = catalogue.state("a"), catalogue.pipeline.stage.head
    catalogue.embed(NewerEncoder())
    after = catalogue.state("a")
    assert after.sound is not None
    assert before.sound is not None
    assert after.sound.features != before.sound.features
    assert replace(after, rows=before.rows, sound=before.sound) == before
    assert catalogue.pipeline.stage.head.sequence == head.sequence
    assert not catalogue.pipeline.subscriber_lacks()


def test_the_way_back_is_open(catalogue: Catalogue) -> None:
    catalogue.embed(NewerEncoder())
    catalogue.upload("c", 3, NewerEncoder())
    assert catalogue.upload("a2", 1, MemoryEncoder()).keys() >= {"a"}
    # What came under the new model lacks the old one, and gets it in the same way.
    assert "c" not in catalogue.upload("c2", 3, MemoryEncoder())
    catalogue.embed(MemoryEncoder())
    assert catalogue.upload("c3", 3, MemoryEncoder()).keys() >= {"c"}


def test_embedding_again_changes_nothing(catalogue: Catalogue) -> None:
    (first, second) = catalogue.embed(NewerEncoder())
    assert first.record is not None
    assert second.record is not None
    state, rows = catalogue.state("a"), catalogue.pipeline.index.active().rows
    assert catalogue.embed(NewerEncoder()) == []
    catalogue.publish([first.record, second.record])
    assert catalogue.state("a") == state
    assert catalogue.pipeline.index.active().rows == rows


def test_a_restart_knows_the_new_rows(catalogue: Catalogue) -> None:
    catalogue.embed(NewerEncoder())
    state = catalogue.state("a")
    stage = catalogue.pipeline.new_stage()
    stage.restore(catalogue.pipeline.read, ends=catalogue.pipeline.ends(), committed=None)
    assert stage.catalogue.upload(state.key.text()) == state


def test_what_was_replaced_or_withdrawn_meanwhile_gets_no_rows(catalogue: Catalogue) -> None:
    (first, second) = sorted(catalogue.embed(NewerEncoder()), key=lambda each: each.state.item_id)
    assert first.record is not None
    assert second.record is not None
    written = len(catalogue.rows())
    other = replace(first.record, digest="of other content")
    later = replace(second.record, revision=7)
    catalogue.publish([other, later, replace(first.record, item_id="nobody")])
    assert catalogue.rows(written) == []


def test_another_sound_at_the_same_place_is_a_problem(catalogue: Catalogue) -> None:
    # A sender who names no digest may put another file there.
    path = catalogue.stage.music / "1.wav"
    fields = {"uri": path.as_uri(), "role": "audio"}
    body = {"source": "s", "item_id": "d", "kind": "recording", "title": "D", "media": [fields]}
    message = Message(topic="catalog.upload.v1", partition=0, offset=9, key=None, value=orjson.dumps(body))
    (encoded,) = [
        each for each in catalogue.encoder(MemoryEncoder()).process([message]) if each.topic == ENCODED
    ]
    record: EncodedUpload = catalogue.pipeline.codec.decode(ENCODED, encoded.value or b"")
    catalogue.pipeline.decide(catalogue.pipeline.look_up([record]))
    path.write_bytes(wav(melody(12.0, seed=40) ** 3))
    problems = {each.state.item_id: each.problem for each in catalogue.embed(NewerEncoder())}
    assert problems["d"] == "its media hold another sound than was decided on"
    assert problems["a"].startswith("media_")  # that one names its digest
    assert problems["b"] == ""


def test_rows_of_a_retired_model_go_where_another_stands_in(catalogue: Catalogue) -> None:
    catalogue.embed(NewerEncoder())
    catalogue.upload("old", 5, MemoryEncoder())
    written = len(catalogue.rows())
    gone = list(retirements(Workspace(catalogue.pipeline.stage.catalogue), [OLD]))
    assert {each.state.item_id for each in gone} == {"a", "b"}
    catalogue.publish([each.record for each in gone if each.record is not None])
    assert {(row.item_id, row.model, row.state) for row in catalogue.rows(written)} == {
        ("a", OLD, "deleted"),
        ("b", OLD, "deleted"),
    }
    assert {kept.model for kept in catalogue.state("a").rows} == {"trigrams@1", NEW}
    assert {kept.model for kept in catalogue.state("old").rows} == {"trigrams@1", OLD}
