"""What a sender is told because it cannot be so: identifiers, what was heard against what was declared."""

from collections.abc import Callable, Sequence

from streams.core.field_levels.versions import declared_versions
from streams.core.linking import Compared
from streams.core.records import Contradiction, EncodedUpload
from streams.core.saying import contradiction_text
from streams.core.sound_evidence import mirrored


def contradictions(
    encoded: EncodedUpload, compared: Sequence[Compared], *, sequence: int, name: Callable[[int], str]
) -> list[Contradiction]:
    """Tell what an upload contradicts, itself first, then the others in their order.

    Parameters
    ----------
    encoded : EncodedUpload
    compared : sequence of Compared
    sequence : int
        of the decision that they go with
    name : callable
        makes an event id of an ordinal
    """

    def told(code: str, message: str, subject: str | None, *, to: tuple[str, str, int]) -> None:
        source, item_id, revision = to
        said.append(
            Contradiction(
                event_id=name(len(said)),
                sequence=sequence,
                source=source,
                item_id=item_id,
                revision=revision,
                code=code,
                message=message,
                subject=subject,
            )
        )

    said: list[Contradiction] = []
    own = (encoded.source, encoded.item_id, encoded.revision or 1)
    for problem in encoded.identifier_problems:
        message = f"{problem.scheme} {problem.value}: {problem.problem}"
        told("wrong_identifier", message, problem.value, to=own)
    for each in compared:
        code, other, sound = each.score.contradiction, each.state, each.sound
        if code is None:
            continue
        # To whom it concerns: of two, where one was sped up and does not say so, to that one.
        if each.score.relation in {"has_sped_up", "has_derived"}:
            turned = mirrored(sound) if sound is not None else None
            message = contradiction_text(code, declared_versions(other.record), str(encoded.key), turned)
            told(code, message, encoded.key.text(), to=(other.source, other.item_id, other.revision))
        else:
            message = contradiction_text(code, declared_versions(encoded.record), str(other.key), sound)
            told(code, message, each.key, to=own)
    return said
