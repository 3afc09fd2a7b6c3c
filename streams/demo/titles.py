"""Invented titles and names by a seeded grammar: the demo's stream of uploads for the drift monitor."""

from __future__ import annotations

import random
from dataclasses import dataclass

from streams.core.records import Artist, Kind, SourceKind, Upload

SOURCE = "steady-feed"
_SHORTEST_MS, _LONGEST_MS = 120_000, 320_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """Words of one language, and how they are put together: each pattern is a format string."""

    language: str
    patterns: tuple[str, ...]
    qualities: tuple[str, ...]
    things: tuple[str, ...]
    places: tuple[str, ...]
    names: tuple[str, ...]
    bands: tuple[str, ...]


ENGLISH = Grammar(
    language="en",
    patterns=(
        "{quality} {thing}",
        "{thing} of the {place}",
        "The {quality} {place}",
        "Under {quality} {place}",
    ),
    qualities=(
        "Silent",
        "Golden",
        "Broken",
        "Slow",
        "Hollow",
        "Electric",
        "Distant",
        "Wooden",
        "Quiet",
        "Red",
    ),
    things=(
        "Lantern",
        "River",
        "Letter",
        "Engine",
        "Garden",
        "Mirror",
        "Feather",
        "Signal",
        "Anchor",
        "Winter",
    ),
    places=("Harbour", "Orchard", "Station", "Valley", "Rooftops", "Meadow", "Lighthouse", "Crossing"),
    names=("Ada Kestrel", "Tom Alder", "June Marlow", "Wren Mason", "Ellis Grey", "Nora Finch"),
    bands=("The {thing}s", "{quality} {place}", "The {quality} {thing}s"),
)

FOREIGN = (
    Grammar(
        language="ja",
        patterns=("{quality}{thing}", "{place}の{thing}", "{quality}{place}", "{place}で見た{thing}"),
        qualities=("静かな", "青い", "遠い", "小さな", "眠る", "古い", "光る", "白い"),
        things=("手紙", "月", "川", "花火", "雨", "夢", "鏡", "電車"),
        places=("港", "夜空", "森", "駅", "海辺", "坂道", "冬の街"),
        names=("山野 小春", "青木 凪", "森下 律", "水原 灯"),
        bands=("{place}楽団", "{quality}{thing}たち"),
    ),
    Grammar(
        language="ru",
        patterns=("{quality} {thing}", "{thing} и {place}", "{quality} {place}", "Где {place}, там {thing}"),
        qualities=("Тихий", "Синий", "Далёкий", "Старый", "Зимний", "Светлый", "Ночной"),
        things=("фонарь", "ветер", "снег", "вечер", "поезд", "голос", "дождь"),
        places=("берег", "сад", "город", "вокзал", "лес", "мост"),
        names=("Анна Снегова", "Лев Берёзкин", "Мила Речная", "Пётр Лесной"),
        bands=("Оркестр «{thing}»", "{quality} {place}"),
    ),
    Grammar(
        language="es",
        patterns=("{thing} {quality}", "La {thing} del {place}", "Bajo el {place} {quality}", "Otra {thing}"),
        qualities=("lejana", "dormida", "de cristal", "azul", "perdida", "callada"),
        things=("carta", "lluvia", "sombra", "luna", "ventana", "canción", "orilla"),
        places=("puerto", "jardín", "camino", "valle", "invierno", "mercado"),
        names=("Inés Robledo", "Mateo Arriaga", "Lucía Valdeón", "Bruno Ceballos"),
        bands=("Los del {place}", "{thing} {quality}"),
    ),
)


class InventedUploads:
    """An endless stream of uploads without media: the same for the same seed.

    Parameters
    ----------
    seed : int
    """

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)  # noqa: S311 - titles, not secrets
        self._number = 0

    def next(self, grammars: tuple[Grammar, ...]) -> Upload:
        """Invent one upload in one of the languages."""
        self._number += 1
        grammar = self._rng.choice(grammars)
        return Upload(
            source=SOURCE,
            source_kind=SourceKind.aggregator,
            item_id=f"S-{self._number:06d}",
            kind=Kind.recording,
            title=self._filled(grammar, self._rng.choice(grammar.patterns)),
            artists=(Artist(name=self._artist(grammar), role="main"),),
            languages=(grammar.language,),
            duration_ms=self._rng.randrange(_SHORTEST_MS, _LONGEST_MS),
        )

    def _artist(self, grammar: Grammar) -> str:
        if self._rng.random() < 0.5:
            return self._rng.choice(grammar.names)
        return self._filled(grammar, self._rng.choice(grammar.bands))

    def _filled(self, grammar: Grammar, pattern: str) -> str:
        text = pattern.format(
            quality=self._rng.choice(grammar.qualities),
            thing=self._rng.choice(grammar.things),
            place=self._rng.choice(grammar.places),
        )
        return text[:1].upper() + text[1:]
