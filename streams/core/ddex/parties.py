"""The parties of a message: who is named, once, and referred to from everywhere else."""

from dataclasses import dataclass, field

from streams.core.ddex.nodes import Node

_SCHEMES = {"ISNI": "isni", "IpiNameNumber": "ipi", "DPID": "dpid", "IPN": "ipn"}


@dataclass(frozen=True, slots=True)
class Party:
    """A person, group or company."""

    name: str
    ids: dict[str, str] = field(default_factory=dict)


def read_party(node: Node) -> tuple[str, Party] | None:
    """Read a `Party`: its reference and what it says; None where it has no reference or no name."""
    reference = node.said("PartyReference")
    name = node.said("PartyName", "FullName")
    if reference is None or name is None:
        return None
    ids = {scheme: value for element, scheme in _SCHEMES.items() if (value := node.said("PartyId", element))}
    return reference, Party(name, ids)
