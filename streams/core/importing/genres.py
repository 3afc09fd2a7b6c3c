"""Genres as shops write them, at the end of a cell that they slipped into."""

import re
from typing import Final

_GENRES: Final = (
    "Alternative | Alternative Rock | Ambient | Americana | Anime | Bluegrass | Blues | Bossa Nova | "
    "Broadway & Vocalists | Cabaret | Chamber Music | Children's Music | Choral | Christian | Christian & "
    "Gospel | Classic Rock | Classical | Classical Crossover | Comedy | Contemporary Country | "
    "Contemporary R&B | Country | Dance | Dance & Electronic | Disco | Drum & Bass | Dubstep | Easy "
    "Listening | Electronic | Enka | Flamenco | Folk | Folk-Rock | Funk | Gangsta & Hardcore | Gospel | "
    "Grunge | Hard Rock | Hard Rock & Metal | Hardcore Rap | Heavy Metal | Hip-Hop | Hip-Hop/Rap | "
    "Holiday | House | Indie Pop | Indie Rock | Instrumental | International | J-Pop | Jazz | K-Pop | "
    "Latin | Latin Music | Lounge | Metal | Miscellaneous | Music | New Age | Opera | Opera & Vocal | Pop "
    "| Pop/Rock | Punk | R&B | R&B / Soul | R&B/Soul | Rap | Rap & Hip-Hop | Reggae | Reggaeton y Hip-Hop "
    "| Rock | Rock & Roll | Salsa | Singer/Songwriter | Ska | Soft Rock | Soul | Soundtrack | Soundtracks "
    "| Spoken Word | Techno | Teen Pop | Trance | Trap | Vocal | World | World Music"
).split(" | ")
_EITHER: Final = "|".join(map(re.escape, sorted(_GENRES, key=len, reverse=True)))
GENRES_AT_THE_END: Final = re.compile(rf"(?:{_EITHER})(?:\s?,\s?[\w&'/. -]{{3,30}})*$")
"""A genre, with capitals as shops write it, or a list that begins with one."""
