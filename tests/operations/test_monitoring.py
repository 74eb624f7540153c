"""Prometheus' rules, Grafana's dashboard and docs/monitoring.md ask for metrics and labels that /metrics has."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from costwatch import metrics
from costwatch.models import Tick

ROOT = Path(__file__).resolve().parents[2]
MONITORING = ROOT / "docker" / "monitoring"
DOCS = (ROOT / "docs" / "monitoring.md").read_text()
ENDINGS = {"counter": ("_total",), "histogram": ("", "_bucket", "_sum", "_count"), "gauge": ("",)}
OF_PROMETHEUS = {"le", "job"}  # buckets, and what scraping adds


def rules() -> list[dict[str, object]]:
    groups = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, object]]:
    return json.loads((MONITORING / "grafana.json").read_text())["panels"]


def expressions() -> dict[str, str]:
    """Every expression that is shipped, by where it stands."""
    found = {f"alert {rule['alert']}": str(rule["expr"]) for rule in rules()}
    for panel in panels():
        for target in panel["targets"]:
            found[f"panel {panel['title']} {target['refId']}"] = target["expr"]
    return found


@pytest.fixture
def known(db, client) -> dict[str, set[str]]:
    """The metrics of an installation that is at work, as they may be asked for, with their labels."""
    client.get("/healthz")
    Tick.objects.create(name="watch", finished_at=timezone.now())
    labels = {found.name: set(found._labelnames) for found in metrics.Installation().collect()}
    for counted in (metrics.REQUESTS, metrics.SECONDS, metrics.EVENTS, metrics.CSP_REPORTS, metrics.REFUSED):
        labels[counted._name] = set(counted._labelnames)
    return {
        family.name + ending: labels[family.name]
        for family in text_string_to_metric_families(metrics.exposition().decode())
        if family.name.startswith("costwatch_") and not family.name.endswith("_created")  # in one process only
        for ending in ENDINGS[family.type]
    }


def labels_in(expression: str) -> Iterator[str]:
    for matchers in re.findall(r"\{([^}]*)\}", expression):
        yield from re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers)
    for names in re.findall(r"\bby \(([^)]*)\)", expression):
        yield from (name.strip() for name in names.split(","))


@pytest.mark.parametrize(("place", "expression"), expressions().items(), ids=expressions().keys())
def test_each_expression_asks_for_metrics_and_labels_that_exist(known, place, expression):
    asked = re.findall(r"\bcostwatch_\w+", expression)
    assert asked
    assert set(asked) <= set(known)
    assert set(labels_in(expression)) <= set().union(*(known[name] for name in asked), OF_PROMETHEUS)
    assert expression.count("(") == expression.count(")")


def test_a_name_that_does_not_exist_would_be_found(known):
    assert "costwatch_request_seconds_bucket" in known and "costwatch_events_total" in known
    assert "costwatch_events" not in known and "costwatch_made_up" not in known


def test_every_metric_is_explained_and_none_is_invented(known):
    told = re.findall(r"^\| `(costwatch_\w+)` \|", DOCS, re.MULTILINE)
    shortest = {name for name in known if not name.endswith(("_bucket", "_sum", "_count"))}
    assert sorted(told) == sorted(shortest)


def test_every_label_of_a_metric_is_named_where_it_is_explained(known):
    for line in re.findall(r"^\| `costwatch_.*$", DOCS, re.MULTILINE):
        name = line.split("`")[1]
        assert all(f"`{label}`" in line for label in known[name]), name


def test_five_rules_are_shipped_and_explained_each_with_how_loud_it_is():
    assert len(rules()) == 5
    for rule in rules():
        assert f"| `{rule['alert']}` |" in DOCS
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["for"] and rule["annotations"]["summary"] and rule["annotations"]["description"]


def test_prometheus_is_pointed_at_the_page_that_exists_and_reads_the_rules(client):
    shipped = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
    (job,) = shipped["scrape_configs"]
    assert shipped["rule_files"] == ["alerts.yml"]
    assert job["job_name"] == "costwatch"
    told = yaml.safe_load(re.search(r"```yaml\n(.*?)```", DOCS, re.DOTALL)[1])["scrape_configs"][0]
    assert {**told, "static_configs": None} == {**job, "static_configs": None}


def test_a_scrape_with_the_token_is_answered(client, settings, db):
    settings.METRICS_TOKEN = "a-token"
    from_afar = {"REMOTE_ADDR": "203.0.113.9"}
    assert client.get("/metrics", **from_afar).status_code == 404
    answer = client.get("/metrics", headers={"Authorization": "Bearer a-token"}, **from_afar)
    assert answer.status_code == 200 and b"costwatch_database_up 1.0" in answer.content


def test_the_dashboard_has_panels_that_do_not_overlap_and_reads_from_whatever_prometheus_is_chosen():
    taken = set()
    for panel in panels():
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24 and not cells & taken, panel["title"]
        taken |= cells
        assert panel["datasource"]["uid"] == "${datasource}"
    assert len({panel["id"] for panel in panels()}) == len(panels())
