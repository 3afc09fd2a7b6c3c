"""Embed the catalogue again by the models in use: what was decided is read from the log, its media anew."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from msgspec.structs import replace

from streams.core.catalogue import Workspace
from streams.core.encoding import named_again
from streams.core.hearing import hear
from streams.core.records import (
    ArbiterInput,
    EncodedUpload,
    Origin,
    SoundFacts,
    Upload,
    UploadState,
)
from streams.core.reembedding import Models, lacks, may_retire
from streams.core.rules import Confirm
from streams.errors import DecodeError
from streams.ports import Codec, Message
from streams.stages.encode import ENCODED, EncodeProcessor
from streams.stages.find import INPUT

AT_ONCE: Final = 32
# The same sound as before, whichever decoder read it.
_UNCHANGED: Final = frozenset({"same_audio", "same_master"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reembedded:
    """What became of one upload.

    Attributes
    ----------
    state : UploadState
    record : EncodedUpload, optional
        for `upload.encoded.v1`; none where it could not be embedded
    problem : str
        why; empty where it could
    """

    state: UploadState
    record: EncodedUpload | None = None
    problem: str = ""


def outdated(workspace: Workspace, models: Models) -> dict[Origin, UploadState]:
    """Give the live uploads that the models in use have not embedded, by the record they were decided on."""
    states = (workspace.upload(key) for key in workspace.live_keys())
    return {state.origin: state for state in states if state is not None and lacks(state, models)}


def retirements(workspace: Workspace, retired: Collection[str]) -> Iterator[Reembedded]:
    """Take the rows of models out of the index, of every upload that has others of the same modality."""
    for key in sorted(workspace.live_keys()):
        state = workspace.upload(key)
        if state is not None and (going := may_retire(state, retired)):
            yield Reembedded(state=state, record=_record(state, retired=going))


def reembed(
    wanted: Mapping[Origin, UploadState],
    inputs: Iterable[Message],
    *,
    encode: EncodeProcessor,
    confirm: Confirm,
    codec: Codec,
) -> Iterator[Reembedded]:
    """Encode uploads again from the log that they were decided on.

    Parameters
    ----------
    wanted : mapping of Origin to UploadState
    inputs : iterable of Message
        `arbiter.input.v1` from its beginning
    encode : EncodeProcessor
        with the models in use
    confirm : callable
        compares the sound of then with the one that the media hold now
    codec : Codec

    Yields
    ------
    Reembedded
        one for each upload that was wanted
    """
    open_ = dict(wanted)
    uploads = _uploads(open_, inputs, codec)
    while batch := list(islice(uploads, AT_ONCE)):
        yield from _encoded(batch, encode=encode, confirm=confirm, codec=codec)
    for state in open_.values():
        yield Reembedded(state=state, problem="the record that it was decided on is not in the log")


def _uploads(
    wanted: dict[Origin, UploadState], inputs: Iterable[Message], codec: Codec
) -> Iterator[tuple[UploadState, Upload]]:
    """Find the uploads in the log, each once; they are no longer wanted then."""
    for message in inputs:
        if not wanted:
            return
        try:
            asked: ArbiterInput = codec.decode(INPUT, message.value or b"")
        except DecodeError:
            continue  # the arbiter has said so
        encoded = asked.found.encoded if asked.found is not None else None
        if encoded is not None and encoded.upload is not None and not encoded.reembedded:
            state = wanted.pop(encoded.origin, None)
            if state is not None:
                yield state, encoded.upload


def _encoded(
    batch: Sequence[tuple[UploadState, Upload]], *, encode: EncodeProcessor, confirm: Confirm, codec: Codec
) -> Iterator[Reembedded]:
    asked = [
        Message(
            topic=state.origin.topic,
            partition=state.origin.partition,
            offset=state.origin.offset,
            key=None,
            value=codec.encode("catalog.upload.v1", upload),
        )
        for state, upload in batch
    ]
    for produced in encode.process(asked):
        if produced.topic != ENCODED or produced.cause is None:
            continue  # what drifts is measured on what arrives
        state = batch[produced.cause][0]
        made: EncodedUpload = codec.decode(ENCODED, produced.value or b"")
        if made.refusal is not None:
            yield Reembedded(state=state, problem=f"{made.refusal.code}: {made.refusal.reason}")
        elif not _unchanged(state.sound, made.sound, confirm):
            yield Reembedded(state=state, problem="its media hold another sound than was decided on")
        else:
            yield Reembedded(
                state=state, record=replace(_record(state), vectors=made.vectors, sound=made.sound)
            )


def _unchanged(then: SoundFacts | None, now: SoundFacts | None, confirm: Confirm) -> bool:
    if then is None or now is None:
        return then is now
    return hear(confirm(then, now)).level in _UNCHANGED


def _record(state: UploadState, *, retired: tuple[str, ...] = ()) -> EncodedUpload:
    """Name what is spoken of: no more than that is read of such a record."""
    return replace(named_again(state), reembedded=True, retired=retired)
