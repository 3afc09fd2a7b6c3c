"""Operators' commands: merge, split and unmerge, as must-links and cannot-links on pairs of uploads.

A command forms no entity itself. It judges pairs, as a reviewer's verdict does, and the canonical clustering
(``streams.core.placing``) makes entities of them; so what a command did holds against later arrivals, and
taking its judgements back leaves what the evidence says. `unmerge` takes back what `merge` did and restores
the very ids; `merge` brings together what `split` has parted.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, product
from typing import Final

from msgspec.structs import replace

from streams.core.catalogue import Workspace
from streams.core.clustering import Judgement
from streams.core.letters import letter
from streams.core.linking import judged
from streams.core.naming import WORK
from streams.core.placing import Placement, place
from streams.core.records import AdminCommand, EntityState, ItemKey, Origin, PairState
from streams.core.rules import Rules
from streams.core.saying import Decided, said_by
from streams.errors import InvariantError, RecordError, SchemaError

# One command judges this many pairs at most: they are scored and written in one transaction.
MAX_PAIRS: Final = 2_048
# Tells a pair that a command has judged from one that a person has looked at.
MARK: Final = "command:"


def decide_command(
    workspace: Workspace, command: AdminCommand, *, at: Origin, body: bytes, sequence: int, rules: Rules
) -> Decided:
    """Act on one command; where it cannot be done as asked, nothing changes and a dead letter says why.

    Parameters
    ----------
    workspace : Workspace
    command : AdminCommand
    at : Origin
        where the command lies in `arbiter.input.v1`
    body : bytes
        the record as it was read, for the dead letter
    sequence : int
        of the change, used only when there is one
    rules : Rules
    """
    trial = Workspace(workspace)
    try:
        placement = _act(trial, command, rules=rules, sequence=sequence)
    except RecordError as exc:
        code = "command_impossible" if isinstance(exc, InvariantError) else "command_invalid"
        reason = f"{command.command} {command.command_id}: {exc}"
        return Decided(events=(letter(at, code=code, reason=reason, body=body, sequence=sequence - 1),))
    workspace.adopt(trial.changes)
    return Decided(events=said_by("command", command.command_id, [placement], sequence=sequence))


def _act(workspace: Workspace, command: AdminCommand, *, rules: Rules, sequence: int) -> Placement:
    """Judge the pairs that a command speaks of, and place what they touch."""
    if not command.command_id:
        raise SchemaError("a command needs an id")
    match command.command:
        case "merge":
            seeds = _merge(workspace, command, rules)
        case "split":
            seeds = _split(workspace, command, rules)
        case "unmerge":
            seeds = _unmerge(workspace, command, rules, sequence)
        case _:
            raise SchemaError("there is no such command; known are merge, split and unmerge")
    placement = _place(workspace, seeds, rules, sequence)
    if placement.too_large:
        raise InvariantError("what hangs together would exceed the bound of a component")
    _check(workspace, command, seeds)
    return placement


def _check(workspace: Workspace, command: AdminCommand, seeds: Sequence[str]) -> None:
    """Make sure that what was asked for holds now."""
    if command.command == "merge":
        homes = {upload.entity_id for key in seeds if (upload := workspace.upload(key)) is not None}
        if len(homes) != 1:
            raise InvariantError("cannot-links among their members keep them apart")
    if command.command == "unmerge":
        for name in command.entity_ids:
            entity = workspace.entity(name)
            if entity is None or entity.status != "live":
                raise InvariantError(f"{name} is held there by more than commands")


def _place(workspace: Workspace, seeds: Iterable[str], rules: Rules, sequence: int) -> Placement:
    return place(workspace, seeds, subject="", formerly=None, rules=rules, sequence=sequence)


def _merge(workspace: Workspace, command: AdminCommand, rules: Rules) -> Sequence[str]:
    """Link every member of each entity to every member of the others."""
    entities = _homes(workspace, command)
    if len(entities) < 2:
        raise InvariantError("it needs two entities that are not one already")
    if len({entity.kind for entity in entities}) > 1:
        raise InvariantError("a recording and a music video are never one entity")
    pairs = [pair for one, other in combinations(entities, 2) for pair in product(one.members, other.members)]
    _judge(workspace, pairs, Judgement.match, command, rules)
    return [key for entity in entities for key in entity.members]


def _split(workspace: Workspace, command: AdminCommand, rules: Rules) -> Sequence[str]:
    """Keep the named members apart from all others of their entity."""
    if len(command.entity_ids) != 1:
        raise SchemaError("a split names one entity")
    (entity,) = _homes(workspace, command)
    leaving = set(command.members)
    strangers = sorted(leaving - set(entity.members))
    if strangers:
        raise InvariantError(f"{', '.join(strangers)}: not a member of {entity.entity_id}")
    staying = [key for key in entity.members if key not in leaving]
    if not leaving or not staying:
        raise InvariantError("it names some of the members, not none and not all")
    pairs = list(product(sorted(leaving), staying))
    _judge(workspace, pairs, Judgement.non_match, command, rules)
    return entity.members


def _unmerge(workspace: Workspace, command: AdminCommand, rules: Rules, sequence: int) -> Sequence[str]:
    """Take back the links by which commands hold entities in another one.

    Named by its own id alone, a merged entity falls into all that commands have put together. An id that
    redirects to it comes out by itself, with the uploads that the evidence puts with it.
    """
    entities = _homes(workspace, command)
    if len(entities) != 1:
        raise InvariantError("it names ids that are one entity now")
    (whole,) = entities
    links = list(_links(workspace, whole))
    if not links:
        raise InvariantError(f"no command holds {whole.entity_id} together")
    merged = [name for name in command.entity_ids if name != whole.entity_id]
    if merged:
        free = Workspace(workspace)
        _take_back(free, links, command)
        _place(free, whole.members, rules, sequence)
        own = [_members(free, name) for name in merged]
        links = [
            link for link in links if any((link.left in group) != (link.right in group) for group in own)
        ]
    _take_back(workspace, links, command)
    return whole.members


def _homes(workspace: Workspace, command: AdminCommand) -> list[EntityState]:
    """Return the live entities that the named ids stand for now, each once."""
    found: dict[str, EntityState] = {}
    for name in command.entity_ids:
        entity = workspace.entity(name)
        while entity is not None and entity.redirect_to is not None:
            entity = workspace.entity(entity.redirect_to)
        if entity is None or entity.status != "live":
            raise InvariantError(f"there is no live entity {name}")
        if entity.kind == WORK:
            raise InvariantError(f"{name} is a work, which follows from its recordings: name those")
        found[entity.entity_id] = entity
    if not found:
        raise SchemaError("it names no entity")
    return list(found.values())


def _judge(
    workspace: Workspace,
    pairs: Sequence[tuple[str, str]],
    judgement: Judgement,
    command: AdminCommand,
    rules: Rules,
) -> None:
    """Say the same of every pair; what a person has said of one is never overruled."""
    if len(pairs) > MAX_PAIRS:
        raise InvariantError(f"it would judge {len(pairs)} pairs; at most {MAX_PAIRS} are")
    for one, other in pairs:
        left, right = sorted((one, other))
        pair = judged(workspace, left, right, rules=rules)
        if pair.verdict == judgement:
            continue
        if pair.verdict is not None and not _is_by_command(pair):
            both = f"{ItemKey.parse(left)} and {ItemKey.parse(right)}"
            raise InvariantError(f"verdict {pair.verdict_id} on {both} says {pair.verdict}")
        workspace.put_pair(replace(pair, verdict=judgement.value, verdict_id=MARK + command.command_id))


def _links(workspace: Workspace, entity: EntityState) -> Iterator[PairState]:
    """Give the pairs inside an entity that commands have linked."""
    members = set(entity.members)
    for key in entity.members:
        for pair in workspace.pairs_of(key):
            linked = pair.verdict == Judgement.match and _is_by_command(pair)
            if linked and pair.left == key and pair.right in members:
                yield pair


def _is_by_command(pair: PairState) -> bool:
    return (pair.verdict_id or "").startswith(MARK)


def _take_back(workspace: Workspace, pairs: Iterable[PairState], command: AdminCommand) -> None:
    for pair in pairs:
        workspace.put_pair(replace(pair, verdict=None, verdict_id=MARK + command.command_id))


def _members(workspace: Workspace, name: str) -> frozenset[str]:
    """Return whom an entity would have if no command spoke."""
    entity = workspace.entity(name)
    if entity is None or entity.status != "live":
        raise InvariantError(f"{name} is held there by more than commands")
    return frozenset(entity.members)
