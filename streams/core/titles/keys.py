"""Musical keys as six languages write them, in one form: ``c# minor``, ``bb major``."""

import re
from collections.abc import Iterator

from streams.core.normalize import fold_diacritics, normalize_text

_NOTES = {
    note: name
    for name, notes in {
        "c": "do ut до ハ", "d": "ré re ре ニ", "e": "mi ми ホ", "f": "fa фа ヘ", "g": "sol соль ト",
        "a": "la ля イ", "b": "si си ロ",
    }.items()
    for note in notes.split()
}  # fmt: skip
_SIGNS = {
    word: sign
    for sign, words in {
        "#": "sharp # ♯ dièse diesis sostenido диез 嬰", "b": "flat b ♭ bémol bemolle bemol бемоль 変",
    }.items()
    for word in words.split()
}  # fmt: skip
_MODES = {
    word: mode
    for mode, words in {
        "major": "major majeur maggiore mayor maior dur мажор 長調",
        "minor": "minor mineur minore menor moll минор 短調",
    }.items()
    for word in words.split()
}  # fmt: skip
_SOUNDS_AS = {
    "db": "c#",
    "d#": "eb",
    "gb": "f#",
    "g#": "ab",
    "a#": "bb",
    "cb": "b",
    "fb": "e",
    "e#": "f",
    "b#": "c",
}
MODE_WORDS = frozenset(_MODES)
_MODE = re.compile("|".join(_MODES), re.IGNORECASE)
_ENGLISH = re.compile(
    r"(?<![^\W_])(?P<in>[Ii]n )?(?P<note>[A-G])(?:(?P<sign>[#♯b♭])|[ -](?P<word>(?i:sharp|flat)))?"
    r"[ -](?P<mode>(?i:major|minor))\b"
    r"(?P<after>\s*(?:$|[,:;.()/\[\]-]))?"
)
_ROMANCE = re.compile(
    r"(?<![^\W_])(?P<note>do|ut|r[eé]|mi|fa|sol|la|si)"
    r"(?:[ -](?P<word>dièse|bémol|diesis|bemolle|sostenido|bemol))?"
    r" (?P<mode>majeur|mineur|maggiore|minore|mayor|menor|maior)\b"
    r"|(?<![^\W_])(?P<note2>до|ре|ми|фа|соль|ля|си)(?:[ -](?P<word2>диез|бемоль))?[ -](?P<mode2>мажор|минор)",
    re.IGNORECASE,
)
_GERMANIC = re.compile(r"(?<![^\W_])(?P<note>[A-Ha-h])(?P<sign>is|es|s)?[- ](?P<mode>[Dd]ur|[Mm]oll)\b")
_JAPANESE = re.compile(r"(?P<word>[嬰変])?(?P<note>[ハニホヘトイロ])(?P<mode>長調|短調)")


def keys_in(text: str) -> Iterator[tuple[str, int, int]]:
    """Find the keys that a text names, each with where it stands."""
    if not _MODE.search(text):
        return
    for match in _ENGLISH.finditer(text):
        # "A Minor Place" is no key: it takes "in", a sign, or an end.
        sign = _SIGNS.get((match["sign"] or match["word"] or "").lower(), "")
        if match["in"] or sign or match["after"] is not None:
            yield _key(match["note"].lower(), sign, match["mode"]), match.start("note"), match.end("mode")
    for match in _ROMANCE.finditer(text):
        note = _NOTES[(match["note"] or match["note2"]).lower()]
        sign = _SIGNS.get((match["word"] or match["word2"] or "").lower(), "")
        yield _key(note, sign, match["mode"] or match["mode2"]), *match.span()
    for match in _GERMANIC.finditer(text):
        written, ending = match["note"].lower(), match["sign"]
        note = {"b": "bb", "h": "b"}.get(written, written)
        yield _key(note, "#" if ending == "is" else "b" if ending else "", match["mode"]), *match.span()
    for match in _JAPANESE.finditer(text):
        yield (
            _key(_NOTES[match["note"]], _SIGNS.get(match["word"] or "", ""), match["mode"]),
            *match.span(),
        )


def without_keys(base: str, text: str) -> str:
    """Take the keys that a text names out of the normalised title that was read in it."""
    told = f" {base} "
    for _, start, end in keys_in(text):
        key = fold_diacritics(normalize_text(text[start:end]))
        told = told.replace(f" in {key} ", " ").replace(f" {key} ", " ")
    return told.strip()


def _key(note: str, sign: str, mode: str) -> str:
    name = note + sign
    return f"{_SOUNDS_AS.get(name, name)} {_MODES[mode.lower()]}"
