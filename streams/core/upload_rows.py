"""The index rows of an upload: immutable, named by the upload and its revision, deleted by the same names."""

from collections.abc import Iterator

from streams.core.ids import row_id
from streams.core.records import EncodedUpload, IndexRow, ModelWindows, SoundFacts, UploadState


def rows_of(encoded: EncodedUpload) -> Iterator[IndexRow]:
    """Give the rows of an upload that was decided."""
    for row in encoded.vectors:
        yield _row(
            encoded.source,
            encoded.item_id,
            encoded.revision or 1,
            modality=row.modality,
            model=row.model,
            window=row.window,
            start_ms=row.start_ms,
            values=row.values,
            sound=encoded.sound,
        )


def deletions_of(known: UploadState) -> Iterator[IndexRow]:
    """Give the deletions of every row that an upload has in the index."""
    for kept in known.rows:
        for window in range(kept.windows):
            yield _row(
                known.source,
                known.item_id,
                known.revision,
                modality=kept.modality,
                model=kept.model,
                window=window,
            )


def windows_of(encoded: EncodedUpload) -> tuple[ModelWindows, ...]:
    """Say what must be kept of an upload to delete its rows later."""
    counts: dict[tuple[str, str], int] = {}
    for row in encoded.vectors:
        space = row.modality, row.model
        counts[space] = max(counts.get(space, 0), row.window + 1)
    return tuple(
        ModelWindows(modality=modality, model=model, windows=windows)
        for (modality, model), windows in sorted(counts.items())
    )


def _row(
    source: str,
    item_id: str,
    revision: int,
    *,
    modality: str,
    model: str,
    window: int,
    start_ms: int = 0,
    values: bytes | None = None,
    sound: SoundFacts | None = None,
) -> IndexRow:
    """Make one row; without values it is a deletion."""
    return IndexRow(
        row_id=row_id(source, item_id, revision=revision, modality=modality, model=model, window=window),
        source=source,
        item_id=item_id,
        revision=revision,
        modality=modality,
        model=model,
        window=window,
        start_ms=start_ms,
        values=values or b"",
        state="deleted" if values is None else "live",
        sound=sound,
    )
