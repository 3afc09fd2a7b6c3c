"""What became of one cell: a value, a reason why there is none, or both where only a part was understood."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Reading(Generic[T_co]):
    """A cell as it was read.

    Attributes
    ----------
    value : optional
        None where nothing is said, or nothing could be understood
    problem : str, optional
        why a part of the text or all of it was not used
    """

    value: T_co | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Something a person should know of a row, or of a part of a message.

    Attributes
    ----------
    row : int, optional
        of a table, as a spreadsheet counts, the header being row 1
    part : str, optional
        of a message
    column : str, optional
        the column, or the element, where it stands; None for the row or the part as a whole
    value : str, optional
        what stands there
    why : str
        what was not understood, and what to do where something can be done
    refused : bool
        whether the row did not become an upload for it
    """

    why: str
    row: int | None = None
    part: str | None = None
    column: str | None = None
    value: str | None = None
    refused: bool = False
