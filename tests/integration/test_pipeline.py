"""The whole on a real Kafka, with the real models: one running service, and what is asked of it."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson
import pytest
from typer.testing import CliRunner

from benchmarks.sung import sung
from streams.cli.app import app
from streams.cli.decisions import follow_decisions, read_records
from streams.config import Settings, load_settings
from streams.connection import bootstrap_of, codec_for
from streams.core.records import (
    ArbiterInput,
    Contradiction,
    DeadLetter,
    Decision,
    Origin,
    Outcome,
    RelationChanged,
)
from streams.edges.committed_log import CommittedLog, read_topic
from streams.edges.kafka_producer import Publisher
from streams.edges.metrics import STAGE_PORTS
from streams.edges.tracing import read_traces
from streams.ports import FloatArray
from streams.subscriber import compare_with_arbiter
from streams.telemetry import TraceNode, trace_tree
from tests.integration.installation import DEADLINE_S, Installation, closed_port, taken_ports
from tests.unit.media_files import RATE, image_bomb, melody, ogg, silent_hours, wav
from tests.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.models]

UPLOADS = "catalog.upload.v1"


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the one folder that media may be read from."""
    return tmp_path_factory.mktemp("music")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, music: Path) -> Iterator[Installation]:
    """Run the service with traces in files, and with both of telemetry's outlets unusable throughout."""
    with taken_ports(len(STAGE_PORTS)) as taken:
        environment = {
            "SAMESONG_MEDIA__ALLOWED_ROOTS": orjson.dumps([str(music)]).decode(),
            "SAMESONG_REFUSALS__RUN": "30",
            "SAMESONG_TELEMETRY__TRACES_FILE": "true",
            "SAMESONG_TELEMETRY__OTLP_ENDPOINT": f"http://127.0.0.1:{closed_port()}",
            "SAMESONG_TELEMETRY__PROMETHEUS_PORT": str(taken),
        }
        installation = Installation(tmp_path_factory.mktemp("pipeline"), environment)
        with installation.running():
            yield installation


def song(source: str, number: int, **more: object) -> dict[str, object]:
    return {
        "source": source,
        "item_id": str(number),
        "kind": "recording",
        "title": f"Clear Water Number {number * 7919}",
        "artists": [{"name": f"The Example Band {number}"}],
        "duration_ms": 200_000 + 997 * number,
        **more,
    }


# --- traces ----------------------------------------------------------------------------------------------

Shape = tuple[str, str, frozenset[Any]]


def _shape(node: TraceNode) -> Shape:
    """Give what a span is and what follows from it; alike branches (one per index row) count once."""
    return node.span.name, node.span.stage, frozenset(map(_shape, node.children))


def _chain(*spans: tuple[str, str]) -> Shape:
    """Give the shape in which each span follows from the one before."""
    (name, stage), *rest = spans
    return name, stage, frozenset([_chain(*rest)] if rest else [])


def test_one_upload_is_one_trace_through_every_stage(service: Installation) -> None:
    (decision,) = service.publish(song("traced", 900))
    assert decision["outcome"] == "new"
    expected = _chain(
        (f"publish {UPLOADS}", "publish"),
        ("resolver.encode", "encode"),
        ("resolver.find", "find"),
        ("resolver.arbitrate", "arbitrate"),
        ("resolver.index", "index"),
    )

    def shapes() -> list[Shape]:
        spans = read_traces(service.data_dir)
        return [_shape(root) for root in trace_tree(spans, decision["trace_id"])]

    wait_until(lambda: "resolver.index" in str(shapes()), DEADLINE_S)
    assert shapes() == [expected]
    batches = [span for span in read_traces(service.data_dir) if decision["trace_id"] in span.links]
    assert {(span.name, span.kind, span.stage) for span in batches} == {
        (f"process {UPLOADS}", "consumer", "encode"),
        ("process upload.encoded.v1", "consumer", "find"),
        ("process arbiter.input.v1", "consumer", "arbitrate"),
        ("process index.row.v1", "consumer", "index"),
    }


def test_telemetry_that_reaches_nobody_harms_nothing(service: Installation) -> None:
    assert service.publish(song("unheard", 901))[0]["outcome"] == "new"
    for stage in ("encode", "arbitrate", "index"):
        wait_until(lambda stage=stage: "traces cannot be sent" in service.log(stage), DEADLINE_S)  # type: ignore[misc]  # a default binds the loop's name
        assert "no metrics on port" in service.log(stage)


# --- bad input -------------------------------------------------------------------------------------------


class Bad(NamedTuple):
    """A record that is refused: its bytes, the code, and what the reason names."""

    body: bytes
    code: str
    reason: str = ""


def _bad_metadata() -> dict[str, Bad]:
    plain = song("bad", 1)
    unnamed = {name: value for name, value in plain.items() if name != "item_id"}
    body = orjson.dumps
    return {
        "broken JSON": Bad(b'{"source": "bad", "item_id": ', "schema_error", "not JSON"),
        "unknown field": Bad(body({**plain, "colour": "red"}), "schema_error", "colour"),
        "missing field": Bad(body(unnamed), "schema_error", "item_id"),
        "impossible duration": Bad(body({**plain, "duration_ms": -5}), "schema_error", "duration_ms"),
        "10-day duration": Bad(body({**plain, "duration_ms": 864_000_000}), "schema_error", "duration_ms"),
        "empty title": Bad(body({**plain, "title": " "}), "schema_error", "title"),
        "wrong Avro magic": Bad(b"\xc3\x02" + bytes(40), "decode_error", "c3 02"),
        "unknown fingerprint": Bad(b"\xc3\x01" + b"\x11" * 8 + bytes(40), "decode_error", "11" * 8),
        "nothing at all": Bad(b"", "decode_error"),
    }


def _bad_media(music: Path, elsewhere: Path) -> dict[str, Bad]:
    good = ogg(melody(12.0))

    def naming(uri: str, **more: str) -> bytes:
        return orjson.dumps(song("bad", 2, media=[{"role": "audio", "uri": uri, **more}]))

    def artwork(name: str, data: bytes) -> bytes:
        (music / name).write_bytes(data)
        return naming((music / name).as_uri(), role="artwork")

    def holding(name: str, data: bytes, **more: str) -> bytes:
        (music / name).write_bytes(data)
        return naming((music / name).as_uri(), **more)

    (elsewhere / "outside.ogg").write_bytes(good)
    (music / "link.ogg").symlink_to(elsewhere / "outside.ogg")
    return {
        "missing file": Bad(naming((music / "none.ogg").as_uri()), "media_missing"),
        "outside the roots": Bad(naming((elsewhere / "outside.ogg").as_uri()), "media_outside_roots"),
        "a link that leads outside": Bad(naming((music / "link.ogg").as_uri()), "media_outside_roots"),
        "loopback": Bad(naming("https://127.0.0.1/a.ogg"), "media_private_address"),
        "loopback by name": Bad(naming("https://localhost/a.ogg"), "media_private_address"),
        "wrong sha256": Bad(holding("other.ogg", good, sha256="0" * 64), "media_digest_mismatch"),
        "0 bytes": Bad(holding("empty.mp3", b""), "media_empty"),
        "a text": Bad(holding("text.mp3", b"This is no song.\n" * 300), "media_not_audio"),
        "truncated": Bad(holding("half.ogg", good[: len(good) // 2]), "media_truncated"),
        "silent": Bad(holding("silent.wav", wav(melody(3.0) * 0)), "media_silent"),
        "10 hours": Bad(holding("hours.flac", silent_hours(10)), "media_too_long"),
        "image bomb": Bad(artwork("bomb.png", image_bomb(30_000)), "media_image_bomb"),
    }


def _publish_raw(settings: Settings, bodies: list[bytes]) -> list[Origin]:
    """Write bytes as they are, all to one partition and so in this order."""
    with Publisher(bootstrap_of(settings)) as publisher:
        sent = [publisher.publish(UPLOADS, key=b"one partition", value=body) for body in bodies]
    return [Origin(topic=UPLOADS, partition=where.partition or 0, offset=where.offset or 0) for where in sent]


def _decisions(settings: Settings, origins: list[Origin]) -> dict[Origin, Decision]:
    """Wait until each is decided; none is decided twice."""
    found: dict[Origin, Decision] = {}
    with follow_decisions(settings, start="beginning") as follower:

        def look() -> bool:
            for decision in follower.poll(0.5):
                assert decision.origin not in found
                found[decision.origin] = decision
            return set(origins) <= found.keys()

        wait_until(look, DEADLINE_S)
    return found


def test_each_bad_record_is_refused_and_the_one_after_it_is_decided(
    service: Installation, music: Path, tmp_path: Path
) -> None:
    bad = {**_bad_metadata(), **_bad_media(music, tmp_path)}
    settings = load_settings(data_dir=service.data_dir)
    bodies = [
        body
        for number, one in enumerate(bad.values())
        for body in (one.body, orjson.dumps(song("good", 100 + number)))
    ]
    origins = _publish_raw(settings, bodies)
    assert [origin.offset for origin in origins] == list(
        range(origins[0].offset, origins[0].offset + len(bodies))
    )
    decided = _decisions(settings, origins)
    letters: list[DeadLetter] = list(read_records(settings, "deadletter.v1"))
    assert set(Counter(letter.origin for letter in letters).values()) == {1}
    by_origin = {letter.origin: letter for letter in letters}
    for (name, one), refused, after in zip(bad.items(), origins[::2], origins[1::2], strict=True):
        decision, letter = decided[refused], by_origin[refused]
        assert (decision.outcome, decision.code) == (Outcome.rejected, one.code), name
        assert letter.code == one.code, name
        assert one.reason in (decision.reason or ""), name
        assert (letter.body, letter.body_bytes) == (one.body, len(one.body)), name
        assert letter.body_sha256 == hashlib.sha256(one.body).hexdigest(), name
        assert decided[after].outcome is Outcome.new, f"the upload after: {name}"
        assert after not in by_origin


def test_a_bad_release_waits_and_is_decided_once_when_a_person_says_so(service: Installation) -> None:
    settings = load_settings(data_dir=service.data_dir)
    origins = _publish_raw(settings, [b"a bad release"] * 50 + [orjson.dumps(song("behind", 903))])
    first = _decisions(settings, origins[:30])
    assert {first[origin].outcome for origin in origins[:30]} == {Outcome.rejected}
    partition = str(origins[0].partition)

    def held() -> bool:
        shown = CliRunner().invoke(app, ["stage", "status", "--data-dir", str(service.data_dir), "--json"])
        return f'"{UPLOADS} [{partition}]"' in shown.output

    wait_until(held, DEADLINE_S)
    decided = {each.origin for each in read_records(settings, "resolution.decided.v1")}
    assert not decided & set(origins[30:])
    arguments = ["stage", "resume", "encode", "--partition", partition, "--exempt-waiting"]
    done = CliRunner().invoke(app, [*arguments, "--data-dir", str(service.data_dir)])
    assert done.exit_code == 0, done.output
    decided_now = _decisions(settings, origins)
    outcomes = Counter(decided_now[origin].outcome for origin in origins)
    assert outcomes == {Outcome.rejected: 50, Outcome.new: 1}


def _deadletters(service: Installation, *arguments: str, status: int = 0) -> Any:
    done = CliRunner().invoke(app, ["deadletters", *arguments, "--data-dir", str(service.data_dir)])
    assert done.exit_code == status, done.output
    return done


def test_a_refused_upload_is_decided_when_the_world_is_mended_and_replayed(
    service: Installation, music: Path
) -> None:
    settings = load_settings(data_dir=service.data_dir)
    path = music / "late.ogg"
    # Longer than what a letter once kept: its bytes must come back whole.
    upload = song(
        "late", 904, media=[{"role": "audio", "uri": path.as_uri()}], ext={"late": {"x": "y" * 9000}}
    )
    body = orjson.dumps(upload)
    (origin,) = _publish_raw(settings, [body])
    assert _decisions(settings, [origin])[origin].code == "media_missing"
    name = f"{origin.topic}/{origin.partition}/{origin.offset}"
    shown = _deadletters(service, "show", name)
    for said in (
        "media_missing",
        f"source-topic: {UPLOADS}",
        f"source-offset: {origin.offset}",
        "traceparent",
    ):
        assert said in shown.output
    assert _deadletters(service, "show", name, "--raw").stdout_bytes == body
    only = ("--source", "late", "--code", "media_missing", "--since", "1h")
    assert f"{name} [media_missing]" in _deadletters(service, "replay", *only, "--dry-run").output

    def replayed() -> list[Decision]:
        """Give the decisions on this item, in their order."""
        decisions: list[Decision] = list(read_records(settings, "resolution.decided.v1"))
        return [each for each in decisions if (each.source, each.item_id) == ("late", "904")]

    def replay(count: int) -> Decision:
        _deadletters(service, "replay", *only, "--rate", "10")
        wait_until(lambda: len(replayed()) == count, DEADLINE_S)
        return replayed()[-1]

    # Not mended yet: refused again, as the second attempt, which names the first.
    second = replay(2)
    assert second.code == "media_missing"
    letters: list[DeadLetter] = list(read_records(settings, "deadletter.v1"))
    (again,) = [each for each in letters if each.origin == second.origin]
    assert (again.attempt, again.replay_of, again.body) == (2, origin, body)
    path.write_bytes(ogg(melody(12.0, seed=11)))
    assert replay(3).outcome is Outcome.new
    # What was decided meanwhile changes nothing, however often it is replayed.
    entity = replayed()[-1].entity_id
    for count in (4, 5):
        decision = replay(count)
        assert (decision.outcome, decision.code, decision.entity_id) == (
            Outcome.duplicate,
            "repeated",
            entity,
        )


def test_a_wrong_check_digit_is_reported_and_refuses_nothing(service: Installation) -> None:
    settings = load_settings(data_dir=service.data_dir)
    wrong = song(
        "digits",
        902,
        works=[{"title": "Clear Water", "iswc": "T-034.524.680-2"}],
        releases=[{"title": "River Songs", "gtin": "00036000291453"}],
    )
    (origin,) = _publish_raw(settings, [orjson.dumps(wrong)])
    assert _decisions(settings, [origin])[origin].outcome is Outcome.new
    reported: list[Contradiction] = [
        each for each in read_records(settings, "upload.contradiction.v1") if each.source == "digits"
    ]
    assert {each.code for each in reported} == {"wrong_identifier"}
    said = " ".join(f"{each.subject} {each.message}" for each in reported)
    assert "T-034.524.680-2" in said or "T0345246802" in said
    assert "00036000291453" in said
    assert origin not in {letter.origin for letter in read_records(settings, "deadletter.v1")}


# --- the main job ----------------------------------------------------------------------------------------


def test_find_compares_a_copy_with_the_sound_that_the_index_names(service: Installation, music: Path) -> None:
    settings = load_settings(data_dir=service.data_dir)
    tune = melody(30.0, seed=5)
    (music / "tune.wav").write_bytes(wav(tune))
    (music / "tune.ogg").write_bytes(ogg(tune))

    def heard(number: int, title: str, name: str) -> dict[str, object]:
        media = [{"role": "audio", "uri": (music / name).as_uri()}]
        return {
            "source": "heard",
            "item_id": str(number),
            "kind": "recording",
            "title": title,
            "media": media,
        }

    (first,) = service.publish(heard(1, "Evening Bells", "tune.wav"))
    rows = read_topic(bootstrap_of(settings), {}, "index.row.v1")
    end = max(message.offset for message in rows) + 1
    wait_until(
        lambda: any(mark.watermark >= end for mark in read_records(settings, "index.watermark.v1")),
        DEADLINE_S,
    )
    (copy,) = service.publish(heard(2, "Track 07", "tune.ogg"))
    assert (first["outcome"], copy["outcome"]) == ("new", "match")
    inputs: list[ArbiterInput] = list(read_records(settings, "arbiter.input.v1"))
    (named,) = [
        each.found.candidates
        for each in inputs
        if each.found is not None and each.found.encoded.key == ("heard", "2")
    ]
    (sound,) = [candidate.sound for candidate in named if candidate.key == ("heard", "1")]
    assert sound is not None
    assert sound.bit_error is not None
    assert sound.bit_error < 0.2


def test_a_loop_under_other_music_is_found_by_its_sound_alone(service: Installation, music: Path) -> None:
    def sending(number: int, title: str, artist: str, y: FloatArray) -> dict[str, object]:
        path = music / f"loop-{number}.ogg"
        path.write_bytes(ogg(y))
        media = [{"role": "audio", "uri": path.as_uri()}]
        return {
            "source": "loops",
            "item_id": str(number),
            "kind": "recording",
            "title": title,
            "artists": [{"name": artist}],
            "media": media,
        }

    def under(y: FloatArray, loop: FloatArray, second: int) -> FloatArray:
        mixed = 0.5 * y
        mixed[second * RATE : second * RATE + len(loop)] += 0.5 * loop
        return mixed

    def material(decided: list[dict[str, Any]], *holders: str) -> None:
        (decision,) = decided
        relation = decision["relation"]
        assert decision["outcome"] == "new"
        assert relation["relation"] == "shares_material_with"
        assert relation["to_source"] == "loops"
        assert relation["to_item_id"] in holders
        (named,) = [
            each for each in decision["candidates"] if (each["source"], each["item_id"]) == ("loops", "1")
        ]
        assert "landmarks" in named["proposed_by"]

    sampled = melody(40.0, seed=21)
    loop = sampled[15 * RATE : 22 * RATE]
    (first,) = service.publish(sending(1, "Granite", "Nine Bridges", sampled))
    assert first["outcome"] == "new"
    material(
        service.publish(sending(2, "Umbrella Song", "Kettle", under(melody(40.0, seed=22), loop, 9))), "1"
    )
    # What find remembers is made of the log: it knows the same after it died.
    service.kill("index")
    # Two hold the loop by now, and nothing says which of them had it first.
    material(
        service.publish(sending(3, "Orbit", "Walnut Five", under(melody(40.0, seed=23), loop, 25))), "1", "2"
    )


def by_ear(music: Path, source: str, item: str, title: str, y: FloatArray) -> dict[str, object]:
    """Send a sound under a title, and by somebody, that nobody else has."""
    path = music / f"{source}-{item}.ogg"
    path.write_bytes(ogg(y))
    return {
        "source": source,
        "item_id": item,
        "kind": "recording",
        "title": title,
        "artists": [{"name": f"{title} Players"}],
        "media": [{"role": "audio", "uri": path.as_uri()}],
    }


def test_a_backing_track_and_a_voice_alone_are_told_from_their_song(
    service: Installation, music: Path
) -> None:
    backing = 0.5 * melody(40.0, seed=31) + 0.5 * melody(40.0, seed=32)
    voice = sung(40.0, np.random.default_rng(4))
    (song_told,) = service.publish(
        by_ear(music, "sung", "song", "Paper Boats", (backing + 0.4 * voice).astype(np.float32))
    )
    for item, y, relation in (
        ("backing", backing, "instrumental_of"),
        ("voice", 0.5 * voice, "a_cappella_of"),
    ):
        (told,) = service.publish(by_ear(music, "sung", item, f"Number {item}", y.astype(np.float32)))
        assert told["outcome"] == "new"
        assert told["relation"]["relation"] == relation
        assert told["relation"]["to_entity"] == song_told["entity_id"]
        assert told["relation"]["spans"]


def test_pieces_of_three_works_one_after_the_other_are_a_medley(service: Installation, music: Path) -> None:
    works = [melody(45.0, seed=seed) for seed in (41, 42, 43)]
    pieces = [y[(5 + 4 * number) * RATE :][: 20 * RATE] for number, y in enumerate(works)]
    titles = ("Tin Roof", "Marble Stairs", "Copper Kettle")
    sent = [
        by_ear(music, "pieces", str(number), title, y)
        for number, (title, y) in enumerate(zip(titles, works, strict=True))
    ]
    sources = service.publish(*sent[:2])
    (medley,) = service.publish(by_ear(music, "pieces", "all", "Long Evening", np.concatenate(pieces)))
    assert medley["outcome"] == "new"
    assert medley["relation"]["relation"] != "medley_of"
    # The third piece makes it one, of all three.
    sources += service.publish(sent[2])
    assert sources[2]["relation"]["relation"] == "has_medley"
    standing: dict[str, RelationChanged] = {}
    for change in read_records(load_settings(data_dir=service.data_dir), "relation.changed.v1"):
        if change.from_entity == medley["entity_id"]:
            standing[change.relation_id] = change
    told = {(each.relation, each.to_entity) for each in standing.values() if each.status == "asserted"}
    assert told == {("medley_of", each["entity_id"]) for each in sources}
    assert all(each.spans for each in standing.values() if each.status == "asserted")


def test_copies_match_kills_harm_nothing_and_the_audit_is_clean(service: Installation) -> None:
    def publish(*uploads: object) -> dict[tuple[str, str], str]:
        decisions = service.publish(*uploads)
        return {(each["source"], each["item_id"]): each["outcome"] for each in decisions}

    first = publish(*(song("a", number) for number in range(20)))
    assert set(first.values()) == {"new"}
    # Other versions bring relations, whose events share a sequence with those of the entities.
    live = publish(
        *(song("c", number, version="Live at the Old Mill", duration_ms=251_000) for number in range(5))
    )
    assert set(live.values()) == {"new"}
    assert any(read_records(load_settings(data_dir=service.data_dir), "relation.changed.v1"))
    for stage in ("encode", "arbitrate", "index"):
        service.kill(stage)
    second = publish(*(song("b", number) for number in range(20)), song("a", 0))
    assert second.pop(("a", "0")) == "duplicate"
    assert set(second.values()) == {"match"}
    audit = CliRunner().invoke(app, ["audit", "--once", "--data-dir", str(service.data_dir)])
    assert audit.exit_code == 0, audit.output
    verified = CliRunner().invoke(app, ["verify", "--data-dir", str(service.data_dir)])
    assert verified.exit_code == 0, verified.output
    settings = load_settings(data_dir=service.data_dir)
    assert compare_with_arbiter(CommittedLog(bootstrap_of(settings)), codec_for(settings)) == ()
