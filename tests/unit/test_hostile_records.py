"""Records made to harm: whatever their bytes, each is read or refused, never by an error nobody foresaw."""

import random
import tracemalloc
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from streams.core.records import EncodedUpload, Upload
from streams.core.upload_json import parse_upload, validate_upload
from streams.edges.avro import HEADER_BYTES, AvroCodec, current_schema
from streams.edges.tracing import Tracing, parse_traceparent, trace_id_of
from streams.errors import DecodeError, SchemaError
from streams.ports import Codec, Headers, Message
from streams.stages.encode import EncodeProcessor

TOPIC = "catalog.upload.v1"
CODEC: Codec = AvroCodec()
# What is read is at most 1 MB; what comes of it must not be many times as much.
PEAK_BYTES = 16 << 20
UPLOAD: dict[str, Any] = {
    "source": "label-a", "source_kind": "label_feed", "item_id": "A-1", "revision": 1,
    "operation": "upsert", "kind": "recording", "title": "Clear Water",
    "version": "Live at the Old Mill", "version_types": ["Live"], "languages": ["en"],
    "alternative_titles": [{"text": "Água Clara", "language": "pt", "type": "translated"}],
    "artists": [{"name": "The Example Band", "role": "main", "ids": {"isni": "000000012146438X"}}],
    "works": [{"title": "Clear Water", "iswc": "T-034.524.680-1", "writers": [{"name": "Someone"}]}],
    "releases": [{"title": "River Songs", "gtin": "00036000291452", "date": "2005-03", "track_number": 3}],
    "identifiers": {"isrc": ["GBEMI0300013"], "proprietary": [{"namespace": "a", "value": "7"}]},
    "duration_ms": 215000,
    "declared": {"cover": True}, "recorded": {"date": "2004"}, "rights": {"p_line": "℗ 2005"},
    "related": [{"relation": "samples", "segment": {"start_ms": 0, "end_ms": 9}}],
    "video": {"platform": "tube", "video_id": "v", "channel": "c"},
    "media": [{"role": "artwork", "uri": "file:///a.png", "sha256": "0" * 64, "bytes": 5}],
    "ext": {"label-a": {"any": "thing"}}, "uploaded_at": "2026-01-31T12:00:00Z",
}  # fmt: skip
JSON = orjson.dumps(UPLOAD)
AVRO = CODEC.encode(TOPIC, parse_upload(JSON))
NAMES = [name for name in UPLOAD if name not in {"source", "item_id", "kind"}]


def message(body: bytes, offset: int = 0, headers: Headers = ()) -> Message:
    return Message(
        topic=TOPIC, partition=0, offset=offset, key=b"k", value=body, headers=headers, timestamp_ms=1
    )


def encode(*bodies: bytes, headers: Headers = ()) -> list[EncodedUpload]:
    batch = [message(body, offset, headers) for offset, body in enumerate(bodies)]
    produced = EncodeProcessor(CODEC).process(batch)
    return [CODEC.decode(each.topic, each.value or b"") for each in produced]


def code(body: bytes) -> str | None:
    (encoded,) = encode(body)
    return encoded.refusal.code if encoded.refusal is not None else None


def with_text(field: str, text: str) -> bytes:
    """Give an upload with one more field, as raw JSON."""
    return JSON[:-1] + f',"{field}":{text}}}'.encode()


@pytest.mark.parametrize("depth", [10, 300, 600, 1_000, 1_100, 100_000])
@pytest.mark.parametrize("field", [*NAMES, "unknown"])
@pytest.mark.parametrize("shape", ["list", "object", "both"])
def test_no_depth_of_nesting_is_unforeseen(field: str, depth: int, shape: str) -> None:
    begin, end = {"list": ("[", "]"), "object": ('{"n":', "}"), "both": ('[{"n":', "}]")}[shape]
    found = code(with_text(field, begin * depth + "1" + end * depth))
    assert found in {"schema_error", None}
    assert found is not None or (field, shape, depth) == ("ext", "object", 10)


def test_twenty_deep_records_in_a_row_do_not_stop_the_stage() -> None:
    deep = [with_text("artists", "[" * 900 + "]" * 900), with_text("ext", '{"n":' * 900 + "1" + "}" * 900)]
    found = encode(*(deep * 15), JSON)
    assert all(each.refusal is not None for each in found[:-1])
    assert found[-1].refusal is None


def varint(number: int) -> bytes:
    """Write an Avro long."""
    left = ((number << 1) ^ (number >> 63)) & (2**64 - 1)
    out = bytearray()
    while left > 0x7F:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    out.append(left)
    return bytes(out)


@pytest.mark.parametrize("count", [2**31, 2**40, 2**62, -(2**31), -(2**40), -(2**63), 10**6, -2])
def test_a_length_or_count_that_lies_costs_nothing(count: int) -> None:
    """Put the number at every place of a record: of texts, of lists and of blocks, of unions and enums."""
    tracemalloc.start()
    try:
        for at in range(HEADER_BYTES, len(AVRO)):
            lying = AVRO[:at] + varint(count) + AVRO[at + 1 :]
            try:
                CODEC.decode(TOPIC, lying)
            except DecodeError:
                continue
        assert tracemalloc.get_traced_memory()[1] < PEAK_BYTES
    finally:
        tracemalloc.stop()


def test_a_text_shorter_than_its_length_is_refused() -> None:
    for size in (len("A-1") + 1, 2**20, 2**40):
        source = varint(7) + b"label-a"
        with pytest.raises(DecodeError):
            CODEC.decode(TOPIC, AVRO[:HEADER_BYTES] + source + varint(size) + b"A-1")


def test_no_list_of_a_record_can_be_long_without_bytes() -> None:
    """Elements without a byte (null, an empty record) would let a few bytes claim billions of them."""
    checked = [items for items in _items_of(current_schema(TOPIC))]
    assert len(checked) > 10
    for items in checked:
        assert items != "null"
        assert not (isinstance(items, dict) and items["type"] == "record" and not items["fields"])


def _items_of(schema: Any) -> Iterator[Any]:
    if isinstance(schema, list):
        for branch in schema:
            yield from _items_of(branch)
    elif isinstance(schema, dict):
        for part in ("items", "values"):
            if part in schema:
                yield schema[part]
                yield from _items_of(schema[part])
        for field in schema.get("fields", ()):
            yield from _items_of(field["type"])


def mutated(rng: random.Random, good: bytes) -> bytes:
    """Damage bytes in one to six of many ways."""
    data = bytearray(good)
    for _ in range(rng.randint(1, 6)):
        at, size = rng.randrange(len(data) + 1), rng.randint(1, 12)
        match rng.randrange(7):
            case 0 if at < len(data):
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                data[at : at + size] = rng.randbytes(size)
            case 2:
                del data[at : at + size]
            case 3:
                data[at:at] = data[:size] * rng.randint(1, 40)
            case 4:
                data[at:at] = varint(rng.choice((2**31, 2**40, -1, 2**62, 1_000)))
            case 5:
                data[at:at] = rng.choice(
                    (b"[", b"{", b'"', b"\\ud800", b"\\u0000", b"null", b"1e999", b"\xff", b"-0")
                )
            case _ if at:
                del data[at:]
    return bytes(data)


@pytest.mark.parametrize("good", [JSON, AVRO], ids=["json", "avro"])
def test_two_thousand_damaged_records_are_read_or_refused(good: bytes) -> None:
    rng = random.Random(20_260_101)  # noqa: S311 - a seed, so that a failure comes again
    bodies = [mutated(rng, good) for _ in range(2_000)]
    found = encode(*bodies, JSON)
    codes = {each.refusal.code for each in found if each.refusal is not None}
    assert codes <= {"schema_error", "decode_error", "upload_too_large"}, codes
    assert sum(each.refusal is not None for each in found) > 1_000
    assert found[-1].refusal is None


RUNS = (
    "\t",
    " ",
    "x\t",
    "- ",
    "(",
    "[",
    "'",
    "\u2019",
    "from a ",
    "feat. ",
    "& ",
    "live ",
    "\ufdfa",
    "\u0301",
    "1999 ",
)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("run", RUNS, ids=ascii)
def test_no_text_of_allowed_length_holds_the_stage_up(run: str) -> None:
    """Each of these has a search behind it; one of them took 4 s for 4,000 tabs as a channel."""
    bodies = []
    for end in ("", "!", ")", " live", "\nx") * (12 if "\t" in run else 1):
        text = f"y {run * (4_000 // len(run))}{end}"
        fields = {"title": text, "version": text, "media": [], "video": {**UPLOAD["video"], "channel": text}}
        bodies.append(orjson.dumps({**UPLOAD, "artists": [], "kind": "music_video", **fields}))
    codes = {each.refusal.code for each in encode(*bodies) if each.refusal is not None}
    assert codes <= {"upload_too_large"}  # one letter may stand for eighteen


# --- ids and headers ---

HOSTILE_IDS = (
    "a\r\nHost: evil", "a\nb", "' or 1 == 1", '" or "" == "', '"; drop', 'x" || source != "', "\\",
    "`$(id)`", "%s%n{0}",
    "../../etc/passwd", "a/b", "7:label-aA-1", "1:", "\u202e", "x" * 512,
    "水" * 512, "\x1b[2J", "null", "{}", "a\tb",
)  # fmt: skip


@pytest.mark.parametrize("item_id", HOSTILE_IDS, ids=ascii)
def test_an_id_is_carried_as_it_is_and_keys_stay_apart(item_id: str) -> None:
    (encoded,) = encode(orjson.dumps({**UPLOAD, "source": item_id, "item_id": item_id, "media": []}))
    assert encoded.refusal is None
    assert (encoded.source, encoded.item_id) == (item_id, item_id)
    assert type(encoded.key).parse(encoded.key.text()) == encoded.key


@pytest.mark.parametrize(
    ("item_id", "why"),
    [("a\x00b", "NUL"), ("x" * 513, "longer"), ("", "empty"), (" \n", "empty"), ("\ud800", "surrogate")],
)
def test_an_id_that_stores_disagree_on_is_refused(item_id: str, why: str) -> None:
    upload = Upload(source="a", item_id=item_id, title="t")
    with pytest.raises(SchemaError, match=why):
        validate_upload(upload)
    raw = orjson.dumps({**UPLOAD, "item_id": "PLACE"}).replace(b"PLACE", _json_text(item_id))
    assert code(raw) == "schema_error"


def _json_text(text: str) -> bytes:
    return "".join(c if " " <= c < "\x7f" else f"\\u{ord(c):04x}" for c in text).encode()


TRACES = (
    b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nX-Injected: 1",
    b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0\n",
    b"\x00" * 55, b"\xff" * 55, b"00-" + b"0" * 32 + b"-" + b"0" * 16 + b"-00", b"-" * 55, b"x" * 1_000_000,
    b"00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    b"00- af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    b"00-0_f7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    b"\x1b[2J", b"",
)  # fmt: skip


@pytest.mark.parametrize("trace", TRACES, ids=lambda trace: ascii(trace[:24]))
def test_a_trace_header_that_is_none_goes_no_further(trace: bytes) -> None:
    (encoded,) = encode(JSON, headers=(("traceparent", trace),))
    assert encoded.refusal is None
    assert encoded.traceparent is None
    assert parse_traceparent(trace) is None
    assert trace_id_of((("traceparent", trace),)) is None
    with Tracing("encode").batch(TOPIC, [message(JSON, headers=(("traceparent", trace),))]) as spans:
        ((name, value),) = spans.headers(0)
    assert name == "traceparent"
    assert parse_traceparent(value) is not None
