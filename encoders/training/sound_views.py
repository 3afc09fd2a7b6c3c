"""Damaged copies of a second of music, many at once and where the network is: torch, no files, no loops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from encoders.features.mel import FLOOR, HOP, N_FFT, SAMPLE_RATE, SPREAD, mel_weights, taper

_EQ_KNOTS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """How often, and how badly.

    Attributes
    ----------
    room, equaliser, band, noise, babble, clip, codec, speed, stretch : float
        chance of each
    """

    room: float = 0.4
    equaliser: float = 0.5
    band: float = 0.3
    noise: float = 0.5
    babble: float = 0.1
    clip: float = 0.15
    codec: float = 0.35
    speed: float = 0.3
    stretch: float = 0.2


def cut(sound: Tensor, starts: Tensor, length: int, ratios: Tensor) -> Tensor:
    """Cut pieces out of one long signal, each played so many times as fast.

    Parameters
    ----------
    sound : Tensor [shape=(n,)]
    starts : Tensor of int [shape=(b,)]
    length : int
        samples of each piece
    ratios : Tensor [shape=(b,)]

    Returns
    -------
    pieces : Tensor of float [shape=(b, length)]
    """
    steps = torch.arange(length, device=sound.device, dtype=torch.float32)
    offset = steps[None] * ratios[:, None]
    whole = offset.floor()
    part = offset - whole
    index = (starts[:, None] + whole.long()).clamp(0, len(sound) - 2)
    return sound[index].float() * (1 - part) + sound[index + 1].float() * part


def _chance(b: int, p: float, like: Tensor) -> Tensor:
    return torch.rand(b, device=like.device) < p


def _between(b: int, low: float, high: float, like: Tensor) -> Tensor:
    return low + (high - low) * torch.rand(b, device=like.device)


def damaged(y: Tensor, damage: Damage) -> Tensor:
    """Play pieces through rooms, equalisers, telephones, noise and bad levels.

    Parameters
    ----------
    y : Tensor [shape=(b, n)]
    damage : Damage

    Returns
    -------
    y : Tensor [shape=(b, n)]
    """
    b, n = y.shape
    size = 1 << (n + SAMPLE_RATE // 2 - 1).bit_length()
    spectrum = torch.fft.rfft(y, size)
    hz = torch.linspace(0, SAMPLE_RATE / 2, spectrum.shape[1], device=y.device)
    # Room: the direct sound, and noise that decays behind it.
    tail = SAMPLE_RATE // 2
    time = torch.arange(tail, device=y.device) / SAMPLE_RATE
    decay = torch.exp(-6.9 * time[None] / _between(b, 0.1, 0.9, y)[:, None])
    response = torch.randn(b, tail, device=y.device) * decay
    response *= (_between(b, 0.2, 1.6, y) / response.square().sum(1).sqrt())[:, None]
    response *= _chance(b, damage.room, y)[:, None]
    response[:, 0] = 1.0
    spectrum *= torch.fft.rfft(response, size)
    # Equaliser: a smooth curve of decibels over the logarithm of frequency.
    knots = torch.randn(b, 1, _EQ_KNOTS, device=y.device) * _between(b, 2.0, 8.0, y)[:, None, None]
    curve = torch.nn.functional.interpolate(knots, size=256, mode="linear", align_corners=True)[:, 0]
    where = (torch.log2(hz.clamp(min=40.0) / 40.0) / 7.2 * 255).long().clamp(0, 255)
    decibels = curve[:, where] * _chance(b, damage.equaliser, y)[:, None]
    # Band: a telephone, a small loudspeaker, a low-pass.
    low = torch.where(_chance(b, 0.5, y), _between(b, 20.0, 400.0, y), torch.zeros(b, device=y.device))
    high = _between(b, 1800.0, 5500.0, y)
    outside = torch.relu(torch.log2(low[:, None].clamp(min=1.0) / hz.clamp(min=1.0)))
    outside = outside + torch.relu(torch.log2(hz.clamp(min=1.0) / high[:, None]))
    decibels = decibels - (48.0 * outside).clamp(max=80.0) * _chance(b, damage.band, y)[:, None]
    spectrum *= 10.0 ** (decibels / 20.0)
    y = torch.fft.irfft(spectrum, size)[:, :n]
    level = y.square().mean(1, keepdim=True).sqrt() + 1e-6
    # Noise of any colour, or somebody else's music.
    colour = _between(b, -1.2, 0.3, y)[:, None]
    white = torch.fft.rfft(torch.randn(b, n, device=y.device))
    shape = torch.linspace(0, SAMPLE_RATE / 2, white.shape[1], device=y.device).clamp(min=50.0)
    noise = torch.fft.irfft(white * (shape[None] / 1000.0) ** colour, n)
    babble = _chance(b, damage.babble, y)[:, None]
    noise = torch.where(babble, y.roll(1, 0), noise)
    noise = noise / (noise.square().mean(1, keepdim=True).sqrt() + 1e-6)
    ratio = torch.where(babble[:, 0], _between(b, 6.0, 15.0, y), _between(b, 0.0, 25.0, y))
    loud = level * 10.0 ** (-ratio[:, None] / 20.0)
    y = y + noise * loud * (_chance(b, damage.noise, y)[:, None] | babble)
    # Clipped at one to four times its level.
    bar = y.square().mean(1, keepdim=True).sqrt() * _between(b, 1.0, 4.0, y)[:, None]
    return torch.where(_chance(b, damage.clip, y)[:, None], torch.clamp(y, -bar, bar), y)


def bands(y: Tensor, *, codec: float = 0.0) -> Tensor:
    """Compute `encoders.features.mel.log_mel`, for many signals at once.

    Parameters
    ----------
    y : Tensor [shape=(b, n)]
    codec : float
        chance that what is masked by its neighbours is dropped, as a small codec does

    Returns
    -------
    bands : Tensor [shape=(b, t, 64)]
    """
    frames = y.unfold(1, N_FFT, HOP) * torch.from_numpy(taper()).to(y.device)
    spectrum = torch.fft.rfft(frames, dim=2)
    power = spectrum.real.square() + spectrum.imag.square()
    if codec > 0.0:
        around = torch.nn.functional.max_pool1d(
            power.reshape(-1, 1, power.shape[2]), 17, stride=1, padding=8
        ).reshape(power.shape)
        drop = 10.0 ** (-_between(len(y), 0.8, 3.0, y)[:, None, None])
        masked = (power < drop * around) & _chance(len(y), codec, y)[:, None, None]
        power = torch.where(masked, torch.zeros_like(power), power)
    weights = torch.from_numpy(mel_weights()).to(y.device)
    return torch.log(power @ weights + FLOOR * N_FFT)


def window_inputs(found: Tensor) -> Tensor:
    """Compute `encoders.features.mel.window_input`: (b, t, 64) to (b, 64, t)."""
    return ((found - found.mean(dim=1, keepdim=True)) * SPREAD).transpose(1, 2)


def levelled(y: Tensor, level: float) -> Tensor:
    """Bring every signal to one level."""
    return y * (level / (y.square().mean(1, keepdim=True).sqrt() + 1e-6))
