import json
import re
from pathlib import Path

from streams.telemetry import METRICS

DEPLOY = Path(__file__).parents[2] / "deploy"
SERIES = {m.prometheus for m in METRICS} | {
    f"{m.prometheus}{end}" for m in METRICS if m.kind == "histogram" for end in ("_bucket", "_count", "_sum")
}


def _series(text: str) -> set[str]:
    return set(re.findall(r"\bsamesong_[a-z_]+", text))


def test_every_alert_names_a_runbook_that_exists_and_is_about_it() -> None:
    text = (DEPLOY / "alerts.yml").read_text()
    named = re.findall(r"runbook: deploy/(runbooks/\S+\.md)", text)
    assert len(named) == len(re.findall(r"- alert:", text)) > 0
    for path in named:
        assert (DEPLOY / path).is_file(), path
    alert_names = re.findall(r"- alert: (\S+)", text)
    for alert, path in zip(alert_names, named, strict=True):
        assert (DEPLOY / path).read_text().startswith(f"# {alert}\n")


def test_alerts_and_dashboard_use_series_that_exist() -> None:
    dashboard = json.loads((DEPLOY / "grafana" / "samesong.json").read_text())
    exprs = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    rules = re.findall(r"expr: (.*)", (DEPLOY / "alerts.yml").read_text())
    used = _series("\n".join(exprs + rules))
    assert used
    assert used <= SERIES, used - SERIES
