"""A stored backtest, as its rows have it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestRun:
    """`result_hash` is the same for the same code, parameters and data; money is in paise.

    `data_fingerprint` is of the bars, and of the quotes where those filled the orders.
    `confirmation` is what another engine made of the same, if it was asked.
    """

    run_id: UUID
    job_id: UUID | None
    strategy: str
    instrument: str
    bar_interval: str
    from_date: date
    to_date: date
    label: str
    engine: str
    engine_version: str
    code_version: str
    parameters: Mapping[str, object]
    coverage: Mapping[str, object]
    assumptions: tuple[str, ...]
    metrics: Mapping[str, int | float | None]
    data_fingerprint: str
    result_hash: str
    net: int
    duration_ms: int
    created_at: datetime
    confirmation: Mapping[str, Any] | None = None

    @property
    def bars_fingerprint(self) -> str:
        """Of the bars alone."""
        return str(self.coverage.get("bars_fingerprint", self.data_fingerprint))
