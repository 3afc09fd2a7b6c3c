# ruff: noqa: E501 - tables of words and their patterns read better unbroken
"""The version taxonomy: what a typed word changes, what excludes what, and the name of the relation."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz

from streams.core.markers import ANY_MIX, ANY_VERSION, IN_ONE_LANGUAGE, VERSIONS
from streams.core.normalize import clean_text
from streams.core.phrases import Found, Phrases, tokens_of
from streams.core.records import VersionPart

_TYPES = {name: place for place, name in enumerate(VERSIONS)}
_PHRASES = Phrases(VERSIONS)
_IN_ONE_LANGUAGE = {language: Phrases(tables) for language, tables in IN_ONE_LANGUAGE.items()}
_ANY_MIX = Phrases({"remix": ANY_MIX})
_ANY_VERSION = Phrases({"alternative": ANY_VERSION})
_OWN_VERSION = re.compile(r"(?i)\w+'s version\b")
_INCHES = re.compile(r"""(?<=\d)(?:"|'')""")

DECLARED: dict[str, str] = {
    # DDEX VersionType and the names of DOMAIN.md section 3, letters only.
    "acappella": "a_cappella", "album": "album", "alternative": "alternative", "clean": "clean",
    "explicit": "explicit", "demo": "demo", "edited": "edit", "edit": "edit", "radioedit": "edit", "radio": "edit",
    "single": "edit", "singleedit": "edit", "extendededit": "edit", "introcut": "edit", "extended": "edit",
    "instrumental": "instrumental", "karaoke": "karaoke", "live": "live", "mix": "mix", "newmix": "mix",
    "immersive": "mix", "mono": "mono", "stereo": "stereo", "remix": "remix", "session": "session",
    "remaster": "remaster", "remastered": "remaster", "acoustic": "acoustic", "rerecording": "rerecording",
    "cover": "cover", "tribute": "cover", "soundalike": "cover", "parody": "parody", "translation": "language",
    "languageversion": "language", "spedup": "sped_up", "nightcore": "sped_up", "slowed": "slowed",
    "daycore": "slowed", "mashup": "mashup", "medley": "medley", "djmix": "dj_mix", "bootleg": "remix",
    "studio": "album", "original": "album", "aivoice": "ai_voice", "aivoiceswap": "ai_voice", "aicover": "ai_voice",
}  # fmt: skip

NEUTRAL = frozenset({"remaster", "mono", "stereo", "other"})
"""Types that leave the recording as it is."""

USUAL = frozenset({"album", "explicit"})
"""Words for the usual version. "Album" or "Studio" says what silence does not: this is no live take, no remix."""

OF_WHOLE_ALBUMS = frozenset({"live", "session", "acoustic", "demo", "cover", "karaoke", "instrumental"})
"""Types that the name of an album says of each of its tracks; an EP of remixes holds the original too."""

_INTERCHANGEABLE = frozenset(
    frozenset(pair.split("|"))
    for pair in (
        "live|session", "live|acoustic", "live|cover", "live|medley", "acoustic|session", "acoustic|demo",
        "acoustic|cover", "acoustic|alternative", "cover|session", "cover|karaoke", "cover|instrumental",
        "cover|a_cappella", "cover|language", "cover|parody", "cover|rerecording", "instrumental|karaoke",
        "demo|alternative", "session|alternative", "demo|session", "mix|remix", "edit|mix", "edit|clean", "mashup|remix",
        "mashup|medley", "dj_mix|medley", "sped_up|remix", "slowed|remix", "ai_voice|cover",
    )
)  # fmt: skip
"""Words that two senders use of one recording (an unplugged session, a karaoke backing): neither denies the other."""

RELATIONS: dict[str, str] = {
    "karaoke": "karaoke_of",
    "instrumental": "instrumental_of",
    "a_cappella": "a_cappella_of",
    "sped_up": "sped_up_of",
    "slowed": "slowed_of",
    "mashup": "mashup_of",
    "dj_mix": "dj_mix_of",
    "medley": "medley_of",
    "parody": "parody_of",
    "ai_voice": "ai_voice_version_of",
    "remix": "remix_of",
    "acoustic": "acoustic_version_of",
    "live": "live_version_of",
    "demo": "demo_of",
    "rerecording": "rerecording_of",
    "session": "session_version_of",
    "cover": "cover_of",
    "language": "language_version_of",
    "excerpt": "excerpt_of",
    "edit": "edit_of",
    "clean": "edit_of",
    "mix": "mix_of",
    "alternative": "alternative_version_of",
    "full_album": "contains",
}
INVERSE: dict[str, str] = {name: f"has_{name.removesuffix('_of')}" for name in set(RELATIONS.values())} | {
    "music_video_of": "has_music_video",
    "lyric_video_of": "has_lyric_video",
    "visualizer_of": "has_visualizer",
    "live_video_of": "has_live_video",
    "contains": "excerpt_of",
    "excerpt_of": "contains",
    "derived_of": "has_derived",
    "samples": "sampled_by",
}
_BACK = {back: name for name, back in INVERSE.items()}

_YEAR = re.compile(r"(?<!\d)(1[89]\d\d|20\d\d)(?!\d)")
_REMASTER = Phrases({"remaster": VERSIONS["remaster"]})
_YEAR_BEFORE = re.compile(r"(?<!\d)\d{4}[\s-]*$")
_YEAR_AFTER = re.compile(r"^\s+(?:in\s+)?\d{4}(?!\d)")
_COMMON = frozenset(
    "version versión versão versione session sessions sesión tour concert club extended radio vocal dub main short long"
    " dj mc bbc remix mix edit stadium arena hall theatre theater festival center centre studio studios park garden"
    " live and und desde en em no na ao el la los las le les du des de da do di del della dal au aux bei im am aus"
    " das der die den il lo dolby atmos spatial audio immersive new neuer continuous nonstop".split()
)
"""Words of a detail that tell no place from another and no remixer from another."""
_LANGUAGES: dict[str, str] = {
    word: code
    for code, words in {
        "en": "english inglés inglês anglais englisch inglese englische английская 英語",
        "es": "spanish español española espanol espagnol spanisch castellano",
        "fr": "french francés française français französisch francese",
        "de": "german deutsch deutsche alemán allemand tedesco",
        "it": "italian italiana italiano italiano italien",
        "pt": "portuguese português portugués portugais",
        "ja": "japanese japonés japonais 日本語 日本語版",
        "ko": "korean 韓国語 韓国語版 한국어",
        "zh": "chinese mandarin 国语版 國語版",
        "yue": "cantonese 粤语版 粵語版",
        "ru": "russian русская",
        "tr": "turkish",
        "hi": "hindi",
        "la": "latin",
    }.items()
    for word in words.split()
}
_FILLER = frozenset(
    re.split(
        r"[\s/|]+",
        "mix edit from at in the on of by recording original video performance|"
        + "|".join(ANY_VERSION.values()),
    )
)


@lru_cache(maxsize=8_192)  # the tracks of an album all name it
def read_version(text: str, *, language: str | None = None) -> tuple[VersionPart, ...]:
    """Find the typed statements in a qualifier such as "Live at the Mill, 1999"; none: not a version.

    ``detail`` holds what is left beside the marker: year, place, remixer or language, case folded. ``language``
    is that of the sender, for words that are a version in one language only.
    """
    cleaned = _INCHES.sub(" inch", clean_text(text))
    best: dict[str, Found] = {}
    for found in _PHRASES.find(cleaned):
        known = best.get(found.name)
        if known is None or (found.start == known.start and found.end > known.end):
            best[found.name] = found
    if (own := _OWN_VERSION.search(cleaned)) and not best:
        best["rerecording"] = Found("rerecording", *own.span())
    taken: list[Found] = []
    for one in sorted(best.values(), key=lambda found: _TYPES[found.name]):
        if not any(_within(one, other) for other in best.values()) and not any(
            _meet(one, two) for two in taken
        ):
            taken.append(one)
    if not taken:
        taken = _less_typed(cleaned, language)
    return tuple(_part(found, text, cleaned) for found in taken)


def _meet(one: Found, other: Found) -> bool:
    return one.start < other.end and other.start < one.end


def _within(one: Found, other: Found) -> bool:
    """Say whether a phrase is but a part of another: `versión de` of `versión de estudio`."""
    return (
        other.start <= one.start and one.end <= other.end and (one.end - one.start < other.end - other.start)
    )


def _less_typed(text: str, language: str | None) -> list[Found]:
    """Find a version of which no word tells the type: somebody's mix, some version."""
    if language in _IN_ONE_LANGUAGE and (found := _IN_ONE_LANGUAGE[language].find(text)):
        return found[:1]
    if found := _ANY_MIX.find(text):
        return found[:1]
    words = tokens_of(text)
    if not words:
        return []
    if words[0].text == "original" and all(word.text.isdigit() for word in words[1:]):
        return [Found("album", words[0].start, words[0].end)]
    if (
        all(word.text in _FILLER or word.text.isdigit() for word in words[:-1])
        and not words[-1].text.isdigit()
    ):
        return []  # "Version" alone
    # "Cool Version", "versión de noche", "Version 2": it must be what the text is about.
    return [
        found
        for found in _ANY_VERSION.find(text)[-1:]
        if found.end == words[-1].end or found.start == words[0].start or words[-1].text.isdigit()
    ]


def _part(found: Found, written: str, text: str) -> VersionPart:
    rest = text[: found.start] + " " + text[found.end :]
    if found.name not in NEUTRAL:
        rest = _without_remaster(rest)  # its year is not that of the performance
    if found.name == "mix":
        rest = text  # its year tells it from other mixes
    if found.name == "language":
        rest = text[found.start : found.end]
    detail = " ".join(word for word in re.findall(r"\w+", rest.casefold()) if word not in _FILLER)
    return VersionPart(type=found.name, text=written, detail=detail or None)


def _without_remaster(text: str) -> str:
    for found in _REMASTER.find(text)[-1:]:
        before, after = _YEAR_BEFORE.sub("", text[: found.start]), _YEAR_AFTER.sub("", text[found.end :])
        return f"{before} {after}"
    return text


def declared_version(name: str) -> VersionPart | None:
    """Read one entry of ``version_types``; none where the name is not known."""
    kind = DECLARED.get(re.sub(r"[^a-z]", "", name.lower()))
    return VersionPart(type=kind, text=name) if kind else None


def identity_types(parts: Iterable[VersionPart]) -> frozenset[str]:
    """Types that make another recording."""
    return frozenset(part.type for part in parts if part.type not in NEUTRAL)


def exclude_each_other(left: frozenset[str], right: frozenset[str]) -> bool:
    """Say whether what only the left and what only the right is cannot be one recording.

    To be one all the same, both senders would have to have left out a word, unless people use the two words
    of the same recording. Silence excludes nothing; a word for the usual version excludes all but a clean cut.
    """
    ours, theirs = left - right - {"explicit"}, right - left - {"explicit"}
    return any(
        frozenset((a, b)) not in _INTERCHANGEABLE and {a, b} != {"album", "clean"}
        for a in ours
        for b in theirs
    )


def relation_between(left: frozenset[str], right: frozenset[str]) -> str | None:
    """Name the relation of left to right: what one of them is beyond the other, or none.

    Two that each are something the other is not (a live take, a remix) are versions of a third.
    """
    ours, theirs = left - right - USUAL, right - left - USUAL
    if ours and theirs:
        return None
    for name, relation in RELATIONS.items():
        if name in ours:
            return relation
        if name in theirs:
            return INVERSE[relation]
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mastering:
    """What a sender says of the mastering.

    Attributes
    ----------
    remaster : bool
    years : frozenset of str
        when it was remastered, where that is said
    mono : bool, optional
        whether it is mono; none where nothing is said of it
    """

    remaster: bool = False
    years: frozenset[str] = frozenset()
    mono: bool | None = None

    def text(self) -> str | None:
        """Say it in words."""
        words = ["remaster", *sorted(self.years)] if self.remaster else []
        if self.mono is not None:
            words.append("mono" if self.mono else "stereo")
        return " ".join(words) or None


def mastering_of(parts: Iterable[VersionPart]) -> Mastering:
    """Read what version statements say of the mastering."""
    said = {part.type: part for part in parts}
    remaster = said.get("remaster")
    mono = True if "mono" in said else False if "stereo" in said else None
    years = years_of(remaster.detail) if remaster else frozenset[str]()
    return Mastering(remaster=remaster is not None, years=years, mono=mono)


def inverse_relation(relation: str | None) -> str | None:
    """Turn a relation round: left to right becomes right to left."""
    if relation is None:
        return None
    return INVERSE.get(relation) or _BACK.get(relation, relation)


def years_of(text: str | None) -> frozenset[str]:
    """Years named in a detail."""
    return frozenset(_YEAR.findall(text)) if text else frozenset()


def details_conflict(left: VersionPart, right: VersionPart) -> bool:
    """Say whether two statements of one type name different years, languages, places, people or cuts.

    Words in two scripts, and words with a typing error, are not different ones.
    """
    if left.type == "edit" and (one := _cut(left)) and (other := _cut(right)) and one != other:
        return True
    if not left.detail or not right.detail:
        return False
    a, b = years_of(left.detail), years_of(right.detail)
    if a and b and not a & b:
        return True
    ours, theirs = _telling(left), _telling(right)
    if not ours or not theirs or ours & theirs:
        return False
    if any(word.isascii() for word in ours) != any(word.isascii() for word in theirs):
        return False
    return all(fuzz.ratio(x, y) < _SAME_WORD for x in ours for y in theirs)


_LONG_CUT = re.compile(r"(?i)\b(?:extended|long|full|12)\b")
_SHORT_CUT = re.compile(r"(?i)\b(?:radio|single|short|tv|7|edit(?:ed)?)\b")


def _cut(part: VersionPart) -> str | None:
    """Say whether an edit is longer or shorter than what it is cut from, where its words say so."""
    return "long" if _LONG_CUT.search(part.text) else "short" if _SHORT_CUT.search(part.text) else None


_SAME_WORD = 80
"""The ratio from which two words are one with a typing error, as for titles."""


def _telling(part: VersionPart) -> frozenset[str]:
    """Words of a detail that tell one version from another."""
    words = {word for word in (part.detail or "").split() if len(word) > 1 and not word.isdigit()}
    if part.type == "language":
        codes = {_LANGUAGES[word] for word in words if word in _LANGUAGES}
        words = codes or words
    return frozenset(words - _COMMON) if part.type != "language" else frozenset(words)
