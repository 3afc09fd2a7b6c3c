"""A new version of the identity model on real Kafka and Milvus Lite: the catalogue follows, and goes back."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from encoders.build import IDENTITY_CARD, card_path, default_models_dir
from streams.cli.app import app
from streams.cli.decisions import read_records
from streams.config import load_settings
from streams.core.records import ArbiterInput, IndexRow
from tests.integration.installation import DEADLINE_S, Installation
from tests.unit.media_files import melody, ogg, wav
from tests.waiting import wait_until

pytestmark = [pytest.mark.broker, pytest.mark.models, pytest.mark.slow, pytest.mark.timeout(1800)]

OLD, NEW = "samesong-identity@1+p1", "samesong-identity@2+p1"


@pytest.fixture
def newer_models(tmp_path: Path) -> Path:
    """Copy the models, and call the identity network another version of itself."""
    folder = tmp_path / "models"
    shutil.copytree(load_settings().models_dir or default_models_dir(), folder)
    path = card_path(folder, IDENTITY_CARD)
    path.write_bytes(orjson.dumps({**orjson.loads(path.read_bytes()), "version": "2"}))
    return folder


class Catalogue:
    """One installation, begun by either model."""

    def __init__(self, data_dir: Path, music: Path, newer: Path) -> None:
        self.data_dir, self.music, self.newer = data_dir, music, newer

    def running(self, *, newer: bool) -> Installation:
        return Installation(self.data_dir, self.environment(newer=newer))

    def environment(self, *, newer: bool) -> dict[str, str]:
        roots = orjson.dumps([str(self.music)]).decode()
        models = {"SAMESONG_MODELS_DIR": str(self.newer)} if newer else {}
        return {"SAMESONG_MEDIA__ALLOWED_ROOTS": roots, **models}

    def command(self, *arguments: str, newer: bool) -> Mapping[str, Any]:
        result = CliRunner().invoke(
            app,
            [*arguments, "--json", "--data-dir", str(self.data_dir)],
            env={name: value for name, value in self.environment(newer=newer).items()},
        )
        assert result.exit_code == 0, result.output
        answer: Mapping[str, Any] = orjson.loads(result.stdout.splitlines()[-1])
        return answer

    def heard(self, item: str, title: str, seed: int, *, copy: bool = True) -> dict[str, object]:
        path = self.music / f"{item}.{'ogg' if copy else 'wav'}"
        path.write_bytes((ogg if copy else wav)(melody(30.0, seed=seed)))
        media = [{"role": "audio", "uri": path.as_uri()}]
        return {"source": "s", "item_id": item, "kind": "recording", "title": title, "media": media}

    def rows(self) -> list[IndexRow]:
        last: dict[str, IndexRow] = {}
        for row in read_records(load_settings(data_dir=self.data_dir), "index.row.v1"):
            last[row.row_id] = row
        return [row for row in last.values() if row.state == "live"]

    def with_rows_of(self, model: str) -> set[str]:
        return {row.item_id for row in self.rows() if row.model == model}

    def by_sound(self, item: str) -> set[str]:
        """Name whom the index proposed by the windows of an upload, or the arbiter's newer rows."""
        settings = load_settings(data_dir=self.data_dir)
        inputs: list[ArbiterInput] = list(read_records(settings, "arbiter.input.v1"))
        (found,) = [
            each.found
            for each in inputs
            if each.found is not None
            and each.found.encoded.item_id == item
            and not each.found.encoded.reembedded
        ]
        return {each.item_id for each in found.candidates if "vector:identity" in each.proposed_by}

    def folded(self) -> None:
        """Wait until the index has every row."""
        settings = load_settings(data_dir=self.data_dir)

        def whole() -> bool:
            marks = list(read_records(settings, "index.watermark.v1"))
            return bool(marks) and marks[-1].rows == len(self.rows())

        wait_until(whole, DEADLINE_S)

    def audited(self) -> None:
        result = CliRunner().invoke(app, ["audit", "--once", "--data-dir", str(self.data_dir)])
        assert result.exit_code == 0, result.output


def test_the_catalogue_follows_a_new_model_and_goes_back(tmp_path: Path, newer_models: Path) -> None:
    music, data_dir = tmp_path / "music", tmp_path / "data"
    music.mkdir()
    data_dir.mkdir()
    catalogue = Catalogue(data_dir, music, newer_models)
    with (old := catalogue.running(newer=False)).running():
        old.publish(
            catalogue.heard("a", "Evening Bells", 5, copy=False),
            catalogue.heard("b", "Clear Water", 6, copy=False),
        )
        catalogue.folded()
        assert catalogue.command("models", "reembed", "--dry-run", newer=True)["wanted"] == 2
    with (new := catalogue.running(newer=True)).running():
        # Nobody has embedded the catalogue by the new model yet.
        new.publish(catalogue.heard("a2", "Track 02", 5))
        assert "a" not in catalogue.by_sound("a2")
        done = catalogue.command("models", "reembed", newer=True)
        assert (done["wanted"], done["published"], done["problems"]) == (2, 2, {})
        wait_until(lambda: catalogue.with_rows_of(NEW) >= {"a", "b", "a2"}, DEADLINE_S)
        catalogue.folded()
        (copy,) = new.publish(catalogue.heard("b2", "Track 07", 6))
        assert catalogue.by_sound("b2") >= {"b"}
        assert copy["outcome"] == "match"
        assert catalogue.command("models", "reembed", newer=True)["wanted"] == 0
        catalogue.audited()
    with (old := catalogue.running(newer=False)).running():
        # The rows of before are still there; what came under the new model gets them now.
        old.publish(catalogue.heard("b3", "Track 08", 6))
        assert catalogue.by_sound("b3") >= {"b"}
        assert catalogue.command("models", "reembed", newer=False)["published"] == 2
        wait_until(lambda: catalogue.with_rows_of(OLD) >= {"a", "b", "a2", "b2", "b3"}, DEADLINE_S)
        assert catalogue.command("models", "retire", NEW, newer=False)["uploads"] == 4
        wait_until(lambda: not catalogue.with_rows_of(NEW), DEADLINE_S)
        catalogue.folded()
        catalogue.audited()
