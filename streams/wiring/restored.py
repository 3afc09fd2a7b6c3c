"""What the arbiter has decided, read from its topics by who decides nothing."""

from streams.config import Settings
from streams.connection import codec_for
from streams.core.bundle import Bundle
from streams.core.rules import Confirm
from streams.edges.log_reader import LogReader
from streams.stages.arbiter_records import STATE_TOPICS
from streams.stages.arbitrate import ArbitrateStage
from streams.stages.index import ROW_TOPIC
from streams.wiring.parts import rules


def restored_arbiter(settings: Settings, reader: LogReader, confirm: Confirm) -> ArbitrateStage:
    """Restore catalogue and rules from the log as it stands."""
    ends = {topic: reader.bounds(topic)[1] for topic in STATE_TOPICS}
    arbiter = ArbitrateStage(
        codec_for(settings),
        rules(Bundle.packaged(), confirm),
        watermark=lambda: ends[ROW_TOPIC],
        overlay_rows=1,
        kept_behind=0,
    )
    arbiter.restore(
        lambda topic, first: reader.read_committed_to_end(topic, first, end=ends[topic]),
        ends=ends,
        committed=None,
    )
    return arbiter
