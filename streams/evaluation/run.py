"""An evaluation: the sets that are asked for and at hand, one report each; what is absent is named."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from streams.core.bundle import Bundle
from streams.core.upload_json import parse_upload
from streams.errors import ConfigError, UnreadableInput
from streams.evaluation.diff import SetDiff, diff_pairs, diff_stream
from streams.evaluation.figures import SetReport
from streams.evaluation.folds import FOLDS, sample
from streams.evaluation.labelled import LabelledPairs, LabelledSet, LabelledStream, LabelledUpload
from streams.evaluation.paired import evaluate_folds, evaluate_pairs
from streams.evaluation.sets import SETS, SetSource
from streams.evaluation.streamed import evaluate_stream
from streams.evaluation.streaming import Encoded
from streams.evaluation.targets import sample_size
from streams.offline import OfflineParts, read_lines

Progress = Callable[[str], None]
Finished = Callable[[SetReport, SetReport | None], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be evaluated, and how.

    Attributes
    ----------
    names : sequence of str
        of sets; none: all
    data : Path, optional
        the folder of labelled data
    floors : bool
        the fixed sample of each set, in one order, as its floors are set for
    size : int, optional
        a sample of about this many of each set
    orders : int, optional
        random orders of each stream; by default as the set says
    """

    names: Sequence[str] = ()
    data: Path | None = None
    floors: bool = False
    size: int | None = None
    orders: int | None = None


def chosen(asked: Asked) -> tuple[list[SetSource], dict[str, str]]:
    """Give the sets that are at hand, and why the others are not.

    Raises
    ------
    ConfigError
        there is no such set
    """
    known = {source.name: source for source in SETS}
    unknown = [name for name in asked.names if name not in known]
    if unknown:
        raise ConfigError(f"no such set: {', '.join(unknown)}; there are {', '.join(known)}")
    wanted = [known[name] for name in asked.names] if asked.names else list(SETS)
    absent = {source.name: why for source in wanted if (why := source.absent(asked.data)) is not None}
    return [source for source in wanted if source.name not in absent], absent


def read_set(source: SetSource, asked: Asked) -> LabelledSet:
    """Read a set, or the sample of it that is asked for."""
    labelled = source.read(asked.data or Path())
    size = sample_size(source.name) if asked.floors else asked.size
    return sample(labelled, size) if size is not None else labelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What came of an evaluation.

    Attributes
    ----------
    reports : sequence of SetReport
    held_out : mapping of str to SetReport
        by set: the same by a bundle that was fitted without it
    absent : mapping of str to str
        sets that were asked for, and why they are not at hand
    """

    bundle_version: str
    reports: Sequence[SetReport]
    held_out: Mapping[str, SetReport]
    absent: Mapping[str, str]


def evaluate(
    asked: Asked,
    bundle: Bundle,
    parts: OfflineParts,
    *,
    progress: Progress,
    finished: Finished = lambda _report, _held_out: None,
    held_out: Mapping[str, Bundle] | None = None,
) -> Evaluation:
    """Evaluate a bundle on every set that is asked for.

    Parameters
    ----------
    finished : callable
        is given each report as it is made, and that by the bundle fitted without the set, if there is one
    held_out : mapping of str to Bundle, optional
        ``SET`` was fitted without that set, ``SET.fold0`` and so on without that fold of it
    """
    sources, absent = chosen(asked)
    reports: list[SetReport] = []
    beside: dict[str, SetReport] = {}
    for source in sources:
        progress(source.name)
        labelled = read_set(source, asked)
        encoded = None if isinstance(labelled, LabelledPairs) else Encoded(labelled, parts)
        orders = 0 if asked.floors else source.orders if asked.orders is None else asked.orders

        def report(
            by: Bundle,
            labelled: LabelledSet = labelled,
            encoded: Encoded | None = encoded,
            orders: int = orders,
        ) -> SetReport:
            if isinstance(labelled, LabelledPairs):
                return evaluate_pairs(labelled, by)
            assert encoded is not None  # noqa: S101 - the other of the two kinds
            return evaluate_stream(encoded, by, orders=orders)

        own = report(bundle)
        if isinstance(labelled, LabelledPairs) and (fitted := _by_fold(source.name, held_out or {})):
            own = replace(own, figures=(*own.figures, *evaluate_folds(labelled, fitted)))
        reports.append(own)
        if held_out is not None and source.name in held_out:
            beside[source.name] = report(held_out[source.name])
        finished(own, beside.get(source.name))
    return Evaluation(bundle_version=bundle.version, reports=reports, held_out=beside, absent=absent)


def _by_fold(name: str, held_out: Mapping[str, Bundle]) -> list[Bundle]:
    """Give the bundles that were fitted without each fold, if all are there."""
    found = [held_out.get(f"{name}.fold{number}") for number in range(FOLDS)]
    return [bundle for bundle in found if bundle is not None] if all(found) else []


def diff(
    asked: Asked,
    before: Bundle,
    after: Bundle,
    parts: OfflineParts,
    *,
    progress: Progress,
    uploads: Path | None = None,
) -> tuple[list[SetDiff], Mapping[str, str]]:
    """Say what another bundle would change on every set that is asked for, and on uploads of one's own.

    With uploads and no set named, only they are looked at.
    """
    sources, absent = chosen(asked) if asked.names or uploads is None else ([], {})
    diffs = []
    if uploads is not None:
        progress(str(uploads))
        diffs.append(diff_stream(Encoded(_unlabelled(uploads), parts), before, after))
    for source in sources:
        progress(source.name)
        labelled = read_set(source, asked)
        if isinstance(labelled, LabelledPairs):
            diffs.append(diff_pairs(labelled, before, after))
        else:
            diffs.append(diff_stream(Encoded(labelled, parts), before, after))
    return diffs, absent


def _unlabelled(path: Path) -> LabelledStream:
    try:
        uploads = tuple(LabelledUpload(upload=parse_upload(line)) for line in read_lines(path))
    except OSError as exc:
        raise UnreadableInput(f"{path}: {exc.strerror or exc}") from exc
    return LabelledStream(name=str(path), uploads=uploads)
