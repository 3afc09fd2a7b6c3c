"""`samesong verify`: every decision computed again from its own event and the bundle that it names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from streams.cli.common import AsJson, Bootstrap, DataDir, output, print_json, settings_for

if TYPE_CHECKING:
    from streams.config import Settings
    from streams.core.bundle import Bundle


def verify(data_dir: DataDir = None, bootstrap: Bootstrap = None, as_json: AsJson = False) -> None:
    """Compute outcome, score and relation of every decision again; exit 1 when one does not add up."""
    from streams.cli.decisions import DECISIONS, read_records
    from streams.core.bundle import Bundle, with_version
    from streams.core.verifying import verify as problems_of
    from streams.core.verifying_relations import bounded_only

    settings = settings_for(data_dir, bootstrap=bootstrap)
    bundles = Bundle.shipped()
    promoted_are_read = False
    verified = unknown = relations = by_ear = 0
    wrong: list[dict[str, object]] = []
    for decision in read_records(settings, DECISIONS):
        bundle = with_version(bundles, decision.bundle_version)
        if bundle is None and not promoted_are_read:
            bundles |= {bundle.version: bundle for bundle in _promoted(settings)}
            promoted_are_read = True
            bundle = with_version(bundles, decision.bundle_version)
        if bundle is None:
            unknown += 1
            continue
        verified += 1
        relations += decision.relation is not None
        by_ear += bounded_only(decision)
        if problems := problems_of(decision, bundle):
            name = {"source": decision.source, "item_id": decision.item_id, "sequence": decision.sequence}
            wrong.append({**name, "problems": list(problems)})
    if as_json:
        counts = {"verified": verified, "unknown_bundle": unknown}
        print_json(counts | {"relations": relations, "relations_by_ear": by_ear, "wrong": wrong})
    else:
        console = output()
        for each in wrong:
            console.print(f"{each['source']}/{each['item_id']} (sequence {each['sequence']})", style="red")
            for problem in each["problems"] if isinstance(each["problems"], list) else ():
                console.print(f"  {problem}")
        console.print(f"{verified} decisions computed again, {len(wrong)} do not add up.")
        if by_ear:
            console.print(
                f"{by_ear} of {relations} relations were heard: how probable they are is only bounded, "
                "for a decision does not hold what its alignment is worth."
            )
        if unknown:
            console.print(f"{unknown} more name a bundle that is not at hand.")
    if wrong:
        raise typer.Exit(1)


def _promoted(settings: Settings) -> Iterator[Bundle]:
    """Read the bundles that were ever promoted; what cannot be read never came into force."""
    from streams.cli.decisions import read_records
    from streams.core.bundle import Bundle
    from streams.core.promoting import BUNDLE
    from streams.errors import SchemaError

    for asked in read_records(settings, "arbiter.input.v1"):
        if asked.promotion is not None and asked.promotion.subject == BUNDLE:
            try:
                yield Bundle.from_json(asked.promotion.payload)
            except SchemaError:
                continue
