"""An event loop in a thread of its own, for servers that blocking test code talks to."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Loop:
    """Runs until `stop`, which cancels what is still going on in it."""

    def __init__(self, name: str) -> None:
        """Start the thread; `name` shows in dumps of all threads."""
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T], within: float = 10.0) -> T:
        """Run `work` in the loop and return its result, from any other thread."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(within)

    def stop(self) -> None:
        """Cancel all tasks, end the thread, close the loop."""
        self.run(self._cancel_all())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    async def _cancel_all(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # Transports that were aborted close their sockets one turn later.
        await asyncio.sleep(0)
        await self.loop.shutdown_asyncgens()
