"""Sounds by their landmarks, behind the port ``Material``: in memory, made anew at each start."""

from typing import Final, NamedTuple

from encoders.constellation_index import ConstellationIndex
from encoders.constellation_search import search_at_other_pitches
from encoders.constellations import constellations
from encoders.fingerprint_contrast import even
from encoders.landmarks import Landmarks
from streams.core.records import ItemKey, SoundFacts
from streams.edges.sound_blobs import unpack
from streams.errors import FeatureMissing
from streams.ports import FeatureStore, Sharer

# Of 62 loops at the level of the music on top 0.92 have their source among the first five of 255 tracks, of
# those 6 dB under it 0.74, which is what alignment finds (benchmarks, `constellations`).
_MOST_NAMED: Final = 5
# The same 6 dB under it and up to three semitones higher or lower: among two 0.68 of 60, among five 0.70.
_MOST_MOVED: Final = 2


class _Held(NamedTuple):
    """A sound in the index."""

    number: int
    revision: int
    sound: SoundFacts


class LandmarkMaterial:
    """`Material` over a feature store.

    Parameters
    ----------
    store : FeatureStore
    most_entries : int > 0
        of 8 bytes; a minute of music has about 4,600, fewer in a catalogue that does not fit otherwise
    """

    def __init__(self, store: FeatureStore, *, most_entries: int) -> None:
        self._store = store
        self._index = ConstellationIndex(most_entries=most_entries)
        self._held: dict[ItemKey, _Held] = {}
        self._keys: dict[int, ItemKey] = {}
        self._next = 0

    def __len__(self) -> int:
        """Count the sounds."""
        return len(self._held)

    def add(self, key: ItemKey, revision: int, sound: SoundFacts) -> None:
        """Take in a sound: of an item the highest revision; one whose features are gone is left out."""
        held = self._held.get(key)
        if held is not None and held.revision >= revision:
            return
        points = self._points(sound)
        if points is None:
            return
        if held is not None:
            self._drop(key, held)
        number, self._next = self._next, self._next + 1
        self._index.add(number, constellations(points))
        self._held[key], self._keys[number] = _Held(number, revision, sound), key

    def remove(self, key: ItemKey, revision: int) -> None:
        """Forget an upload's sound, if it is of this revision."""
        held = self._held.get(key)
        if held is not None and held.revision == revision:
            self._drop(key, held)

    def search(self, sound: SoundFacts) -> tuple[Sharer, ...]:
        """Name those that may share something with a sound, the likeliest first."""
        points = self._points(sound)
        if points is None:
            return ()
        named = self._index.search(constellations(points), most=_MOST_NAMED)
        named += search_at_other_pitches(self._index, points, most=_MOST_MOVED)
        keys = dict.fromkeys(self._keys[each.sound] for each in named)
        return tuple(Sharer(key, self._held[key].revision, self._held[key].sound) for key in keys)

    def _drop(self, key: ItemKey, held: _Held) -> None:
        self._index.remove(held.number)
        del self._held[key], self._keys[held.number]

    def _points(self, sound: SoundFacts) -> Landmarks | None:
        """Read a sound's points; none where there are none, or where they tell nothing."""
        try:
            features = unpack(self._store.get(sound.features))
        except FeatureMissing:
            return None
        if features.landmarks is None or even(features.fingerprint):
            return None
        return features.landmarks
