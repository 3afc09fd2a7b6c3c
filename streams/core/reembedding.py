"""Re-embedding: the vectors of another model for an upload that stands, beside those that it has.

A decision is not touched: what was compared stays compared. From here on look-ups in the other model's space
find the upload, and comparisons use the features that were stored with it. Rows of a model that is out of use
go by a record of their own, so that the way back stays open until somebody closes it.
"""

from collections.abc import Collection, Iterator

from msgspec.structs import replace

from streams.core.catalogue import Workspace
from streams.core.records import EncodedUpload, IndexRow, ModelWindows, UploadState
from streams.core.upload_rows import deletions_of, rows_of, windows_of

Models = dict[str, str]
"""Model by modality, as the encoders in use name them."""


def lacks(state: UploadState, models: Models) -> bool:
    """Say whether an upload has vectors of some modality, and none of the model in use."""
    had = {kept.modality for kept in state.rows}
    has = {(kept.modality, kept.model) for kept in state.rows}
    return any((modality, model) not in has for modality, model in models.items() if modality in had)


def may_retire(state: UploadState, retired: Collection[str]) -> tuple[str, ...]:
    """Name those models whose rows an upload can do without: another one has rows of the same modality."""
    kept = {row.modality for row in state.rows if row.model not in retired}
    return tuple(sorted({row.model for row in state.rows if row.model in retired and row.modality in kept}))


def reembed(workspace: Workspace, encoded: EncodedUpload) -> tuple[IndexRow, ...]:
    """Give the rows that come and go; nothing where the upload has another content by now, or is gone.

    Parameters
    ----------
    workspace : Workspace
    encoded : EncodedUpload
        with `reembedded`; of its fields only names, digest, vectors and sound features count
    """
    known = workspace.upload(encoded.key.text())
    if (
        known is None
        or not known.live
        or (known.revision, known.digest)
        != (
            encoded.revision or 1,
            encoded.digest,
        )
    ):
        return ()
    sound = known.sound
    if sound is not None and encoded.sound is not None:
        # What it is at audio level was decided; only what comparisons look at is new.
        sound = replace(sound, features=encoded.sound.features)
    held = {(kept.modality, kept.model): kept for kept in known.rows}
    rows = list(_surplus(known, encoded))
    rows += rows_of(replace(encoded, sound=sound))
    held |= {(each.modality, each.model): each for each in windows_of(encoded)}
    now = replace(known, sound=sound, rows=tuple(held[space] for space in sorted(held)))
    going = may_retire(now, encoded.retired)
    rows += deletions_of(replace(now, rows=tuple(kept for kept in now.rows if kept.model in going)))
    workspace.put_upload(replace(now, rows=tuple(kept for kept in now.rows if kept.model not in going)))
    return tuple(rows)


def _surplus(known: UploadState, encoded: EncodedUpload) -> Iterator[IndexRow]:
    """Delete what an earlier embedding by the same model has more of."""
    come = {(row.modality, row.model, row.window) for row in encoded.vectors}
    spaces = {(row.modality, row.model) for row in encoded.vectors}
    again: tuple[ModelWindows, ...] = tuple(
        kept for kept in known.rows if (kept.modality, kept.model) in spaces
    )
    for row in deletions_of(replace(known, rows=again)):
        if (row.modality, row.model, row.window) not in come:
            yield row
