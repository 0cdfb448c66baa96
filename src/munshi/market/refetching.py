"""Months that hold wrong bars, asked for once more although nothing of them is missing."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from munshi.clock import Clock
from munshi.domain.enums import Service
from munshi.domain.job_params import CollectionParams
from munshi.domain.market.instruments import InstrumentRef
from munshi.infrastructure.candles.frames import merge
from munshi.market.calendar_service import CalendarService
from munshi.market.candle_months import CandleMonths, month_ends
from munshi.market.candles import CandleService
from munshi.market.collection import CollectionService, Progress
from munshi.market.instruments import InstrumentService
from munshi.market.provenance import Provenance
from munshi.market.quality import validate


class RefetchService:
    """Replaces whole months: the broker's bars win, and bars that cannot be right go.

    A sound bar that the broker no longer has stays.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        provenance: Callable[[Service], Provenance],
        candles: CandleService,
        months: CandleMonths,
        collection: CollectionService,
        instruments: InstrumentService,
        calendar: CalendarService,
    ) -> None:
        self._clock = clock
        self._provenance = provenance
        self._candles = candles
        self._months = months
        self._collection = collection
        self._instruments = instruments
        self._calendar = calendar

    def refetch(self, params: CollectionParams, *, progress: Progress) -> dict[str, Any]:
        """Every held month of the one instrument of `params` that its days touch.

        Months done before an error stay done. Raises what a broker's client raises, what
        CollectionService.check raises, CandleFilesConflictError, HomeUnusableError.
        """
        self._collection.check(params)
        ref = InstrumentRef.parse(params.instruments[0])
        source = self._provenance(params.broker)
        files = [
            file
            for file in self._candles.list_files([ref])
            if (file.key.interval, file.key.source) == (params.interval, source.source)
            and f"{params.start:%Y%m}" <= file.month <= f"{params.end:%Y%m}"
        ]
        told: list[dict[str, Any]] = []
        for done, file in enumerate(files):
            progress(100 * done / len(files), f"{ref} {params.interval} of {file.month}")
            first, last = month_ends(file.month)
            wanted = replace(params, start=first, end=last)
            fetched = self._collection.fetch_again(wanted, progress=lambda _, _said: None)
            [stored] = self._months.read(file.key, first=first, last=last)
            held = stored.frame
            judged = validate(
                held,
                interval=params.interval,
                segment=self._instruments.segment(ref),
                calendar=self._calendar.calendar(),
                now=self._clock.now(),
            )
            merged = merge(judged.accepted, fetched)
            if not merged.frame.is_empty() and not merged.frame.equals(held):
                self._candles.replace(file, merged.frame, label=source.label)
            told.append(
                {
                    "month": f"{file.month[:4]}-{file.month[4:]}",
                    "added": merged.added,
                    "changed": merged.changed,
                    "same": merged.same,
                    "dropped": judged.refused.height,
                }
            )
        progress(100, f"{len(told):,} months asked for again.")
        return {
            "instrument": str(ref),
            "interval": params.interval.value,
            "source": source.source,
            "label": source.label,
            "months": told,
        }
