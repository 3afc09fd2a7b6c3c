"""The compose file has the right form; it is not started here."""

import re
from pathlib import Path
from typing import Any

import pytest

from streams.cli.stages import Stage
from streams.config import Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    yaml = pytest.importorskip("yaml")
    loaded = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def test_every_stage_is_a_service(compose: dict[str, Any]) -> None:
    commands = {tuple(service.get("command", ())) for service in compose["services"].values()}
    assert {("run", stage.value) for stage in Stage} <= commands


def test_ports_are_published_on_loopback_only(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", ())]
    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_images_are_pinned(compose: dict[str, Any]) -> None:
    images = [service["image"] for service in compose["services"].values() if "build" not in service]
    assert [image for image in images if not re.search(r":v?\d|:RELEASE\.", image)] == []


def test_settings_exist(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for name in service.get("environment", {}):
            if not name.startswith("SAMESONG_"):
                continue
            group, _, setting = name.removeprefix("SAMESONG_").lower().partition("__")
            field = Settings.model_fields[group]
            assert not setting or setting in getattr(field.annotation, "model_fields", {}), name


def test_what_is_mounted_is_in_the_repository(compose: dict[str, Any]) -> None:
    mounts = [mount for service in compose["services"].values() for mount in service.get("volumes", ())]
    paths = [mount.partition(":")[0] for mount in mounts if mount.startswith("./")]
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_services_and_volumes_that_are_named_exist(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for service in services.values():
        assert set(service.get("depends_on", ())) <= set(services)
        for mount in service.get("volumes", ()):
            name = mount.partition(":")[0]
            assert name.startswith((".", "$")) or name in compose["volumes"], mount
        for config in service.get("configs", ()):
            assert config["source"] in compose["configs"]
