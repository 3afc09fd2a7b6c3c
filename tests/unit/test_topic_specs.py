import subprocess
import sys

import pytest

from streams.topics import FOREVER, TOPICS, topic

KEPT = {"arbiter.input.v1", "resolution.decided.v1", "entity.changed.v1", "relation.changed.v1"}


def test_names_are_unique_and_versioned() -> None:
    names = [spec.name for spec in TOPICS]
    assert len(set(names)) == len(names) == 24
    assert all(name.endswith(".v1") for name in names)


def test_the_record_is_kept_for_ever() -> None:
    assert {s.name for s in TOPICS if s.cleanup == "delete" and s.retention_ms == FOREVER} == KEPT


def test_compacted_topics_have_no_retention() -> None:
    settings = topic("index.row.v1").settings()
    assert settings["cleanup.policy"] == "compact"
    assert "retention.ms" not in settings


def test_sketches_and_changes_carry_the_brokers_clock() -> None:
    clocked = ["embedding.sketch.v1", "entity.changed.v1", "relation.changed.v1"]
    assert [s.name for s in TOPICS if s.append_time] == clocked


def test_unknown_topic_has_no_declaration() -> None:
    with pytest.raises(KeyError, match="nothing"):
        topic("nothing.v1")


def test_declarations_need_no_kafka_library() -> None:
    code = "import sys, streams.topics; sys.exit('confluent_kafka' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603
