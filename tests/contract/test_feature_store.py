"""What every feature store does, whatever it is made of."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.edges.feature_files import FileFeatureStore
from streams.edges.memory_features import MemoryFeatureStore
from streams.errors import FeatureMissing, FeatureStoreUnavailable
from streams.ports import FeatureStore

Damage = Callable[[str], None]


@pytest.fixture(params=["memory", "files"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[FeatureStore, Damage]:
    if request.param == "memory":
        memory = MemoryFeatureStore()
        return memory, memory.damage
    root = tmp_path / "features"

    def damage(digest: str) -> None:
        path = root / digest[:2] / digest[2:]
        path.write_bytes(path.read_bytes()[:-1])

    return FileFeatureStore(root), damage


def test_gives_back_what_was_kept(store: tuple[FeatureStore, Damage]) -> None:
    features, _ = store
    for data in (b"", b"abc", bytes(range(256)) * 4096):
        digest = features.put(data)
        assert digest == hashlib.sha256(data).hexdigest()
        assert features.get(digest) == data
        assert features.has(digest)


def test_keeping_twice_gives_the_same_name(store: tuple[FeatureStore, Damage]) -> None:
    features, _ = store
    assert features.put(b"abc") == features.put(b"abc")


def test_unknown_blob_is_missing(store: tuple[FeatureStore, Damage]) -> None:
    features, _ = store
    digest = hashlib.sha256(b"never kept").hexdigest()
    assert not features.has(digest)
    with pytest.raises(FeatureMissing):
        features.get(digest)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "AB" * 32, "a" * 63, "a" * 64 + "\n"])
def test_a_name_that_is_no_digest_is_missing(store: tuple[FeatureStore, Damage], name: str) -> None:
    features, _ = store
    assert not features.has(name)
    with pytest.raises(FeatureMissing):
        features.get(name)


def test_damaged_bytes_are_never_handed_out(store: tuple[FeatureStore, Damage]) -> None:
    features, damage = store
    digest = features.put(b"some features")
    damage(digest)
    with pytest.raises(FeatureMissing):
        features.get(digest)


def test_keeping_a_damaged_blob_again_heals_it(store: tuple[FeatureStore, Damage]) -> None:
    features, damage = store
    digest = features.put(b"some features")
    damage(digest)
    features.put(b"some features")
    assert features.get(digest) == b"some features"


def test_a_file_store_outlives_its_process(tmp_path: Path) -> None:
    digest = FileFeatureStore(tmp_path).put(b"abc")
    assert FileFeatureStore(tmp_path).get(digest) == b"abc"


def test_keeping_again_refreshes_the_time(tmp_path: Path) -> None:
    features = FileFeatureStore(tmp_path)
    digest = features.put(b"abc")
    path = tmp_path / digest[:2] / digest[2:]
    os.utime(path, (1, 1))
    features.put(b"abc")
    assert path.stat().st_mtime > 1_000_000


def test_no_temporary_file_stays_and_lost_ones_are_swept(tmp_path: Path) -> None:
    features = FileFeatureStore(tmp_path)
    features.put(b"abc")
    assert list((tmp_path / "tmp").iterdir()) == []
    lost, fresh = tmp_path / "tmp" / "lost", tmp_path / "tmp" / "fresh"
    lost.write_bytes(b"half")
    fresh.write_bytes(b"half")
    os.utime(lost, (1, 1))
    FileFeatureStore(tmp_path)
    assert list((tmp_path / "tmp").iterdir()) == [fresh]


def test_a_store_that_cannot_be_written_is_our_own_fault(tmp_path: Path) -> None:
    features = FileFeatureStore(tmp_path)
    digest = hashlib.sha256(b"abc").hexdigest()
    (tmp_path / digest[:2]).write_bytes(b"a file where a folder should be")
    with pytest.raises(FeatureStoreUnavailable):
        features.put(b"abc")
