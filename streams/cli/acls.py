"""`samesong acls`: what each part may do on the cluster."""

from __future__ import annotations

from typing import Annotated

import typer

from streams.cli.common import AsJson, Bootstrap, DataDir, messages, output, print_json, settings_for


def acls(
    data_dir: DataDir = None,
    as_json: AsJson = False,
    bootstrap: Bootstrap = None,
    apply: Annotated[bool, typer.Option("--apply", help="Create what is missing on the cluster.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Compare the cluster; exit 1 where it differs.")
    ] = False,
    script: Annotated[bool, typer.Option("--script", help="As commands for kafka-acls.sh.")] = False,
    user_prefix: Annotated[
        str, typer.Option("--user-prefix", help="In front of a part's name: its user.")
    ] = "samesong-",
) -> None:
    """Show what each part may do on a secured cluster; compare the cluster, or bring it there."""
    from streams.acls import ROLES
    from streams.edges.acls import commands, ensure_acls, user_of

    if apply or check:
        from streams.connection import bootstrap_of, kafka_extra

        settings = settings_for(data_dir, bootstrap=bootstrap)
        report = ensure_acls(
            bootstrap_of(settings), kafka_extra(settings), user_prefix=user_prefix, create=apply
        )
        if as_json:
            print_json(report)
        else:
            for word, lines in (("created", report.created), ("MISSING", report.missing)):
                for line in lines:
                    output().print(f"{word:<8} {line}")
            for line in report.surplus:
                messages().print(
                    f"BEYOND   {line}. Nothing was taken away: do it with your Kafka's own tools."
                )
            output().print(
                f"{len(report.existing)} permissions were there, {len(report.created)} were created."
            )
        if not report.good:
            raise typer.Exit(1)
    elif script:
        for line in commands(user_prefix=user_prefix):
            output().print(line)
    elif as_json:
        print_json({user_of(role, prefix=user_prefix): role.grants for role in ROLES})
    else:
        # No table: at 80 columns it would cut names that are to be copied.
        for role in ROLES:
            output().print(f"{user_of(role, prefix=user_prefix)}: {role.purpose}")
            for grant in role.grants:
                name = f"{grant.name}*" if grant.prefix else grant.name
                output().print(f"  {grant.operation:<16}  {grant.resource.replace('_', ' '):<16}  {name}")
