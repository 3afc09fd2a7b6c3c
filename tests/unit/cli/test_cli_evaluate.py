"""`samesong evaluate` on the golden catalogue, without models and without any folder of data."""

import dataclasses
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner, Result

from streams.cli.app import app
from streams.core.bundle import Bundle
from streams.core.upload_json import upload_line
from streams.evaluation import targets
from streams.evaluation.golden.catalogue import golden_catalogue


@pytest.fixture(autouse=True)
def _no_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMESONG_MODELS_DIR", str(tmp_path / "none"))


def evaluate(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["evaluate", *arguments])


def test_a_table_a_report_and_what_is_absent(tmp_path: Path) -> None:
    report = tmp_path / "report.md"
    result = evaluate("golden", "--sample", "150", "--report", str(report))
    assert result.exit_code == 0, result.output
    assert "golden: streamed, in one order" in result.stdout
    assert "recording pair F1" in result.stdout
    text = report.read_text(encoding="utf-8")
    assert "### What goes wrong" in text
    assert "worst cases" in text
    assert "for it " in text


def test_a_set_that_is_asked_for_and_absent_fails_with_its_reason(tmp_path: Path) -> None:
    result = evaluate("musicbrainz-20k", "--data", str(tmp_path))
    assert result.exit_code == 1
    assert f"absent: musicbrainz-20k: {tmp_path} lacks musicbrainz-20k/dev.csv.gz" in result.stderr
    assert "no folder of labelled data was named" in evaluate("musicbrainz-20k").stderr


def test_an_unknown_set_is_a_usage_error() -> None:
    result = evaluate("nonsense")
    assert "no such set: nonsense" in str(result.exception)


def test_json_holds_figures_and_targets() -> None:
    result = evaluate("golden", "--sample", "100", "--json")
    said = orjson.loads(result.stdout)
    assert said["bundle"] == Bundle.packaged().version
    (golden,) = said["sets"]
    assert golden["name"] == "golden"
    assert {"name", "value", "low", "high", "count"} <= golden["figures"][0].keys()
    assert said["targets"] == []  # a sample is held against nothing


def test_a_figure_below_its_floor_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    hard = (targets.Target(set="golden", name="coverage", floor=1.0),)
    monkeypatch.setattr(targets, "targets", lambda: hard)
    monkeypatch.setattr(targets, "sample_size", lambda _: 60)
    monkeypatch.setattr("streams.evaluation.run.sample_size", lambda _: 60)
    result = evaluate("golden", "--floors")
    assert result.exit_code == 1
    assert "below its floor: golden: coverage" in result.stderr
    soft = (dataclasses.replace(hard[0], floor=0.1),)
    monkeypatch.setattr(targets, "targets", lambda: soft)
    assert evaluate("golden", "--floors").exit_code == 0


def test_a_bundle_fitted_without_the_set_stands_beside(tmp_path: Path) -> None:
    folder = tmp_path / "held-out"
    folder.mkdir()
    loose = dataclasses.replace(Bundle.packaged(), recording_match=1.0, version="without golden")
    (folder / "golden.json").write_bytes(loose.to_json())
    result = evaluate("golden", "--sample", "100", "--held-out", str(folder), "--json")
    said = orjson.loads(result.stdout)
    assert said["held_out"].keys() == {"golden"}
    assert said["held_out"]["golden"]["size"] == said["sets"][0]["size"]


def test_the_diff_of_two_bundles_on_uploads_of_ones_own(tmp_path: Path) -> None:
    before, after = (
        Bundle.packaged(),
        dataclasses.replace(Bundle.packaged(), recording_match=12.0, version="strict"),
    )
    paths = []
    for name, bundle in (("a", before), ("b", after)):
        paths.append(tmp_path / f"{name}.json")
        paths[-1].write_bytes(bundle.to_json())
    uploads = tmp_path / "uploads.jsonl"
    lines = [upload_line(each.upload) for each in golden_catalogue(songs=11).uploads]
    uploads.write_bytes(b"\n".join(lines))
    arguments = ("--diff", str(paths[0]), str(paths[1]), "--uploads", str(uploads))
    text = evaluate(*arguments)
    assert text.exit_code == 0, text.output
    assert f"From bundle {before.version} to bundle strict" in text.stdout
    assert "match → " in text.stdout
    (told,) = orjson.loads(evaluate(*arguments, "--json").stdout)["sets"]
    assert told["splits"] > 0
    assert told["right"] is None
    assert told["touched"] > 0


def test_a_bundle_that_is_not_there_is_said(tmp_path: Path) -> None:
    result = evaluate("golden", "--bundle", str(tmp_path / "none.json"))
    assert "No such file" in str(result.exception)
    assert evaluate("golden", "--uploads", str(tmp_path)).exit_code == 2
