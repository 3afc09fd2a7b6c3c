"""A table of Faust that knows when its changes are in the changelog."""

import asyncio
from typing import Any

import faust


class WrittenTable(faust.Table[str, Any]):
    """A table whose changes can be waited for.

    Faust sends a change in the background, and no one hears of one that could not be written: it is logged.
    Before offsets are committed it waits for what is still to be sent, but only as long as something goes out
    every tenth of a second.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._under_way: list[asyncio.Future[Any]] = []

    def send_changelog(self, *args: Any, **kwargs: Any) -> Any:
        """Send a change, and remember that it is under way."""
        sent = super().send_changelog(*args, **kwargs)
        self._under_way.append(sent)
        return sent

    async def written(self) -> None:
        """Wait until the brokers have every change made so far; raise what has kept one from them."""
        under_way, self._under_way = self._under_way, []
        if under_way:
            # Not `gather`: it would cancel them with us, and Faust's answer to one that is cancelled fails.
            await asyncio.wait(under_way)
            for sent in under_way:
                sent.result()
