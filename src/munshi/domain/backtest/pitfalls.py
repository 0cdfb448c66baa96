"""What makes a backtest better than life: looked for, one by one, in the rows of a stored run.

Each check has the run's own figures, and is made of its trades and orders when it is asked for.
Nothing here believes what the engine says of itself.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from munshi.clock import IST
from munshi.domain.backtest.leg_lines import is_settled
from munshi.domain.backtest.metrics import profit_factor, slippage_of, win_rate
from munshi.domain.backtest.results import LegFill, Trade, TradeEnd
from munshi.domain.backtest.runs import BacktestRun
from munshi.domain.market.charges import ChargeKind, Side
from munshi.domain.market.instruments import InstrumentRef, well_known_index
from munshi.domain.market.lots import lot_size

_PAISE = 100
_MINUTE = timedelta(minutes=1)
_FROM_QUOTES = "bid_ask"
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True, kw_only=True)
class PitfallCheck:
    """`is_absent` when the rows show that it was not done; `said` tells what they show."""

    name: str
    is_absent: bool
    said: str


@dataclass(frozen=True, slots=True)
class _Rows:
    run: BacktestRun
    trades: Sequence[Trade]

    @property
    def entered(self) -> list[Trade]:
        return [trade for trade in self.trades if trade.legs]

    @property
    def orders(self) -> list[tuple[Trade, LegFill]]:
        """What was traded; what was settled at an expiry was no order."""
        return [
            (trade, leg)
            for trade in self.trades
            for leg in trade.legs
            if not is_settled(trade, leg)
        ]

    @property
    def settled(self) -> list[tuple[Trade, LegFill]]:
        return [
            (trade, leg) for trade in self.trades for leg in trade.legs if is_settled(trade, leg)
        ]


_Check = Callable[[_Rows], tuple[bool, str]]


def check_pitfalls(run: BacktestRun, trades: Sequence[Trade]) -> tuple[PitfallCheck, ...]:
    """All of them, always in the same order."""
    rows = _Rows(run, trades)
    found = []
    for name, check in _CHECKS.items():
        is_absent, said = check(rows)
        found.append(PitfallCheck(name=name, is_absent=is_absent, said=said))
    return tuple(found)


def _look_ahead(rows: _Rows) -> tuple[bool, str]:
    early = sum(leg.at < trade.decided_at for trade, leg in rows.orders)
    count = len(rows.orders)
    if early:
        return False, f"{early:,} of {count:,} orders were filled before they were decided."
    return True, (
        f"The strategy was shown bars that had closed, and none of {_many(count, 'order')} was "
        "filled before the bar that decided its trade had closed."
    )


def _stale_price(rows: _Rows) -> tuple[bool, str]:
    waits = [min(leg.at for leg in trade.legs) - trade.decided_at for trade in rows.entered]
    lapsed = sum(not trade.legs for trade in rows.trades)
    without = f"{_many(lapsed, 'order')} to open found no price and {_was(lapsed)} not filled."
    if not waits:
        return True, f"Nothing was filled; {without}"
    longest = max(waits)
    said = (
        f"Each entry took its price from the first bar after the decision in which all of it "
        f"trades, by {rows.run.parameters.get('fill', 'next_open')}: {_minutes(longest)} minutes "
        f"later by the clock at most. {without}"
    )
    return min(waits) >= timedelta(0), said


def _settlement(rows: _Rows) -> tuple[bool, str]:
    dated = [trade for trade in rows.entered if trade.expiry is not None]
    if not dated:
        return True, "It traded nothing that expires."
    late = sum(
        leg.at.astimezone(IST).date() > trade.expiry
        for trade in dated
        for leg in trade.legs
        if trade.expiry is not None
    )
    other = sum(leg.at.astimezone(IST).date() != trade.expiry for trade, leg in rows.settled)
    if late or other:
        return False, f"{late + other:,} orders or settlements are not of the contract's last day."
    return True, (
        f"{_many(len(rows.settled), 'leg')} {_was(len(rows.settled))} settled, each on its "
        "contract's last day by the index of that day; nothing was traded after an expiry."
    )


def _zero_price(rows: _Rows) -> tuple[bool, str]:
    nothing = sum(leg.quoted <= 0 for _, leg in rows.orders)
    if nothing:
        return False, f"{nothing:,} of {len(rows.orders):,} orders have no price."
    unpriced = [trade for trade in rows.trades if trade.end is TradeEnd.UNPRICED]
    stranded = sum(bool(trade.legs) for trade in unpriced)
    return True, (
        f"Every one of {_many(len(rows.orders), 'order')} has a traded price above zero. "
        f"{_many(len(unpriced), 'trade')} without one {_was(len(unpriced))} listed as unpriced, "
        f"{stranded:,} of them after they had been entered."
    )


def _costs(rows: _Rows) -> tuple[bool, str]:
    by_quotes = rows.run.parameters.get("fill") == _FROM_QUOTES
    free = 0 if by_quotes else sum(not _slipped(leg) for _, leg in rows.orders)
    if free:
        return False, f"{free:,} of {len(rows.orders):,} orders have no slippage."
    kind = ChargeKind(str(rows.run.parameters.get("kind", ChargeKind.FUTURES)))
    charges, slippage = sum(trade.costs for trade in rows.trades), slippage_of(rows.trades)
    spread = "bought at the ask and sold at the bid" if by_quotes else "moved against the trader"
    return True, (
        f"Every order, in and out, was {spread} ({_rupees(slippage)} rupees of slippage in all) "
        f"and paid the charges of {kind} of its own day ({_rupees(charges)} rupees)."
    )


def _lots_and_days(rows: _Rows) -> tuple[bool, str]:
    expected, present = (rows.run.coverage.get(f"bars_{each}") for each in ("expected", "present"))
    hours = f"Sessions are those of each date: {present} of {expected} bars are there."
    dated = [trade for trade in rows.entered if trade.expiry is not None]
    name = _underlying(rows.run)
    if not dated or name is None:
        told = " x ".join(str(rows.run.parameters.get(each, 1)) for each in ("lots", "lot_size"))
        return True, (
            f"Its orders are of {told} units as it was told, and of no contract's lot. {hours}"
        )
    wrong, lots = 0, set()
    many = rows.run.parameters.get("lots")
    for trade in dated:
        if trade.expiry is None:
            continue
        lot = lot_size(name, trade.expiry)
        lots.add(lot)
        wrong += sum(leg.quantity != lot * int(str(many or 1)) for leg in trade.legs)
    if wrong:
        return False, f"{wrong:,} orders are of another size than their contract's lot."
    days = Counter(_WEEKDAYS[trade.expiry.weekday()] for trade in dated if trade.expiry)
    weekdays = ", ".join(f"{day} {count:,}" for day, count in days.most_common())
    return True, (
        f"Lots of {_listed(sorted(lots))} units, by each contract's expiry; expiries on their "
        f"day of that date, holidays counted ({weekdays}). {hours}"
    )


def _open_at_end(rows: _Rows) -> tuple[bool, str]:
    still = [trade for trade in rows.trades if trade.end is TradeEnd.OPEN_AT_END]
    if not still:
        return True, "Nothing was open at the end."
    net = _rupees(sum(trade.net for trade in still))
    return True, (
        f"{_many(len(still), 'trade')} {_was(len(still))} open at the end, labelled so, and "
        f"{_was(len(still))} counted at the last close: {net} rupees."
    )


def _unpinned(rows: _Rows) -> tuple[bool, str]:
    run = rows.run
    pins = (run.code_version, run.engine_version, run.data_fingerprint, run.result_hash)
    if not all(pins):
        return False, "It is not pinned to its code, its data and its result."
    return True, (
        f"Run {run.run_id} was stored once and is never written over: code {run.code_version}, "
        f"engine {run.engine} {run.engine_version}, data {run.data_fingerprint[:12]}, "
        f"result {run.result_hash[:12]}."
    )


def _signals(rows: _Rows) -> tuple[bool, str]:
    told = [trade for trade in rows.trades if trade.signal is not None]
    if not told:
        return True, "It followed no weekly signal."
    weeks = Counter(trade.decided_at.astimezone(IST).isocalendar()[:2] for trade in told)
    twice = sum(count > 1 for count in weeks.values())
    chosen = rows.run.parameters.get("parameters")
    enabled = chosen.get("enabled") if isinstance(chosen, Mapping) else None
    allowed = enabled.split("+") if isinstance(enabled, str) else enabled
    other = (
        sum(trade.signal not in allowed for trade in told)
        if isinstance(allowed, Iterable) and allowed
        else 0
    )
    if twice or other:
        return False, f"{twice:,} weeks have two signals; {other:,} trades are of one left out."
    names = "all of S1 to S8" if not allowed else f"only {', '.join(map(str, allowed))}"
    return True, (
        f"{_many(len(told), 'signal')} in {_many(len(weeks), 'week')}, one a week at most; {names} "
        "were looked for, and what was left out used up no week."
    )


def _invented(rows: _Rows) -> tuple[bool, str]:
    counted = [trade for trade in rows.trades if trade.end is not TradeEnd.UNPRICED]
    nets = [trade.net for trade in counted]
    again = {
        "net": sum(nets),
        "gross": sum(trade.gross for trade in counted),
        "costs": sum(trade.costs for trade in counted),
        "trades": len(nets),
        "win_rate": win_rate(nets),
        "profit_factor": profit_factor(nets),
    }
    stored = rows.run.metrics
    wrong = [name for name, value in again.items() if name in stored and stored[name] != value]
    if rows.run.net != again["net"]:
        wrong.append("net")
    if wrong:
        return False, f"From the stored trades come other figures: {', '.join(wrong)}."
    return True, (
        "Net, gross, costs, trades, win rate and profit factor were worked out again just now "
        f"from {_many(len(rows.trades), 'stored trade')} and are the stored ones."
    )


_CHECKS: Mapping[str, _Check] = MappingProxyType(
    {
        "acting before it could know": _look_ahead,
        "filling at an older price": _stale_price,
        "settling by another day": _settlement,
        "taking a missing price for zero": _zero_price,
        "leaving out slippage or charges": _costs,
        "using today's lots, expiries or hours": _lots_and_days,
        "forgetting what is open at the end": _open_at_end,
        "overwriting a run, or no way to repeat it": _unpinned,
        "letting a filtered signal use up its week": _signals,
        "showing figures that nothing computed": _invented,
    }
)


def _underlying(run: BacktestRun) -> str | None:
    index = well_known_index(InstrumentRef.parse(run.instrument))
    return None if index is None else index.name


def _slipped(leg: LegFill) -> bool:
    return leg.price > leg.quoted if leg.side is Side.BUY else leg.price < leg.quoted


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def _listed(numbers: Sequence[int]) -> str:
    return " and ".join(map(str, numbers))


def _minutes(wait: timedelta) -> str:
    return f"{wait / _MINUTE:,.0f}"


def _rupees(paise: int) -> str:
    return f"{paise / _PAISE:,.2f}"
