"""One loop for every encoder: mixed precision, checkpoints, resuming, early stop, and a record of it all."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from encoders.errors import CheckpointMismatch
from encoders.training.averaging import Averaged
from encoders.training.run_record import RunRecord, commit_of, draw_curves

CHECKPOINT: Final = "checkpoint.pt"
WEIGHTS: Final = "weights.npz"
RECORD: Final = "run.json"
CURVES: Final = "curves.png"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How long and how fast.

    Attributes
    ----------
    steps : int > 0
        most steps
    seconds : float > 0 [s]
        most time, what was spent before resuming included; the rate falls to zero with whichever ends first
    rate : float > 0
        learning rate at its height
    warm_up : int
        steps until it is reached
    every : int > 0
        steps from one measurement (and checkpoint) to the next
    patience : int > 0
        measurements without a better score before the run ends
    """

    steps: int
    seconds: float
    rate: float = 2e-3
    warm_up: int = 100
    every: int = 200
    patience: int = 20


def train(
    net: nn.Module,
    losses: Iterator[Callable[[], Tensor]],
    score: Callable[[], float],
    *,
    schedule: Schedule,
    record: RunRecord,
    folder: Path,
    device: str,
    resume: bool = False,
    averaged: Averaged | None = None,
    progress: Callable[[str], None] | None = None,
) -> RunRecord:
    """Train until the steps or the time are over or the score no longer rises.

    Parameters
    ----------
    net : Module
    losses : iterator of callable
        each gives the loss of one batch, in the network's training mode
    score : callable
        how good the network is on what it does not train on, 0 to 1
    schedule : Schedule
    record : RunRecord
        filled as it goes
    folder : Path
        gets ``checkpoint.pt``, ``weights.npz`` (of the best score), ``run.json`` and ``curves.png``
    device : str
        "cuda" trains in mixed precision
    resume : bool
        go on from the folder's checkpoint
    averaged : Averaged, optional
        of the network; what is scored and kept is then the average
    progress : callable, optional
        told every measurement

    Returns
    -------
    record : RunRecord
        its first row is of the network as it was before training

    Raises
    ------
    CheckpointMismatch
        the folder's checkpoint is of another run
    """
    folder.mkdir(parents=True, exist_ok=True)
    optimiser = torch.optim.AdamW(net.parameters(), lr=schedule.rate, weight_decay=0.01)
    step, spent = 0, 0.0
    if resume and (folder / CHECKPOINT).is_file():
        step, spent = _restore(folder, net, optimiser, record)
        if averaged is not None:
            averaged.net.load_state_dict(net.state_dict())
    kept = net if averaged is None else averaged.net
    begun, since_best = time.monotonic() - spent, 0
    total, summed = 0.0, 0

    def measured(row: dict[str, float]) -> dict[str, float]:
        kept.eval()
        with torch.no_grad():
            row["score"] = round(score(), 4)
        row["seconds"] = round(time.monotonic() - begun, 1)
        record.steps.append(row)
        if progress is not None:
            progress(", ".join(f"{name} {value:g}" for name, value in row.items()))
        return row

    try:
        if not record.steps:
            # What the untrained network reaches: without it nobody knows what a score is worth.
            measured({"step": step})
        while (done := _done(schedule, step, time.monotonic() - begun)) < 1.0:
            rate = schedule.rate * min(1.0, (step + 1) / schedule.warm_up) * _cosine(done)
            for group in optimiser.param_groups:
                group["lr"] = rate
            net.train()
            with torch.autocast(device, dtype=torch.bfloat16, enabled=device == "cuda"):
                loss = next(losses)()
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            if averaged is not None:
                averaged.follow(net)
            total, summed, step = total + loss.detach(), summed + 1, step + 1
            # A run that ends between two measurements is measured once more: its last steps count.
            if step % schedule.every and _done(schedule, step, time.monotonic() - begun) < 1.0:
                continue
            row = measured({"step": step, "loss": round(float(total) / summed, 4), "rate": rate})
            total, summed, since_best = 0.0, 0, since_best + 1
            if row["score"] >= record.best.get("score", -1.0):
                record.best, since_best = dict(row), 0
                save_weights(folder / WEIGHTS, kept)
            _keep(folder, net, optimiser, record, step, time.monotonic() - begun)
            if since_best >= schedule.patience:
                break
    except KeyboardInterrupt:
        # `resume` goes on from here.
        _keep(folder, net, optimiser, record, step, time.monotonic() - begun)
        raise
    record.save(folder / RECORD)
    draw_curves(record, folder / CURVES)
    return record


def _done(schedule: Schedule, step: int, elapsed: float) -> float:
    return max(step / schedule.steps, elapsed / schedule.seconds)


def _cosine(done: float) -> float:
    import math

    return 0.5 * (1.0 + math.cos(math.pi * min(1.0, done)))


def begun(task: str, config: Any, *, schedule: Schedule, data: dict[str, Any], device: str) -> RunRecord:
    """Seed torch, and begin the record of a run.

    Parameters
    ----------
    task : str
    config : dataclass
        with a ``seed``
    schedule : Schedule
    data : dict
        digest and counts of what it trains on
    device : str
    """
    torch.manual_seed(config.seed)
    return RunRecord(
        task=task,
        configuration={**asdict(config), "schedule": asdict(schedule)},
        data=data,
        commit=commit_of(Path(__file__).parent),
        device=torch.cuda.get_device_name() if device == "cuda" else "cpu",
    )


def device_named(name: str) -> str:
    """Give the device to train on; "auto" is a GPU where there is one."""
    if name != "auto":
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"


def save_weights(path: Path, net: nn.Module) -> None:
    """Write a network's arrays, and nothing that runs, to one ``.npz``."""
    import numpy as np

    arrays = {name: value.detach().float().cpu().numpy() for name, value in net.state_dict().items()}
    kept = {name: value for name, value in arrays.items() if not name.endswith("num_batches_tracked")}
    scratch = path.with_suffix(".part.npz")
    np.savez(scratch, **kept)
    os.replace(scratch, path)


def load_weights(path: Path, net: nn.Module) -> None:
    """Give a network the arrays that `save_weights` wrote."""
    import numpy as np

    with np.load(path, allow_pickle=False) as arrays:
        state = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    missing, unknown = net.load_state_dict(state, strict=False)
    wrong = [name for name in missing if not name.endswith("num_batches_tracked")] + list(unknown)
    if wrong:
        raise ValueError(f"{path.name} is of another network: {', '.join(sorted(wrong))}")


def _keep(
    folder: Path, net: nn.Module, optimiser: torch.optim.Optimizer, record: RunRecord, step: int, spent: float
) -> None:
    state: dict[str, Any] = {"net": net.state_dict(), "optimiser": optimiser.state_dict()}
    state |= {"record": asdict(record), "step": step, "spent": spent}
    scratch = folder / f".{CHECKPOINT}"
    torch.save(state, scratch)
    os.replace(scratch, folder / CHECKPOINT)
    record.save(folder / RECORD)
    draw_curves(record, folder / CURVES)


def _restore(
    folder: Path, net: nn.Module, optimiser: torch.optim.Optimizer, record: RunRecord
) -> tuple[int, float]:
    state = torch.load(folder / CHECKPOINT, weights_only=True, map_location="cpu")
    if _of_what(state["record"]) != _of_what(asdict(record)):
        raise CheckpointMismatch(
            f"{folder / CHECKPOINT} is of other data or of another configuration: train in another folder"
        )
    net.load_state_dict(state["net"])
    optimiser.load_state_dict(state["optimiser"])
    record.steps, record.best = state["record"]["steps"], state["record"]["best"]
    return int(state["step"]), float(state["spent"])


def _of_what(record: dict[str, Any]) -> str:
    """Say what a run trains and on what; how long may change from one part of it to the next."""
    configuration = {name: value for name, value in record["configuration"].items() if name != "schedule"}
    return json.dumps([record["task"], configuration, record["data"]], sort_keys=True)
