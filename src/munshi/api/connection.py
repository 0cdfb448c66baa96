"""An HTTP connection on which nobody dawdles: a request's head comes in time, or it is cut."""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

HEAD_SECONDS = 10.0


class PromptConnection(H11Protocol):
    """uvicorn's own, with a limit on the time from the first byte, or none, to a whole head.

    uvicorn itself waits for ever, so a few hundred idle connections would be all of ours.
    """

    head_seconds = HEAD_SECONDS

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - uvicorn's
        super().__init__(*args, **options)
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_between_requests():
            self._expect_head()
        else:
            self._forget()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._is_between_requests():  # uvicorn's own limit holds until the next byte
            self._forget()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def _is_between_requests(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    def _expect_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_seconds, self.transport.close)

    def _forget(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
