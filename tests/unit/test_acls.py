"""What each part may do on the cluster is what the program's own tables say it does."""

import inspect

from typer.testing import CliRunner

from streams.acls import ARBITRATE, DRIFT, ENCODE, FIND, INDEX, ROLES, TRANSACTIONS
from streams.cli import app
from streams.edges import faust_app
from streams.edges.acls import bindings, commands, user_of
from streams.edges.transactional_runner import TransactionalRunner
from streams.stages.arbiter_records import STATE_TOPICS
from streams.stages.audit import ARBITER_GROUP, ENCODE_GROUP, FIND_GROUP
from streams.stages.find import AGAIN, PASSED_ON
from streams.stages.index import INDEX_GROUP
from streams.topics import TOPICS

BY_NAME = {role.name: role for role in ROLES}


def may(role: str, operation: str, resource: str = "topic") -> set[str]:
    return {
        grant.name
        for grant in BY_NAME[role].grants
        if (grant.operation, grant.resource) == (operation, resource)
    }


def test_groups_and_transactions_are_those_of_the_stages() -> None:
    assert (ENCODE, FIND, ARBITRATE) == (ENCODE_GROUP, FIND_GROUP, ARBITER_GROUP)
    assert (INDEX, DRIFT) == (INDEX_GROUP, faust_app.APP_ID)
    prefix = inspect.signature(TransactionalRunner).parameters["transactional_prefix"].default
    assert prefix == TRANSACTIONS
    assert may("arbitrate", "write", "transactional_id") == {f"{TRANSACTIONS}-"}


def test_each_topic_has_its_declared_writers_and_no_other() -> None:
    role_of = {"upstream ingestion": "upstream", "reviewers": "reviewer", "operators": "operator"}
    for spec in TOPICS:
        declared = {role_of.get(writer, writer) for writer in spec.writer.split(", ")}
        # With Milvus Lite one process is both.
        declared |= {"index-lite"} if declared & {"find", "index"} else set()
        # Dead letters are replayed to where they came from.
        declared |= {"operator"} if spec.name == "catalog.upload.v1" else set()
        assert {role.name for role in ROLES if spec.name in may(role.name, "write")} == declared


def test_what_is_read_is_what_the_stages_read() -> None:
    control = "stage.control.v1"
    assert may("find", "read") == {"upload.encoded.v1", AGAIN, *PASSED_ON, control}
    assert may("arbitrate", "read") == {"arbiter.input.v1", "index.watermark.v1", *STATE_TOPICS, control}
    assert may("audit", "write") == may("subscriber", "write") == set()
    for role in ROLES:
        for operation in ("read", "write", "describe"):
            assert may(role.name, operation) <= {spec.name for spec in TOPICS} | {f"{DRIFT}-"}


def test_only_the_drift_monitor_and_operators_make_topics() -> None:
    assert {role.name for role in ROLES if may(role.name, "create")} == {"drift", "operator"}
    assert may("drift", "create") == {f"{DRIFT}-"}


def test_every_permission_becomes_one_binding_and_one_command() -> None:
    users = {user_of(role, prefix="x-"): role for role in ROLES}
    made = bindings(users)
    lines = commands(user_prefix="x-")
    assert len(made) == len(set(map(str, made))) == len(lines)
    assert any(
        "--allow-principal 'User:x-arbitrate' --operation Write --transactional-id 'samesong-arbitrate-'"
        " --resource-pattern-type prefixed" in line
        for line in lines
    )


def test_the_command_shows_them_without_a_cluster() -> None:
    shown = CliRunner().invoke(app, ["acls"])
    assert shown.exit_code == 0
    assert "samesong-encode" in shown.output
    script = CliRunner().invoke(app, ["acls", "--script", "--user-prefix", "team-"])
    assert script.output.count("--allow-principal 'User:team-encode'") == len(BY_NAME["encode"].grants)
