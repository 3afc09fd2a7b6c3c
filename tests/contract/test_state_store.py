"""What every local store of the arbiter's state does, whatever it is made of."""

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from streams.core.catalogue import Changes
from streams.core.records import EntityState, MemberPlace, Origin, PairState, RelationState, UploadState
from streams.core.store_mark import LogIdentity, StoreMark
from streams.edges import sqlite_store
from streams.edges.memory_store import MemoryStateFile, MemoryStateStore
from streams.edges.sqlite_store import SqliteStateStore
from streams.ports import StateStore
from tests.contract.sample_records import full, least

Owner = Callable[[], StateStore]

LOG = LogIdentity(cluster_id="cluster", topic_ids={"upload.state.v1": "topic"})


def mark(sequence: int) -> StoreMark:
    return StoreMark(log=LOG, form="f", offsets={"upload.state.v1": sequence}, sequence=sequence)


@pytest.fixture(params=["memory", "sqlite"])
def owner(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Owner:
    """Make one owner after the other of the same store; each writes at once."""
    if request.param == "memory":
        file = MemoryStateFile()
        return lambda: MemoryStateStore(file)
    monkeypatch.setattr(sqlite_store, "GATHERED_KEYS", 1)
    return lambda: SqliteStateStore(tmp_path / "new" / "arbiter.db")


def upload(item: str, *, revision: int = 1) -> UploadState:
    return UploadState(
        source="s",
        item_id=item,
        revision=revision,
        digest="d",
        withdrawn_up_to=0,
        live=True,
        decision_id="x",
        origin=Origin(topic="t", partition=0, offset=revision),
    )


def entity(name: str, *members: str) -> EntityState:
    places = tuple(MemberPlace(member=each, master_id="m", audio_id="a") for each in members)
    return EntityState(
        entity_id=name,
        kind="recording",
        status="live",
        founder="f",
        minted_sequence=1,
        members=members,
        places=places,
    )


def pair(left: str, right: str) -> PairState:
    return PairState(left=left, right=right, recording_log_odds=1.5, work_log_odds=-2.0)


def relation(name: str) -> RelationState:
    return RelationState(
        relation_id=name,
        relation="live_version_of",
        from_entity="e",
        to_entity="f",
        status="asserted",
        probability=0.5,
        left="l",
        right="r",
    )


def whole() -> Changes:
    return Changes(
        uploads={each.key.text(): each for each in (upload("é"), upload("b"))},
        entities={"e": entity("e", "1:sé", "1:sb")},
        pairs={("1:sb", "1:sé"): pair("1:sb", "1:sé")},
        relations={"r": relation("r")},
    )


def test_a_new_store_is_empty(owner: Owner) -> None:
    store = owner()
    assert store.take_over() is None
    assert store.read() == Changes()
    store.close()


def test_what_was_written_is_there_for_the_next_owner(owner: Owner) -> None:
    store = owner()
    store.take_over()
    store.write(whole(), mark(1))
    store.close()
    after = owner()
    assert after.take_over() == mark(1)
    assert after.read() == whole()
    after.close()


def test_every_field_comes_back(owner: Owner) -> None:
    uploads = [
        *(full(UploadState, seed=seed) for seed in range(5)),
        replace(least(UploadState), item_id="least"),
    ]
    pairs = [replace(full(PairState, seed=seed), live=True) for seed in range(5)]
    changes = Changes(
        uploads={each.key.text(): each for each in uploads},
        pairs={(each.left, each.right): each for each in pairs},
    )
    store = owner()
    store.take_over()
    store.write(changes, mark(1))
    assert store.read() == changes
    store.close()


def test_the_last_value_of_a_key_holds_and_what_is_not_live_is_gone(owner: Owner) -> None:
    store = owner()
    store.take_over()
    store.write(whole(), mark(1))
    gone = replace(pair("1:sb", "1:sé"), live=False)
    store.write(
        Changes(
            uploads={"1:sb": upload("b", revision=2)},
            pairs={("1:sb", "1:sé"): gone},
            relations={"r": replace(relation("r"), status="retracted")},
        ),
        mark(2),
    )
    held = store.read()
    assert held is not None
    assert held.uploads["1:sb"].revision == 2
    assert held.uploads["1:sé"].revision == 1
    assert (held.pairs, held.relations) == ({}, {})
    store.close()
    assert owner().take_over() == mark(2)


def test_an_older_owner_writes_nothing_any_more(owner: Owner) -> None:
    older, newer = owner(), owner()
    older.take_over()
    older.write(whole(), mark(1))
    assert newer.take_over() == mark(1)
    newer.write(Changes(uploads={"1:sb": upload("b", revision=3)}), mark(3))
    older.write(Changes(uploads={"1:sb": upload("b", revision=2)}), mark(2))
    older.reset()
    older.close()
    newer.close()
    last = owner()
    assert last.take_over() == mark(3)
    held = last.read()
    assert held is not None
    assert held.uploads["1:sb"].revision == 3
    last.close()


def test_a_reset_store_is_empty_and_goes_on(owner: Owner) -> None:
    store = owner()
    store.take_over()
    store.write(whole(), mark(5))
    store.reset()
    assert store.read() == Changes()
    store.write(Changes(entities={"e": entity("e")}), mark(6))
    store.close()
    after = owner()
    assert after.take_over() == mark(6)
    assert after.read() == Changes(entities={"e": entity("e")})
    after.close()


def test_a_file_gathers_and_each_key_is_written_once(tmp_path: Path) -> None:
    store = SqliteStateStore(tmp_path / "arbiter.db")
    store.take_over()
    store.write(whole(), mark(1))
    store.write(Changes(uploads={"1:sb": upload("b", revision=2)}), mark(2))
    assert store.read() == Changes()
    store.close()
    after = SqliteStateStore(tmp_path / "arbiter.db")
    assert after.take_over() == mark(2)
    held = after.read()
    assert held is not None
    assert held.uploads["1:sb"].revision == 2
    after.close()


@pytest.mark.parametrize("seed", range(8))
def test_a_damaged_file_is_noticed_or_harmless(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "arbiter.db"
    store = SqliteStateStore(path)
    store.take_over()
    many = {each.key.text(): each for each in (upload(str(number)) for number in range(500))}
    store.write(Changes(uploads=many), mark(1))
    store.close()
    data = bytearray(path.read_bytes())
    rng = random.Random(seed)  # noqa: S311 - a test repeats
    start = rng.randrange(0, len(data) - 600)
    data[start : start + 600] = bytes(600)
    path.write_bytes(bytes(data) if seed % 2 else bytes(data[: len(data) // 2]))
    after = SqliteStateStore(path)
    found = after.take_over()
    if found is not None:
        assert after.read() in (None, Changes(uploads=many))
    after.reset()
    after.write(whole(), mark(2))
    after.close()
    last = SqliteStateStore(path)
    assert last.take_over() == mark(2)
    assert last.read() == whole()
    last.close()


def test_a_disk_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"not a folder")
    store = SqliteStateStore(blocked / "arbiter.db")
    assert store.take_over() is None
    store.write(whole(), mark(1))
    assert store.read() == Changes()
    store.close()
