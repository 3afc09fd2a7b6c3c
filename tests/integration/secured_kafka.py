"""A real broker that asks for TLS, SCRAM and permissions, and a user for each part."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._scram import (
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)

from streams.edges.broker import READY_SECONDS, EmbeddedKafka
from streams.edges.broker_config import log_properties, server_properties
from streams.edges.kafka_config import Setting, admin_config, security_config
from tests.certificates import authority, server_certificate
from tests.waiting import wait_until

ADMIN = "admin"
MECHANISM = "SCRAM-SHA-512"
_AUTHORIZER = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"


def password_of(user: str) -> str:
    """Give a user's password; nobody would guess it, and a search for it finds nothing else."""
    return f"pa55-{user}-q7Zt93"


class SecuredKafka(EmbeddedKafka):
    """The embedded broker with other listeners: nothing is said before TLS, a log-in and a permission."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "broker")
        self.home.mkdir(parents=True)
        self._authority = authority(folder)
        self.ca = self._authority.public
        certificate, key = server_certificate(folder, self._authority, "127.0.0.1", "localhost")
        self._key_store = folder / "key-store.pem"
        self._key_store.write_bytes(key.read_bytes() + certificate.read_bytes())

    def security(self, user: str, password: str | None = None) -> dict[str, Setting]:
        """Give what a client needs to log in."""
        return security_config(
            protocol="SASL_SSL",
            mechanism=MECHANISM,
            username=user,
            password=password_of(user) if password is None else password,
            ca_location=str(self.ca),
        )

    def environment(self, user: str) -> dict[str, str]:
        """Give the same as settings of the program."""
        return {
            "SAMESONG_KAFKA__BOOTSTRAP": self.bootstrap,
            "SAMESONG_KAFKA__SECURITY_PROTOCOL": "SASL_SSL",
            "SAMESONG_KAFKA__SASL_MECHANISM": MECHANISM,
            "SAMESONG_KAFKA__USERNAME": user,
            "SAMESONG_KAFKA__PASSWORD": password_of(user),
            "SAMESONG_KAFKA__CA_LOCATION": str(self.ca),
        }

    def add_users(self, *users: str) -> None:
        """Make users who may do nothing yet."""
        admin = AdminClient(admin_config(self.bootstrap, self.security(ADMIN)))
        secret = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        wanted: list[UserScramCredentialAlteration] = [
            UserScramCredentialUpsertion(user, secret, password=password_of(user).encode()) for user in users
        ]
        for future in admin.alter_user_scram_credentials(wanted).values():
            future.result(30)

    def _prepare_node(self, index: int, *, cluster_id: str) -> None:
        folder = self._folder(index)
        folder.mkdir(exist_ok=True)
        log_dir = folder / "data"
        settings = server_properties(node=index + 1, ports=self._ports, log_dir=str(log_dir))
        ports = self._ports[index]
        address = f"SASL_SSL://127.0.0.1:{ports.broker}"
        secured: dict[str, str] = {
            "listeners": f"{address},CONTROLLER://127.0.0.1:{ports.controller}",
            "advertised.listeners": address,
            "inter.broker.listener.name": "SASL_SSL",
            "listener.security.protocol.map": "SASL_SSL:SASL_SSL,CONTROLLER:SASL_SSL",
            "sasl.enabled.mechanisms": MECHANISM,
            "sasl.mechanism.inter.broker.protocol": MECHANISM,
            "sasl.mechanism.controller.protocol": "PLAIN",
            "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.controller.plain.sasl.jaas.config": (
                f'{_PLAIN} required username="controller" password="{password_of("controller")}" '
                f'user_controller="{password_of("controller")}";'
            ),
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": (
                f'{_SCRAM} required username="{ADMIN}" password="{password_of(ADMIN)}";'
            ),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self._key_store),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.ca),
            "authorizer.class.name": _AUTHORIZER,
            "super.users": f"User:{ADMIN};User:controller",
            "allow.everyone.if.no.acl.found": "false",
        }
        # Of a name that stands twice the last counts.
        settings += "".join(f"{name}={value}\n" for name, value in secured.items())
        (folder / "server.properties").write_text(settings, encoding="utf-8")
        logging = log_properties(log_path=str(folder / "server.log"))
        (folder / "log4j2.properties").write_text(logging, encoding="utf-8")
        first = f"{MECHANISM}=[name={ADMIN},password={password_of(ADMIN)}]"
        done = subprocess.run(  # noqa: S603 - our own Java and our own settings
            self._command(
                index,
                "kafka.tools.StorageTool",
                "format",
                f"--cluster-id={cluster_id}",
                "-c",
                str(folder / "server.properties"),
                "--add-scram",
                first,
            ),
            capture_output=True,
            text=True,
            check=False,
            timeout=READY_SECONDS,
            env={**os.environ},
        )
        assert done.returncode == 0, done.stderr or done.stdout

    def _await_ready(self, count: int) -> None:
        quiet: dict[str, Any] = {"log_level": 0, "error_cb": lambda _error: None}
        admin = AdminClient({**admin_config(self.bootstrap, self.security(ADMIN)), **quiet})

        def ready() -> bool:
            assert self._nodes[0].ended() is None, self._story(0, "ended")
            try:
                return len(admin.describe_cluster(request_timeout=5.0).result(timeout=6.0).nodes) >= count
            except (KafkaException, TimeoutError):
                return False

        wait_until(ready, READY_SECONDS, lambda: self._story(0, "did not answer"))


@contextmanager
def secured_kafka(folder: Path) -> Iterator[SecuredKafka]:
    """Run one."""
    with SecuredKafka(folder) as kafka:
        yield kafka
