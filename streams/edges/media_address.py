"""Which network addresses an upload may make us talk to: global ones, and nothing else."""

import ipaddress
import socket
import threading
from collections.abc import Callable

from streams.errors import MediaError

Resolve = Callable[[str, int, float], tuple[str, ...]]

_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))


def is_global(text: str) -> bool:
    """Say whether an address is reachable from the whole internet and belongs to one host.

    Loopback, private, link-local, carrier-grade NAT, multicast, reserved and documentation addresses are
    not; neither is an IPv6 address that carries an IPv4 address inside (mapped, NAT64, 6to4, Teredo): what
    it leads to is decided by somebody else's gateway.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and (
        address.ipv4_mapped is not None
        or address.sixtofour is not None
        or address.teredo is not None
        or address.scope_id is not None
        or any(address in network for network in _NAT64)
    ):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


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
