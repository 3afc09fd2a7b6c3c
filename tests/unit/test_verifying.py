"""Real decisions are computed again from their event and the bundle; one that was tampered with is told."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from benchmarks.invented_uploads import invented_uploads
from streams.core.bundle import Bundle, Calibration
from streams.core.features import featurize
from streams.core.records import Decision, HeadScore, LedgerLine, Level, Outcome, SourceKind
from streams.core.scoring import Scorer
from streams.core.upload_json import upload_line
from streams.core.verifying import verify
from streams.edges.avro import AvroCodec
from streams.edges.memory_encoder import MemoryEncoder
from streams.edges.memory_features import MemoryFeatureStore
from streams.edges.memory_index import MemoryCandidateIndex
from streams.errors import SchemaError
from streams.offline import DECISIONS, OfflineParts, decide_lines
from streams.stages.encode import EncodeProcessor
from streams.wiring.parts import rules
from tests.unit.test_levels_of_identity import COPY, FASTER, REMASTERED, Catalogue
from tests.unit.title_scorer import no_sound

BUNDLE = Bundle.packaged()
CODEC = AvroCodec()
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "uploads.jsonl"
WORDS = (
    "",
    " (Live)",
    " (Remix)",
    " (Remastered 2011)",
    " (Radio Edit)",
    ", Op. 27 No. 2",
    " (Karaoke Version)",
)


def decide(bundle: Bundle) -> tuple[Decision, ...]:
    """Decide on the examples and on invented uploads, some with version words, by the real stages."""
    sent = EXAMPLES.read_bytes().splitlines()
    for number, upload in enumerate(invented_uploads(350, copies=0.5)):
        sent.append(upload_line(replace(upload, title=f"{upload.title}{WORDS[number % len(WORDS)]}")))
    store = MemoryFeatureStore()
    parts = OfflineParts(
        codec=CODEC, encode=EncodeProcessor(CODEC, MemoryEncoder(), store=store), confirm=no_sound
    )
    made, _ = decide_lines(sent, parts, index=MemoryCandidateIndex(), rules=rules(bundle, parts.confirm))
    return tuple(made)


CALIBRATED = replace(
    BUNDLE,
    version="calibrated",
    recording=replace(
        BUNDLE.recording,
        calibration={
            "label_feed|user_upload": Calibration(slope=0.8, shift=-0.5),
            "aggregator|label_feed": Calibration(slope=1.1, shift=0.25),
        },
    ),
)


@cache
def heard_decisions() -> tuple[Decision, ...]:
    """Decide on uploads that were heard; the event is what its bytes say."""
    catalogue = Catalogue(
        {"ab": COPY, "ac": REMASTERED, "bc": REMASTERED, "ad": FASTER, "bd": FASTER, "cd": REMASTERED}
    )
    made = [catalogue.send(item, sound=True) for item in "abcd"]
    return tuple(CODEC.decode(DECISIONS, CODEC.encode(DECISIONS, each)) for each in made)


def test_every_decision_of_the_stages_adds_up() -> None:
    made = decide(BUNDLE)
    outcomes = Counter(each.outcome for each in made)
    assert min(outcomes[outcome] for outcome in (Outcome.match, Outcome.new, Outcome.review)) >= 5, outcomes
    lines = Counter(
        line.name for each in made if each.recording_ledger for line in each.recording_ledger.lines
    )
    # The awkward ones are among them.
    assert lines["guard"] >= 5, lines
    assert lines["version_rule"] >= 5, lines
    assert {
        f"{each.source}/{each.item_id}": verify(each, BUNDLE) for each in made if verify(each, BUNDLE)
    } == {}


def test_a_calibrated_score_is_affine_and_adds_up() -> None:
    assert Bundle.from_json(CALIBRATED.to_json()) == CALIBRATED
    made = decide(CALIBRATED)
    strata = Counter(
        line.level
        for each in made
        if each.recording_ledger
        for line in each.recording_ledger.lines
        if line.name == "calibration"
    )
    assert set(strata) == set(CALIBRATED.recording.calibration), strata
    assert [verify(each, CALIBRATED) for each in made if verify(each, CALIBRATED)] == []
    uploads = list(invented_uploads(60, copies=0.5))
    records = [featurize(replace(each, source_kind=SourceKind.label_feed)) for each in uploads]
    fans = [featurize(replace(each, source_kind=SourceKind.user_upload)) for each in uploads]
    plain = Scorer(replace(BUNDLE, recording=replace(BUNDLE.recording, calibration={})))
    calibrated = Scorer(CALIBRATED)
    for left, right in zip(records, fans[1:], strict=False):
        was, now = plain.score(left, right), calibrated.score(right, left)
        assert now.recording.log_odds == pytest.approx(0.8 * was.recording.log_odds - 0.5)
        assert now.work == was.work
        assert calibrated.score(left, left) == plain.score(left, left)


def test_the_size_of_the_catalogue_adds_up_and_is_missed_where_it_is_left_out() -> None:
    grown = replace(BUNDLE, version="grown", catalogue_size=100_000, measured_at=10_000)
    made = decide(grown)
    assert [verify(each, grown) for each in made if verify(each, grown)] == []
    telling = next(each for each in made if each.recording_ledger is not None)
    assert "catalogue_size" in [line.name for line in ledger_of(telling).lines]
    assert verify(replace(telling, bundle_version=BUNDLE.version), BUNDLE) != ()
    same_size = replace(BUNDLE, version="grown")
    assert verify(next(e for e in decide(same_size) if e.recording_ledger is not None), grown) != ()


def test_a_decision_of_a_former_bundle_is_verified_by_it() -> None:
    former = Bundle.shipped()["2026.11.3"]
    made = decide(former)
    assert [verify(each, former) for each in made if verify(each, former)] == []


@pytest.mark.parametrize("slope", [0.0, -1.0])
def test_a_calibration_that_turns_scores_round_is_refused(slope: float) -> None:
    head = replace(BUNDLE.work, calibration={"unknown|unknown": Calibration(slope=slope, shift=0.0)})
    data = replace(BUNDLE, work=head).to_json()
    with pytest.raises(SchemaError):
        Bundle.from_json(data)


def test_what_was_heard_adds_up_at_every_level() -> None:
    made = heard_decisions()
    assert [verify(each, BUNDLE) for each in made] == [()] * 4
    assert all(each.audio and each.audio.ledger for each in made[1:])
    assert made[1].heard is not None
    assert (made[1].heard.start_ms, made[1].heard.other_end_ms) == (0, 215_000)


def ledger_of(decision: Decision) -> HeadScore:
    assert decision.recording_ledger is not None
    return decision.recording_ledger


def audio_of(decision: Decision) -> Level:
    assert decision.audio is not None
    return decision.audio


def heavier(line: LedgerLine) -> LedgerLine:
    return replace(line, contribution=line.contribution + 0.5)


@pytest.mark.parametrize(
    "tamper",
    [
        lambda each: replace(each, outcome=Outcome.new),
        lambda each: replace(each, entity_id="other"),
        lambda each: replace(each, audio_id="other"),
        lambda each: replace(each, flip=None),
        lambda each: replace(each, counter_evidence=ledger_of(each).lines[0]),
        lambda each: replace(each, bundle_version="other"),
        lambda each: replace(each, recording_ledger=None),
        lambda each: replace(each, audio=replace(audio_of(each), probability=0.5)),
        lambda each: replace(each, audio=replace(audio_of(each), threshold=-9.0)),
        lambda each: replace(each, audio=replace(audio_of(each), ledger=None)),
        lambda each: replace(
            each, recording_ledger=replace(ledger_of(each), prior=ledger_of(each).prior + 0.1)
        ),
        lambda each: replace(
            each,
            recording_ledger=replace(
                ledger_of(each),
                lines=(heavier(ledger_of(each).lines[0]), *ledger_of(each).lines[1:]),
                log_odds=ledger_of(each).log_odds + 0.5,
            ),
        ),
        lambda each: replace(
            each, recording_ledger=replace(ledger_of(each), lines=ledger_of(each).lines[:-2])
        ),
        lambda each: replace(
            each,
            recording_ledger=replace(
                ledger_of(each), lines=(*ledger_of(each).lines, ledger_of(each).lines[0])
            ),
        ),
        lambda each: replace(each, recording_ledger=replace(ledger_of(each), probability=0.97)),
    ],
)
def test_a_decision_that_was_tampered_with_is_told(tamper: Callable[[Decision], Decision]) -> None:
    match = heard_decisions()[1]
    assert match.outcome is Outcome.match
    assert verify(match, BUNDLE) == ()
    assert verify(tamper(match), BUNDLE) != ()
