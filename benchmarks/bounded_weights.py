"""What fitted weights of recordings may be at most, for pairs that the labelled sets hardly hold."""

import dataclasses

from benchmarks.additive import BELOW
from streams.core.bundle import Head
from streams.core.scoring import SHORT_OF_A_MATCH

TITLE_RULE = (
    "similar titles, one artist and one length to the second are at most a review, and so are two titles"
    " with nothing in common at one place of an album (fit_bundle.py)"
)


def asked_about_similar(head: Head, match: float) -> Head:
    """Bound what a similar title weighs: beside one artist and one length to the second it is a review.

    In the labelled sets such a pair is a misspelling; the two songs of one album that it may as well be are
    hardly in them.
    """
    beside = (
        head.weight("artist", "equal") + head.weight("version", "none") + head.weight("duration", "second")
    )
    most = round(match - head.prior - beside - SHORT_OF_A_MATCH, 3)
    titles = dict(head.weights["title"])
    level: str | None = "similar"
    while level is not None:  # what agrees less weighs no more
        titles[level] = min(titles.get(level, most), most)
        level = BELOW["title"].get(level)
    return dataclasses.replace(head, weights={**head.weights, "title": titles})


def asked_about_places(head: Head, match: float) -> Head:
    """Bound what one place of an album and one length weigh beside titles with nothing in common: a review.

    An album of several discs has as many songs at each place, and the labelled sets hardly have such albums.
    """
    agreeing = {"artist": "equal", "version": "none", "duration": "second", "track": "same_place"}
    agreeing |= {"year": "equal", "title": "different"}
    beside = sum(head.weight(*each) for each in agreeing.items())
    most = round(match - head.prior - beside - SHORT_OF_A_MATCH, 3)
    albums = dict(head.weights["album"])
    if "one_place" in albums:
        albums["one_place"] = min(albums["one_place"], most)
    return dataclasses.replace(head, weights={**head.weights, "album": albums})


def doubting_brackets(head: Head) -> Head:
    """Let a title that lacks a bracket of the other weigh no more than one that is spelt otherwise.

    Labelled ones are subtitles, nearly all; what the bracket says was not read, and may be a version.
    """
    titles = dict(head.weights["title"])
    if {"main_title", "near"} <= titles.keys():
        titles["main_title"] = min(titles["main_title"], titles["near"])
    return dataclasses.replace(head, weights={**head.weights, "title": titles})
