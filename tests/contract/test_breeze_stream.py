"""The official Breeze SDK's sockets against our simulator, and our client beside them."""

from decimal import Decimal
from pathlib import Path

from broker_clients import OpenGate, no_transaction_open
from munshi.domain.market.instruments import InstrumentKind
from munshi.domain.market.ticks import Tick, TickMode
from munshi.infrastructure.brokers.breeze.access import BreezeAccess
from munshi.infrastructure.brokers.breeze.client import BreezeClient
from munshi.infrastructure.brokers.breeze.endpoints import BreezeEndpoints
from munshi.infrastructure.brokers.breeze.stream import BreezeRooms, open_breeze_stream
from munshi.infrastructure.brokers.frames import TickFrame
from munshi.infrastructure.brokers.simulator.seed import BREEZE_USER
from sdk_environments import run_script
from simulators import Simulator

SHARE = "4.1!2885"


def our_ticks(simulator: Simulator, access: BreezeAccess, rooms: dict[int, str]) -> dict[int, Tick]:
    found: dict[int, Tick] = {}
    with open_breeze_stream(
        access,
        endpoints=BreezeEndpoints.at(simulator.url),
        rooms=BreezeRooms(rooms),
        gate=OpenGate(),
        guard=no_transaction_open,
    ) as stream:
        stream.subscribe(dict.fromkeys(rooms, TickMode.FULL))
        while found.keys() != rooms.keys():
            frame = stream.next(patience=10)
            assert isinstance(frame, TickFrame)
            found |= {tick.token: tick for tick in frame.ticks}
    return found


def test_the_breeze_sdk_reads_our_sockets_and_joins_again_unchanged(
    simulator: Simulator, tmp_path: Path, breeze_client: BreezeClient, breeze_access: BreezeAccess
) -> None:
    future = next(
        scrip.token
        for scrip in breeze_client.security_master().scrips("NFO")
        if scrip.kind is InstrumentKind.FUTURE
    )
    ours = our_ticks(simulator, breeze_access, {1: SHARE, 2: f"4.1!{future}"})

    told = run_script(
        "breeze",
        [
            simulator.url,
            BREEZE_USER.app_key,
            BREEZE_USER.app_secret,
            simulator.breeze_api_session(),
            future,
        ],
        folder=tmp_path,
        script="breeze_stream",
    )

    for ticks in (told["ticks"][: told["before"]], told["ticks"][told["before"] :]):
        seen = {tick.get("symbol", "bar"): tick for tick in ticks}
        share, contract, depth = seen[SHARE], seen[f"4.1!{future}"], seen["4.2!2885"]
        assert Decimal(str(share["last"])) == ours[1].last_price
        assert (share["ttq"], share["stock_name"]) == (ours[1].volume, "RELIANCE INDUSTRIES")
        assert Decimal(str(share["close"])) == ours[1].close
        assert (contract["OI"], contract["ttq"]) == (ours[2].oi, ours[2].volume)
        assert Decimal(str(contract["bPrice"])) == ours[2].bids[0].price
        assert len(depth["depth"]) == 5
        assert (seen["bar"]["stock_code"], seen["bar"]["interval"]) == ("RELIND", "1minute")
        assert float(seen["bar"]["low"]) <= float(seen["bar"]["close"])
