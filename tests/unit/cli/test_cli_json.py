"""What `--json` writes of values that JSON has no word for."""

import hashlib

import orjson
import pytest

from streams.cli.common import print_json
from streams.core.records import Artist, Kind, Operation, Upload


def test_a_record_is_an_object_of_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    upload = Upload(source="label", item_id="1", title="Aurora", artists=(Artist(name="Ana"),))
    print_json({"uploads": [upload]})
    ((said),) = orjson.loads(capsys.readouterr().out)["uploads"]
    assert (said["title"], said["artists"][0]["name"]) == ("Aurora", "Ana")
    assert (said["kind"], said["operation"]) == (Kind.recording.value, Operation.upsert.value)


def test_bytes_are_told_by_size_and_digest(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"body": b"abc"})
    said = orjson.loads(capsys.readouterr().out)["body"]
    assert said == {"bytes": 3, "sha256": hashlib.sha256(b"abc").hexdigest()}
