"""What a running simulator says of the prices it serves."""

from dataclasses import dataclass
from datetime import date

import httpx

from munshi.errors import BrokerUnavailableError
from munshi.infrastructure.brokers.simulator.synthetic_candles import SyntheticCandles

PROBE_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorFacts:
    """`label` names the prices wherever they are shown; the days bound what a folder holds."""

    label: str
    is_synthetic: bool
    first_day: date | None
    last_day: date | None


def ask_simulator(url: str) -> SimulatorFacts:
    """Raises BrokerUnavailableError if no simulator answers at `url`."""
    try:
        with httpx.Client(trust_env=False, timeout=PROBE_SECONDS) as client:
            candles = client.get(f"{url}/_simulator/state").json()["candles"]
            first, last = candles["first_day"], candles["last_day"]
            return SimulatorFacts(
                label=str(candles["label"]),
                is_synthetic=candles["label"] == SyntheticCandles.label,
                first_day=date.fromisoformat(first) if first else None,
                last_day=date.fromisoformat(last) if last else None,
            )
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError):
        raise BrokerUnavailableError(
            "The simulator does not answer.", hint="Start it: munshi serve, or munshi demo"
        ) from None
