"""Reading what people write as a title: base, typed versions, credits, typed numbers, media kind; n-best."""

from streams.core.titles.numbers import read_numbers
from streams.core.titles.readings import MAX_READINGS, SpannedReading, TitleSpan, read_spans, read_title

__all__ = ["MAX_READINGS", "SpannedReading", "TitleSpan", "read_numbers", "read_spans", "read_title"]
