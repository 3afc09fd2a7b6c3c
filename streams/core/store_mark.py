"""How far a local store has folded, and whether what it holds is still the log's."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class LogIdentity:
    """Whose log it is: the same names on another cluster, or a topic made anew, are another log.

    Attributes
    ----------
    cluster_id : str
    topic_ids : mapping of str to str
        by topic
    """

    cluster_id: str
    topic_ids: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreMark:
    """What a store has folded, written together with what it holds.

    Attributes
    ----------
    log : LogIdentity
    form : str
        of what is held: another one cannot be read, or would mean something else
    offsets : mapping of str to int
        next offset of each topic
    sequence : int
        of the state as it stands then
    """

    log: LogIdentity
    form: str
    offsets: Mapping[str, int]
    sequence: int


def misfit(mark: StoreMark, *, log: LogIdentity, form: str, ends: Mapping[str, int]) -> str | None:
    """Say why a store must be rebuilt; none where it can be gone on with.

    Parameters
    ----------
    mark : StoreMark
    log : LogIdentity
        as it is now
    form : str
        that this program reads
    ends : mapping of str to int
        next offset of each topic now
    """
    if mark.form != form:
        return "it was written by another version"
    if mark.log.cluster_id != log.cluster_id:
        return f"it is of cluster {mark.log.cluster_id}, not {log.cluster_id}"
    for topic, topic_id in log.topic_ids.items():
        if mark.log.topic_ids.get(topic) != topic_id:
            return f"{topic} was made anew"
    for topic, end in ends.items():
        offset = mark.offsets.get(topic)
        if offset is None:
            return f"it knows nothing of {topic}"
        if offset > end:
            return f"it has folded {topic} up to {offset}, and the log ends at {end}"
    return None
