"""Whether the stored candle files are what was stored, and mending those that are not."""

from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import partial
from typing import Any, NoReturn

from munshi.domain.enums import Service
from munshi.domain.job_params import CollectionParams, VerificationParams
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.instruments import InstrumentRef
from munshi.errors import (
    AppError,
    BrokerSessionExpiredError,
    CandleFileDamagedError,
    CandleFilesConflictError,
    LoginNeededError,
)
from munshi.infrastructure.database.candle_repository import CandleFile
from munshi.market.candles import IMPORTED, CandleService
from munshi.market.collection import CollectionService, Progress
from munshi.market.provenance import Provenance
from munshi.settings import BrokerMode

_LISTED = 100


class Outcome(StrEnum):
    """What became of a damaged file. Kept: it stays as it is, damaged."""

    KEPT = "kept"
    REPAIRED = "repaired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A file that is not what was stored. `bars` are those of its month after a repair."""

    file: CandleFile
    cause: str
    outcome: Outcome = Outcome.KEPT
    bars: int = 0
    why_kept: str = ""

    def to_json(self) -> dict[str, Any]:
        key = self.file.key
        return {
            "instrument": f"{key.exchange}:{key.instrument}",
            "interval": key.interval.value,
            "source": key.source,
            "month": self.file.month,
            "path": self.file.path,
            "cause": self.cause,
            "outcome": self.outcome.value,
            "bars_before": self.file.rows,
            "bars_after": self.bars,
            "why_kept": self.why_kept,
        }


class CandleVerifier:
    """Re-hashes candle files against the manifest; what a broker still has is asked for again."""

    def __init__(
        self,
        *,
        mode: BrokerMode,
        provenance: Callable[[Service], Provenance],
        candles: CandleService,
        collection: CollectionService,
    ) -> None:
        self._mode = mode
        self._provenance = provenance
        self._candles = candles
        self._collection = collection

    def verify(
        self,
        params: VerificationParams,
        *,
        progress: Progress,
        await_login: Callable[[Service], NoReturn],
    ) -> dict[str, Any]:
        """Hash every file; with `repair` ask the brokers for the months of damaged ones.

        A damaged file is replaced only by a month of at least as many bars, and the report says
        how many it had and has. `await_login` is called where a broker wants one; what was
        repaired until then is stored.
        """
        files = self._candles.list_files([InstrumentRef.parse(ref) for ref in params.instruments])
        findings = list(self._damaged(files, progress))
        if params.repair:
            findings = [
                self._repair(finding, partial(progress, 100 * done / len(findings)), await_login)
                for done, finding in enumerate(findings)
            ]
        bad = [finding for finding in findings if finding.outcome is Outcome.KEPT]
        progress(100, f"{len(files):,} files hashed, {len(bad):,} damaged.")
        return {
            "files": len(files),
            "bytes": sum(file.bytes for file in files),
            "damaged": len(bad),
            "repaired": len(findings) - len(bad),
            "findings": [finding.to_json() for finding in findings[:_LISTED]],
        }

    def _damaged(self, files: Sequence[CandleFile], progress: Progress) -> Iterator[Finding]:
        for done, file in enumerate(files):
            progress(100 * done / len(files), f"Hashing {file.path}")
            try:
                self._candles.verify(file)
            except CandleFileDamagedError as error:
                yield Finding(file=file, cause=error.detail)

    def _repair(
        self,
        finding: Finding,
        say: Callable[[str], None],
        await_login: Callable[[Service], NoReturn],
    ) -> Finding:
        broker = self._brokers().get(finding.file.key.source)
        if broker is None or finding.file.key.mode is not self._mode:
            return replace(finding, why_kept=self._not_ours(finding.file.key))
        say(f"Asking {broker} for {finding.file.path}")
        wanted = _month_of(finding.file, broker)
        try:
            frame = self._collection.fetch_again(wanted, progress=lambda _, said: say(said))
            if frame.height < finding.file.rows:
                return replace(
                    finding,
                    why_kept=f"{broker.capitalize()} gives only {frame.height:,} of its "
                    f"{finding.file.rows:,} bars now.",
                )
            label = self._provenance(broker).label
            self._candles.replace(finding.file, frame, label=label)
        except (LoginNeededError, BrokerSessionExpiredError):
            await_login(broker)
        except CandleFilesConflictError:
            return replace(finding, why_kept="Another job stored the month just now; look again.")
        except AppError as error:
            return replace(finding, why_kept=error.detail)
        return replace(finding, outcome=Outcome.REPAIRED, bars=frame.height)

    def _brokers(self) -> Mapping[str, Service]:
        return {self._provenance(service).source: service for service in Service}

    def _not_ours(self, key: CandleKey) -> str:
        if key.source == IMPORTED:
            return "It was imported: import its file again, munshi data import FILE."
        if key.mode is not self._mode:
            return f"It holds {key.mode} prices, and this desk works with {self._mode} ones."
        return f"No broker of this desk serves {key.source}."


def _month_of(file: CandleFile, broker: Service) -> CollectionParams:
    year, month = int(file.month[:4]), int(file.month[4:])
    return CollectionParams(
        broker=broker,
        instruments=(f"{file.key.exchange}:{file.key.instrument}",),
        interval=file.key.interval,
        start=date(year, month, 1),
        end=date(year, month, monthrange(year, month)[1]),
    )
