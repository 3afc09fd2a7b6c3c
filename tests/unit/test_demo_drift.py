"""What the demo makes of windows and alerts, and the titles it invents."""

from streams.core.drift_distance import judge
from streams.core.features import featurize
from streams.core.records import DriftAlert, DriftWindow, Origin, VectorRow
from streams.core.sketches import Sketcher
from streams.core.upload_json import validate_upload
from streams.demo.drift import Shift
from streams.demo.titles import ENGLISH, FOREIGN, InventedUploads
from streams.edges.memory_encoder import MemoryEncoder


def _window(end_ms: int, reference: str = "r") -> DriftWindow:
    return DriftWindow(
        window_id=str(end_ms),
        modality="text",
        model="m@1",
        start_ms=end_ms - 100,
        end_ms=end_ms,
        count=100,
        distance=0.1,
        threshold=0.2,
        p_value=0.5,
        reference=reference,
    )


def _alert(end_ms: int, *, modality: str = "text", code: str = "shift") -> DriftAlert:
    return DriftAlert(
        alert_id=f"{modality}{code}{end_ms}",
        modality=modality,
        model="m@1",
        start_ms=end_ms - 100,
        end_ms=end_ms,
        code=code,
        distance=0.5,
        threshold=0.2,
        p_value=0.001,
        message="",
    )


def _shift(*alerts: DriftAlert, windows: tuple[DriftWindow, ...] = (_window(900),)) -> Shift:
    by_id = {alert.alert_id: alert for alert in alerts}
    return Shift(shifted_ms=1000, windows=list(windows), alerts=by_id)


def test_only_the_shift_s_own_alert_is_right() -> None:
    assert _shift(_alert(1100)).right
    assert not _shift().right
    assert not _shift(_alert(1000)).right, "before the shift"
    assert not _shift(_alert(1000), _alert(1100)).right
    assert not _shift(_alert(1100), _alert(1100, modality="identity")).right
    assert not _shift(_alert(1100, code="window_never_closed")).right


def test_without_a_calm_window_that_was_judged_nothing_is_shown() -> None:
    assert not _shift(_alert(1100), windows=(_window(900, "building"), _window(1100))).right
    assert not Shift(alerts={"a": _alert(1100)}, windows=[_window(900)]).right


def test_invented_uploads_are_valid_and_the_same_for_the_same_seed() -> None:
    one, other = InventedUploads(1), InventedUploads(1)
    made = [one.next((ENGLISH,)) for _ in range(50)] + [one.next(FOREIGN) for _ in range(50)]
    again = [other.next((ENGLISH,)) for _ in range(50)] + [other.next(FOREIGN) for _ in range(50)]
    assert made == again
    assert len({upload.item_id for upload in made}) == 100
    for upload in made:
        validate_upload(upload)
        assert featurize(upload).readings
    assert {upload.languages for upload in made[50:]} == {("ja",), ("ru",), ("es",)}


def test_foreign_titles_are_far_and_more_english_ones_are_not() -> None:
    invented, encoder, sketcher = InventedUploads(2), MemoryEncoder(), Sketcher()
    uploads = [invented.next((ENGLISH,)) for _ in range(256 * 12)]
    uploads += [invented.next(FOREIGN) for _ in range(256 * 4)]
    vectors = encoder.encode_texts([upload.title or "" for upload in uploads])
    sketches = sketcher.fold(
        (
            Origin(topic="t", partition=0, offset=offset),
            [VectorRow(modality="text", model="m@1", window=0, start_ms=0, values=v.astype("<f2").tobytes())],
        )
        for offset, v in enumerate(vectors)
    )
    reference, calm, foreign = sketches[:8], sketches[8:12], sketches[12:]
    assert judge(reference, calm, p_value=0.01, seed="a").p_value > 0.05
    assert judge(reference, foreign, p_value=0.01, seed="a").p_value <= 0.01
