"""Breeze's signed reads: quotes, option chain, funds, positions and demat holdings."""

from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from munshi.clock import IST
from munshi.domain.market.candles import PRICE_SCALE
from munshi.domain.market.instruments import Instrument, InstrumentKind
from munshi.infrastructure.brokers.simulator.breeze_contracts import (
    RIGHTS,
    expiry_asked,
    instrument_asked,
    underlying_of,
)
from munshi.infrastructure.brokers.simulator.breeze_replies import (
    NO_DATA,
    BreezeRefusedError,
    success,
)
from munshi.infrastructure.brokers.simulator.breeze_session import BreezeAccess
from munshi.infrastructure.brokers.simulator.market import Market, Snapshot
from munshi.infrastructure.brokers.simulator.universe import index_named

V1 = "/breezeapi/api/v1"
PRODUCT_WORDS = {
    InstrumentKind.FUTURE: "Future",
    InstrumentKind.CALL: "Options",
    InstrumentKind.PUT: "Options",
}
QUOTE_RIGHTS = {
    InstrumentKind.FUTURE: "*",
    InstrumentKind.CALL: "Call",
    InstrumentKind.PUT: "Put",
}
FUNDS: dict[str, object] = {
    "bank_account": "000000000000",
    "total_bank_balance": 1_000_000.0,
    "allocated_equity": 250_000.0,
    "allocated_fno": 500_000.0,
    "allocated_commodity": 0.0,
    "allocated_currency": 0.0,
    "block_by_trade_equity": 0.0,
    "block_by_trade_fno": 0.0,
    "block_by_trade_commodity": 0.0,
    "block_by_trade_currency": 0.0,
    "block_by_trade_balance": 0,
    "unallocated_balance": "250000",
}
HOLDINGS = [
    {
        "stock_code": code,
        "stock_ISIN": isin,
        "quantity": quantity,
        "demat_total_bulk_quantity": quantity,
        "demat_avail_quantity": quantity,
        "blocked_quantity": "0",
        "demat_allocated_quantity": "0",
    }
    for code, isin, quantity in (("RELIND", "INE002A01018", "10"), ("INFTEC", "INE009A01021", "5"))
]
CHAIN_FILTERS_NEEDED = 2


class BreezeMarket:
    """Numbers where the samples have numbers, text where they have text."""

    def __init__(self, access: BreezeAccess, market: Market) -> None:
        self._access = access
        self._market = market

    def routes(self) -> list[Route]:
        return [
            Route(f"{V1}/quotes", self.quotes, methods=["GET"]),
            Route(f"{V1}/optionchain", self.option_chain, methods=["GET"]),
            Route(f"{V1}/funds", self.funds, methods=["GET"]),
            Route(f"{V1}/portfoliopositions", self.positions, methods=["GET"]),
            Route(f"{V1}/dematholdings", self.holdings, methods=["GET"]),
        ]

    async def quotes(self, request: Request) -> JSONResponse:
        """A share answers with two rows, NSE then BSE, whichever exchange was asked."""
        asked = await self._access.signed_body(request)
        instrument = instrument_asked(asked, self._market)
        if instrument is None:
            return _empty()
        rows = await run_in_threadpool(self._rows, instrument)
        return success(rows) if rows else _empty()

    async def option_chain(self, request: Request) -> JSONResponse:
        asked = await self._access.signed_body(request)
        given = [name for name in ("expiry_date", "right", "strike_price") if asked.get(name)]
        if len(given) < CHAIN_FILTERS_NEEDED:
            raise BreezeRefusedError(
                400, "At least two of Expiry-Date, Right and Strike-Price are needed", http=400
            )
        rows = await run_in_threadpool(self._chain, asked)
        return success(rows) if rows else _empty()

    async def funds(self, request: Request) -> JSONResponse:
        await self._access.signed_body(request)
        return success(FUNDS)

    async def positions(self, request: Request) -> JSONResponse:
        """The simulated account holds no positions."""
        await self._access.signed_body(request)
        return _empty()

    async def holdings(self, request: Request) -> JSONResponse:
        await self._access.signed_body(request)
        return success(HOLDINGS)

    def _rows(self, instrument: Instrument) -> list[dict[str, Any]]:
        snapshot = self._market.snapshot(instrument)
        if snapshot is None:
            return []
        spot = self._spot(instrument)
        exchanges = [instrument.exchange]
        if instrument.kind is InstrumentKind.EQUITY:
            exchanges = ["NSE", "BSE"]
        return [_quote(instrument, snapshot, exchange, spot) for exchange in exchanges]

    def _chain(self, asked: Mapping[str, object]) -> list[dict[str, Any]]:
        underlying = underlying_of(str(asked.get("stock_code", "")).upper())
        if underlying is None or str(asked.get("exchange_code", "")).upper() != "NFO":
            return []
        listed = self._market.listing().instruments
        contracts = [c for c in listed if c.underlying == underlying and _fits(c, asked)]
        snapshots = [(c, self._market.snapshot(c)) for c in contracts]
        return [
            _quote(contract, snapshot, "NFO", self._spot(contract)) | _interest(contract, snapshot)
            for contract, snapshot in snapshots
            if snapshot is not None
        ]

    def _spot(self, instrument: Instrument) -> str:
        if instrument.underlying is None:
            return ""
        snapshot = self._market.snapshot(index_named(instrument.underlying))
        return f"{snapshot.last.close / PRICE_SCALE:.2f}" if snapshot else ""


def _fits(contract: Instrument, asked: Mapping[str, object]) -> bool:
    """Whether a contract of the chain is among those asked for; what is not given fits all."""
    futures = str(asked.get("product_type", "")).lower() == "futures"
    right = RIGHTS.get(str(asked.get("right") or "").lower())
    strike = str(asked.get("strike_price") or "")
    return (
        (contract.kind is InstrumentKind.FUTURE) is futures
        and (not asked.get("expiry_date") or contract.expiry == expiry_asked(asked))
        and right in {None, contract.kind}
        and (not strike or f"{contract.strike}" == strike.removesuffix(".0"))
    )


def _empty() -> JSONResponse:
    return JSONResponse({"Success": [], "Status": 200, "Error": NO_DATA})


def _quote(instrument: Instrument, snapshot: Snapshot, exchange: str, spot: str) -> dict[str, Any]:
    last, before, expiry = snapshot.last.close, snapshot.previous_close, instrument.expiry
    percent = round((last - before) / before * 100, 2)
    return {
        "exchange_code": exchange,
        "product_type": PRODUCT_WORDS.get(instrument.kind, ""),
        "stock_code": instrument.breeze_code,
        "expiry_date": f"{expiry:%d-%b-%Y}" if expiry else "",
        "right": QUOTE_RIGHTS.get(instrument.kind, ""),
        "strike_price": float(instrument.strike or 0),
        "ltp": last / PRICE_SCALE,
        "ltt": snapshot.last.opens.astimezone(IST).strftime("%d-%b-%Y %H:%M:%S"),
        "best_bid_price": max(last - 500, 500) / PRICE_SCALE,
        "best_bid_quantity": str(instrument.lot_size * 4),
        "best_offer_price": (last + 500) / PRICE_SCALE,
        "best_offer_quantity": str(instrument.lot_size * 3),
        "open": snapshot.day.open / PRICE_SCALE,
        "high": snapshot.day.high / PRICE_SCALE,
        "low": snapshot.day.low / PRICE_SCALE,
        "previous_close": before / PRICE_SCALE,
        "ltp_percent_change": percent,
        "upper_circuit": before * 11 // 10 / PRICE_SCALE,
        "lower_circuit": before * 9 // 10 / PRICE_SCALE,
        "total_quantity_traded": str(snapshot.day.volume),
        "spot_price": spot,
    }


def _interest(instrument: Instrument, snapshot: Snapshot) -> dict[str, Any]:
    now = snapshot.last.oi or 0
    return {
        "ltq": str(instrument.lot_size),
        "open_interest": float(now),
        "chnge_oi": float(now - snapshot.oi_low),
        "total_buy_qty": str(instrument.lot_size * 500),
        "total_sell_qty": str(instrument.lot_size * 520),
    }
