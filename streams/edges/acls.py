"""Bring the declared permissions onto a cluster, and report those that go beyond them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclBindingFilter, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType

from streams.acls import ROLES, Grant, Role
from streams.edges.kafka_config import ClientConfig, admin_config
from streams.edges.kafka_errors import kafka_error, translate

TIMEOUT_SECONDS = 30.0

_TYPES = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "transactional_id": ResourceType.TRANSACTIONAL_ID,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AclReport:
    """What :func:`ensure_acls` found and did.

    Attributes
    ----------
    created, existing, missing : tuple of str
        permissions in words
    surplus : tuple of str
        what our users may do beyond their declaration: nothing is taken away from them here
    """

    created: tuple[str, ...]
    existing: tuple[str, ...]
    missing: tuple[str, ...]
    surplus: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Say whether every user may do its job and nothing else."""
        return not self.missing and not self.surplus


def user_of(role: Role, *, prefix: str) -> str:
    """Name the user of a role."""
    return f"{prefix}{role.name}"


def bindings(users: Mapping[str, Role]) -> list[AclBinding]:
    """Return the permissions of some users as Kafka takes them, from every host."""
    return [
        AclBinding(
            _TYPES[grant.resource],
            grant.name,
            ResourcePatternType.PREFIXED if grant.prefix else ResourcePatternType.LITERAL,
            f"User:{user}",
            "*",
            AclOperation[grant.operation.upper()],
            AclPermissionType.ALLOW,
        )
        for user, role in users.items()
        for grant in role.grants
    ]


def ensure_acls(
    bootstrap: str,
    client_config: ClientConfig | None = None,
    *,
    user_prefix: str,
    roles: Iterable[Role] = ROLES,
    create: bool = True,
) -> AclReport:
    """Create the permissions that are missing; report, and never take away, what goes beyond.

    Parameters
    ----------
    bootstrap : str
        ``host:port``, several separated by commas
    client_config : mapping, optional
        security: of a user who may alter the cluster's permissions
    user_prefix : str
        in front of a role's name
    roles : iterable of Role
    create : bool
        false only reports

    Raises
    ------
    BrokerUnavailable, FatalError
        Kafka does not answer, has no authorizer, or refuses
    """
    admin = AdminClient(admin_config(bootstrap, client_config))
    users = {user_of(role, prefix=user_prefix): role for role in roles}
    declared = bindings(users)
    held = [acl for user in users for acl in _held(admin, user)]
    absent = [acl for acl in declared if acl not in held]
    if create and absent:
        _create(admin, absent)
    return AclReport(
        created=tuple(map(in_words, absent)) if create else (),
        existing=tuple(in_words(acl) for acl in declared if acl in held),
        missing=() if create else tuple(map(in_words, absent)),
        surplus=tuple(in_words(acl) for acl in held if acl not in declared),
    )


def in_words(acl: AclBinding) -> str:
    """Say one permission."""
    pattern = f"{acl.name}*" if acl.resource_pattern_type is ResourcePatternType.PREFIXED else acl.name
    verb = "may" if acl.permission_type is AclPermissionType.ALLOW else "may not"
    where = "" if acl.host == "*" else f" from {acl.host}"
    return f"{acl.principal} {verb} {_word(acl.operation)} {_word(acl.restype)} {pattern}{where}"


def _word(value: object) -> str:
    return str(getattr(value, "name", value)).lower()


def commands(*, user_prefix: str, roles: Iterable[Role] = ROLES) -> list[str]:
    """Return the same as lines for Kafka's own ``kafka-acls.sh``, for who runs the cluster."""
    return [
        f'kafka-acls.sh --bootstrap-server "$BOOTSTRAP" --command-config "$ADMIN" --add --force '
        f"--allow-principal 'User:{user_of(role, prefix=user_prefix)}' {_arguments(grant)}"
        for role in roles
        for grant in role.grants
    ]


def _arguments(grant: Grant) -> str:
    kind = grant.resource.replace("_", "-")
    operation = "".join(part.capitalize() for part in grant.operation.split("_"))
    pattern = "prefixed" if grant.prefix else "literal"
    return f"--operation {operation} --{kind} '{grant.name}' --resource-pattern-type {pattern}"


def _held(admin: AdminClient, user: str) -> list[AclBinding]:
    every = AclBindingFilter(
        ResourceType.ANY,
        None,  # type: ignore[arg-type]  # any name; the library's own documentation says None
        ResourcePatternType.ANY,
        f"User:{user}",
        None,  # type: ignore[arg-type]  # any host
        AclOperation.ANY,
        AclPermissionType.ANY,
    )
    try:
        return list(admin.describe_acls(every).result(TIMEOUT_SECONDS))
    except KafkaException as exc:
        raise translate(kafka_error(exc), f"the permissions of {user}") from exc


def _create(admin: AdminClient, absent: list[AclBinding]) -> None:
    try:
        for future in admin.create_acls(absent).values():
            future.result(TIMEOUT_SECONDS)
    except KafkaException as exc:
        raise translate(kafka_error(exc), "creating permissions") from exc
