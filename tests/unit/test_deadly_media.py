"""A medium that kills the decoder: two deaths, one dead letter, and the records around it are decided."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from streams.core.records import Outcome
from streams.edges import media_decode
from tests.unit.media_files import encoded, melody, ogg
from tests.unit.test_encode_stage import Stage, upload
from tests.unit.test_find_and_arbitrate import Pipeline


def test_two_deaths_on_one_record_are_one_dead_letter_also_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaths = 0
    ask = media_decode._Child.ask

    def deadly(child: Any, request: dict[str, Any], handles: tuple[int, int], timeout_s: float) -> Any:
        nonlocal deaths
        if os.pread(handles[0], 4, 0) == b"fLaC":
            deaths += 1
            child._process.kill()
        return ask(child, request, handles, timeout_s)

    monkeypatch.setattr(media_decode._Child, "ask", deadly)
    stage = Stage(tmp_path)
    good = stage.file("good.ogg", ogg(melody(2.0)))
    killer = stage.file("killer.flac", encoded(melody(2.0), container="flac", codec="flac"))
    bodies = [upload(item_id=f"A-{n}", media=[medium]) for n, medium in enumerate((good, killer, good))]
    try:
        found = stage.encode(*bodies)
        assert [each.refusal and each.refusal.code for each in found] == [None, "media_decoder_died", None]
        assert deaths == 2
        # Read again, as after a restart that lost the commit: the same word, without another attempt.
        again = stage.encode(*bodies)
        assert [each.refusal and each.refusal.code for each in again] == [None, "media_decoder_died", None]
        assert deaths == 2
    finally:
        stage.reader.close()
    pipeline = Pipeline()
    # Its rules compare no sounds.
    found = [replace(each, sound=None) for each in found]
    decisions = pipeline.decide(pipeline.look_up(found))
    assert [each.outcome is Outcome.rejected for each in decisions] == [False, True, False]
    assert decisions[1].code == "media_decoder_died"
    (letter,) = pipeline.log["deadletter.v1"]
    said = pipeline.codec.decode("deadletter.v1", letter.value or b"")
    assert (said.item_id, said.code, said.origin) == ("A-1", "media_decoder_died", found[1].origin)
    # Taken again, it says nothing more.
    assert pipeline.decide(pipeline.look_up(found)) == []
