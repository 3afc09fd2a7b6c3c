"""Which network addresses an upload may make us talk to: global ones, and nothing else."""

import ipaddress
import re
import socket
import threading
from collections.abc import Callable

from streams.errors import MediaError

Resolve = Callable[[str, int, float], tuple[str, ...]]

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
# As a browser reads it: a name that ends in a number is an address.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
# Nothing else of IPv6 belongs to a host on the internet: NAT64, site-local and mapped addresses lie outside.
_UNICAST6 = ipaddress.IPv6Network("2000::/3")
# What registries, or Python's copy of them, call global and what leads inside all the same.
_INSIDE = tuple(
    map(
        ipaddress.ip_network,
        (
            "168.63.129.16/32",  # the metadata and wire server of Azure's machines
            "192.0.0.0/24",  # protocol assignments, one of them the metadata server of Oracle's machines
            "192.88.99.0/24",  # the nearest 6to4 gateway, whoever runs it
            "2001::/23",  # protocol assignments: Teredo, ORCHID
            "3fff::/20",  # documentation
        ),
    )
)


def is_global(text: str) -> bool:
    """Say whether an address is reachable from the whole internet and belongs to one host.

    Loopback, private, link-local, site-local, carrier-grade NAT, multicast, reserved, documentation and
    clouds' metadata addresses are not; neither is an IPv6 address that carries an IPv4 address inside
    (mapped, NAT64, 6to4, Teredo): what it leads to is decided by somebody else's gateway.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and (
        address not in _UNICAST6 or address.sixtofour is not None or address.scope_id is not None
    ):
        return False
    if any(address in network for network in _INSIDE):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def canonical_host(text: str) -> str:
    """Give the one spelling of a host that is compared, resolved and asked for.

    Lower case, no dot at the end, other scripts in their ASCII form. An address is written in full: the
    octal, hexadecimal and shortened forms that resolvers understand are for those with something to hide.

    Raises
    ------
    MediaError
        ``media_host``: not a host's name or address
    """
    if ":" in text:  # urlsplit has taken the brackets off
        try:
            address = ipaddress.IPv6Address(text)
        except ValueError as exc:
            raise MediaError("an address in brackets must be an IPv6 address", code="media_host") from exc
        if address.scope_id is not None:
            raise MediaError("an address must name no interface of this machine", code="media_host")
        return address.compressed
    try:
        host = text.lower().removesuffix(".").encode("idna").decode("ascii").lower()
    except UnicodeError as exc:
        raise MediaError("the host is not a name that can be asked for", code="media_host") from exc
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise MediaError("the host is not a name that can be asked for", code="media_host")
    if _NUMBER.fullmatch(labels[-1]):
        try:
            return ipaddress.IPv4Address(host).compressed
        except ValueError as exc:
            raise MediaError(f"{host} is no address written in full", code="media_host") from exc
    return host


def resolve_host(host: str, port: int, timeout_s: float) -> tuple[str, ...]:
    """Look a name up once, within a time limit.

    Raises
    ------
    MediaError
        ``media_unreachable``: no answer, or no such name
    """
    found: list[str] = []
    problem: list[OSError] = []

    def look_up() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as exc:
            problem.append(exc)
        else:
            found.extend(dict.fromkeys(str(answer[4][0]) for answer in answers))

    # The system's resolver takes no time limit: a thread that is left behind ends by itself.
    thread = threading.Thread(target=look_up, name="resolve", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if problem:
        raise MediaError(f"{host} cannot be resolved: {problem[0]}", code="media_unreachable")
    if not found:
        raise MediaError(f"{host} was not resolved in time", code="media_unreachable")
    return tuple(found)


def safe_address(host: str, port: int, *, timeout_s: float, resolve: Resolve) -> str:
    """Resolve a host and give the one address to connect to.

    Every answer must be global: a name that also points inside is an attempt to get inside.

    Raises
    ------
    MediaError
        ``media_private_address`` or ``media_unreachable``
    """
    addresses = resolve(host, port, timeout_s)
    if not addresses:
        raise MediaError(f"{host} has no address", code="media_unreachable")
    for address in addresses:
        if not is_global(address):
            raise MediaError(f"{host} leads to {address}, which is not public", code="media_private_address")
    return addresses[0]
