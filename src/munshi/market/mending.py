"""The command that mends what is missing or wrong in a series, where there is one."""

from datetime import date

from munshi.domain.enums import Service
from munshi.domain.market.candle_files import CandleKey
from munshi.domain.market.data_quality import Absence, Finding, Flaw, Missing


def mend_missing(key: CandleKey, missing: Missing) -> str | None:
    """None where nothing is to be had: not yet traded."""
    if missing.reason is Absence.NOT_YET_TRADED:
        return None
    if _broker(key) is None:
        return _import(key)
    if missing.reason is Absence.FILE_DAMAGED:
        return f"munshi data verify {_name(key)} --repair"
    return _ask(key, "collect", missing.first, missing.last)


def mend_finding(key: CandleKey, finding: Finding) -> str:
    """Two sources are looked at side by side; other bars come again from where they came from."""
    first, last = finding.days[0], finding.days[-1]
    if finding.flaw is Flaw.SOURCES_DISAGREE:
        return (
            f"munshi data compare {_name(key)} --interval {key.interval} --from {first} --to {last}"
        )
    if _broker(key) is None:
        return _import(key)
    if finding.flaw is Flaw.FILE_DAMAGED:
        return f"munshi data verify {_name(key)} --repair"
    return _ask(key, "refetch", first, last)


def _ask(key: CandleKey, verb: str, first: date, last: date) -> str:
    return (
        f"munshi data {verb} {_name(key)} --broker {_broker(key)} --interval {key.interval} "
        f"--from {first} --to {last}"
    )


def _import(key: CandleKey) -> str:
    return f"munshi data import FILE --instrument {_name(key)}"


def _broker(key: CandleKey) -> Service | None:
    """Who serves the series: `kite-replay` is Kite's, from recorded files."""
    found = key.source.partition("-")[0]
    return Service(found) if found in set(Service) else None


def _name(key: CandleKey) -> str:
    return f'"{key.exchange}:{key.instrument}"'
