"""`samesong train`: encoders of your own, from freely licensed music and scores."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.cli.common import DataDir, messages, settings_for

if TYPE_CHECKING:
    from encoders.training.loop import Schedule
    from encoders.training.run_record import RunRecord

train = typer.Typer(help="Train an encoder; most need the extra `train`.", no_args_is_help=True)

Out = Annotated[
    Path | None,
    typer.Option("--out", help="Folder of the run; default: beside the models.", show_default=False),
]
Music = Annotated[
    Path | None,
    typer.Option(
        "--music", help="Folder of recordings, a sub-folder per source.", exists=True, file_okay=False
    ),
]
Scores = Annotated[
    Path | None,
    typer.Option(
        "--scores",
        help="Folder of MIDI files, a sub-folder per source; default: the corpus of music21.",
        exists=True,
        file_okay=False,
        show_default=False,
    ),
]
Soundfont = Annotated[
    list[Path] | None,
    typer.Option("--soundfont", help="A .sf2 or .sf3; again for more.", exists=True, dir_okay=False),
]
Steps = Annotated[int, typer.Option("--steps", help="Most steps.", min=1)]
Minutes = Annotated[float, typer.Option("--minutes", help="Most time.", min=0.1)]
Seed = Annotated[int, typer.Option("--seed", help="Decides what chance decides.")]
Device = Annotated[str, typer.Option("--device", help="cuda, cpu, or auto.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the folder's checkpoint.")]
Processes = Annotated[
    int, typer.Option("--processes", help="That perform scores beside the training.", min=1)
]


@train.command()
def identity(
    data_dir: DataDir = None,
    out: Out = None,
    music: Music = None,
    scores: Scores = None,
    soundfont: Soundfont = None,
    renderings: Annotated[int, typer.Option("--renderings", help="Scores played beside the music.")] = 200,
    steps: Steps = 2_000,
    minutes: Minutes = 30.0,
    seed: Seed = 1,
    device: Device = "auto",
    resume: Resume = False,
) -> None:
    """Train the encoder of recordings: a place in a track and its damaged copies together."""
    folder, chosen = _begun(data_dir, out, "identity", device)
    from encoders.cards import Modality
    from encoders.export import export
    from encoders.models.identity_net import IdentityShape
    from encoders.training.identity_training import IdentityConfig, levelled_recording, train_identity
    from encoders.training.loop import WEIGHTS
    from encoders.training.material import recordings_in, rendered, works_for
    from encoders.training.playing import Player, default_soundfont

    say = messages().print
    found = recordings_in(music, say) if music is not None else []
    if renderings:
        works = works_for(scores, folder, say)
        found += rendered(works, Player((soundfont or [default_soundfont()])[0]), renderings)
    small = IdentityConfig(
        seed=seed,
        windows_per_batch=32,
        queries=100,
        shape=IdentityShape(channels=(16, 32, 48, 64, 96), width=192),
    )
    record = train_identity(
        [levelled_recording(*each) for each in found],
        config=IdentityConfig(seed=seed, windows_per_batch=768) if chosen == "cuda" else small,
        schedule=_schedule(steps, minutes, chosen),
        folder=folder,
        device=chosen,
        resume=resume,
        progress=say,
    )
    card = export(Modality.IDENTITY, folder / WEIGHTS, folder, version=f"s{seed}")
    say(f"{card.key} is in {folder}: {_came_of(record)}")


@train.command()
def version(
    data_dir: DataDir = None,
    out: Out = None,
    music: Music = None,
    scores: Scores = None,
    soundfont: Soundfont = None,
    steps: Steps = 4_000,
    minutes: Minutes = 30.0,
    seed: Seed = 1,
    device: Device = "auto",
    resume: Resume = False,
    processes: Processes = 1,
) -> None:
    """Train the encoder of works: performances of one score together, whatever key, tempo or instruments."""
    folder, chosen = _begun(data_dir, out, "version", device)
    from encoders.cards import Modality
    from encoders.export import export
    from encoders.models.version_net import VersionShape
    from encoders.training.loop import WEIGHTS
    from encoders.training.material import harmony_of, recordings_in, templates_for, works_for
    from encoders.training.playing import default_soundfont
    from encoders.training.version_training import VersionConfig, train_version

    say = messages().print
    small = VersionConfig(
        seed=seed,
        groups_per_batch=12,
        tracks_per_batch=2 if music is not None else 0,
        pool=500,
        fresh=60,
        new=1,
        processes=processes,
        frames=(240, 400),
        shape=VersionShape(
            first=8, second=12, width=64, middle=32, near=(1, 2), far=(1, 2, 4), patterns=128, profiles=64
        ),
    )
    large = VersionConfig(seed=seed, processes=processes)
    record = train_version(
        works_for(scores, folder, say),
        templates_for(soundfont or [default_soundfont()], folder, say),
        [harmony_of(y) for _, _, y in recordings_in(music, say)] if music is not None else [],
        config=large if chosen == "cuda" else small,
        schedule=_schedule(steps, minutes, chosen),
        folder=folder,
        device=chosen,
        resume=resume,
        progress=say,
    )
    card = export(Modality.VERSION, folder / WEIGHTS, folder, version=f"s{seed}")
    say(f"{card.key} is in {folder}: {_came_of(record)}")


@train.command()
def melody(
    data_dir: DataDir = None,
    out: Out = None,
    music: Music = None,
    scores: Scores = None,
    soundfont: Soundfont = None,
    steps: Steps = 3_000,
    minutes: Minutes = 30.0,
    seed: Seed = 1,
    device: Device = "auto",
    resume: Resume = False,
    processes: Processes = 1,
) -> None:
    """Train the maps of melodies: a phrase where it is played anew, over other music. No stage asks them."""
    folder, chosen = _begun(data_dir, out, "melody", device)
    from encoders.export import export_melody
    from encoders.training.loop import WEIGHTS
    from encoders.training.material import harmony_of, recordings_in, templates_for, works_for
    from encoders.training.melody_training import MelodyConfig, train_melody
    from encoders.training.playing import default_soundfont

    say = messages().print
    small = MelodyConfig(seed=seed, batch=40, pool=400, fresh=80, new=8, processes=processes)
    record = train_melody(
        works_for(scores, folder, say),
        templates_for(soundfont or [default_soundfont()], folder, say),
        [harmony_of(y) for _, _, y in recordings_in(music, say)] if music is not None else [],
        config=MelodyConfig(seed=seed, processes=processes) if chosen == "cuda" else small,
        schedule=_schedule(steps, minutes, chosen),
        folder=folder,
        device=chosen,
        resume=resume,
        progress=say,
    )
    say(f"{export_melody(folder / WEIGHTS, folder)}: {_came_of(record)}")


@train.command()
def weighing(
    data_dir: DataDir = None,
    out: Out = None,
    scores: Scores = None,
    soundfont: Soundfont = None,
    works: Annotated[int, typer.Option("--works", help="Played, half of them invented.", min=20)] = 160,
    seed: Seed = 1,
) -> None:
    """Fit how the views of a work are weighed: what differs between its performances counts less."""
    from encoders.build import WORK_CARD, default_models_dir
    from encoders.export import export_weighing
    from encoders.trained import TrainedVersion
    from encoders.training.material import works_for
    from encoders.training.playing import Player, default_soundfont
    from encoders.training.weighing import WeighingConfig, fit_weighing

    say = messages().print
    folder = out or (settings_for(data_dir).models_dir or default_models_dir()) / "trained" / "weighing"
    found, record = fit_weighing(
        works_for(scores, folder, say),
        [Player(font) for font in soundfont or [default_soundfont()]],
        TrainedVersion.load(),
        config=WeighingConfig(seed=seed, works=works),
        folder=folder / "heard",
        progress=say,
    )
    record.save(folder / f"{WORK_CARD}.run.json")
    say(f"{export_weighing(found.arrays(), folder, version=f's{seed}').key} is in {folder}: {record.best}")


@train.command()
def text(
    songs: Annotated[
        Path,
        typer.Argument(
            help="A telling a line: title, artist and, where a song is told more than once, its name, "
            "with tabs between; 20,000 or more.",
            exists=True,
            dir_okay=False,
        ),
    ],
    data_dir: DataDir = None,
    out: Out = None,
    steps: Steps = 200,
    minutes: Minutes = 30.0,
    seed: Seed = 1,
    device: Device = "auto",
    resume: Resume = False,
) -> None:
    """Train the encoder of titles: a song and what others write of it together."""
    folder, chosen = _begun(data_dir, out, "text", device)
    from encoders.export import export_text
    from encoders.training.loop import WEIGHTS, Schedule
    from encoders.training.text_training import RATE, TextConfig, songs_of, train_text

    say = messages().print
    record = train_text(
        songs_of(songs.read_text(encoding="utf-8").splitlines()),
        config=TextConfig(seed=seed),
        schedule=Schedule(
            steps=steps, seconds=60.0 * minutes, rate=RATE, warm_up=20, every=max(1, steps // 4)
        ),
        folder=folder,
        device=chosen,
        resume=resume,
        progress=say,
    )
    card = export_text(folder / WEIGHTS, folder, version=f"s{seed}")
    say(f"{card.key} is in {folder}: {_came_of(record)}")


def _begun(data_dir: Path | None, out: Path | None, task: str, device: str) -> tuple[Path, str]:
    """Give the run's folder and device, or say what is missing."""
    from encoders.build import default_models_dir
    from streams.errors import ConfigError

    try:
        from encoders.training.loop import device_named
    except ImportError as exc:
        raise ConfigError("training needs torch: pip install samesong[train]") from exc
    folder = out or (settings_for(data_dir).models_dir or default_models_dir()) / "trained" / task
    return folder, device_named(device)


def _came_of(record: RunRecord) -> str:
    """Say what training changed, by the run's own measure."""
    untrained, best = record.steps[0], record.best
    return f"score {untrained['score']:g} before, {best['score']:g} at step {best['step']:g}"


def _schedule(steps: int, minutes: float, device: str) -> Schedule:
    from encoders.training.loop import Schedule

    every = 250 if device == "cuda" else 25
    return Schedule(steps=steps, seconds=60.0 * minutes, every=every, warm_up=min(100, 1 + steps // 10))
