"""Follow `index.row.v1` for the sounds that it names: what find searches for material in common."""

from typing import Final

from streams.core.records import IndexRow, ItemKey
from streams.ports import Codec, Material, Message, RowLog
from streams.stages.index import decode_rows

_AT_ONCE: Final = 512


class MaterialFold:
    """Keeps `Material` as the log of index rows says, from its start.

    The first window of each model stands for the others: an upload is gone when no row of a first window is
    left, whatever models it was embedded by.

    Parameters
    ----------
    material : Material
    log : RowLog
    codec : Codec
    """

    def __init__(self, material: Material, log: RowLog, codec: Codec) -> None:
        self._material = material
        self._log = log
        self._codec = codec
        self._position = 0
        self._rows: dict[tuple[ItemKey, int], set[str]] = {}

    def catch_up(self) -> None:
        """Fold what has come since.

        Raises
        ------
        BrokerUnavailable
            Kafka does not answer
        """
        end = self._log.end()
        if end <= self._position:
            return
        waiting: list[Message] = []
        for message in self._log.read(self._position, end):
            waiting.append(message)
            if len(waiting) == _AT_ONCE:
                self._fold(decode_rows(waiting, self._codec))
                self._position = waiting[-1].offset + 1
                waiting.clear()
        self._fold(decode_rows(waiting, self._codec))
        self._position = end

    def _fold(self, rows: list[IndexRow]) -> None:
        for row in rows:
            if row.window:
                continue
            key = ItemKey(row.source, row.item_id)
            if row.state == "live":
                # What has no sound, most of many a catalogue, is not remembered either.
                if row.sound is not None:
                    self._rows.setdefault((key, row.revision), set()).add(row.row_id)
                    self._material.add(key, row.revision, row.sound)
                continue
            left = self._rows.get((key, row.revision))
            if left is None:
                continue
            left.discard(row.row_id)
            if not left:
                del self._rows[key, row.revision]
                self._material.remove(key, row.revision)
