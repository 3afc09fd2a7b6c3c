"""Acting on what is no upload: verdicts, operators' commands and promotions."""

from typing import Final

from streams.core.catalogue import Workspace
from streams.core.clustering import Judgement
from streams.core.commands import decide_command
from streams.core.ids import stable_id
from streams.core.letters import letter
from streams.core.promoting import Settled, decide_promotion
from streams.core.records import ArbiterInput, Origin
from streams.core.rules import Rules
from streams.core.saying import Decided
from streams.core.verdicts import decide_verdict
from streams.errors import InvariantError
from streams.ports import Message

JUDGEMENTS: Final = frozenset({*Judgement, "withdrawn"})


def command_name(asked: ArbiterInput) -> str | None:
    """Name a verdict, command or promotion in as few bytes whatever its id is."""
    if asked.verdict is not None:
        return stable_id("verdict", asked.verdict.verdict_id)
    if asked.command is not None:
        return stable_id("command", asked.command.command_id)
    if asked.promotion is not None:
        return stable_id("promotion", asked.promotion.promotion_id)
    return None


def settle(
    workspace: Workspace, asked: ArbiterInput, message: Message, *, sequence: int, rules: Rules, size: int
) -> Settled:
    """Act on what is no upload.

    Parameters
    ----------
    sequence : int
        of the changes, used only when there are some
    rules : Rules
        in force until now
    size : int
        that the catalogue has asked for; see :mod:`streams.core.growing`
    """
    at = message.origin
    body = message.value or b""
    if asked.promotion is not None:
        return decide_promotion(
            workspace, asked.promotion, at=at, body=body, sequence=sequence, rules=rules, size=size
        )
    if asked.command is not None:
        decided = decide_command(workspace, asked.command, at=at, body=body, sequence=sequence, rules=rules)
    else:
        decided = _judge(workspace, asked, at, body, sequence=sequence, rules=rules)
    return Settled(decided=decided, rules=rules, size=size)


def _judge(
    workspace: Workspace, asked: ArbiterInput, at: Origin, body: bytes, *, sequence: int, rules: Rules
) -> Decided:
    """Act on a verdict, or say why that cannot be."""
    code = "verdict_invalid"
    if asked.verdict is None:
        said = "neither upload nor command"
    elif asked.verdict.judgement not in JUDGEMENTS:
        said = f"no judgement {asked.verdict.judgement!r}"
    else:
        try:
            return decide_verdict(workspace, asked.verdict, sequence=sequence, rules=rules)
        except InvariantError as exc:
            code, said = "verdict_impossible", f"verdict {asked.verdict.verdict_id}: {exc}"
    return Decided(events=(letter(at, code=code, reason=said, body=body, sequence=sequence - 1),))
