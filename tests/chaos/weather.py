"""Every fault of the simulated brokers, in random order, for whatever is about to be asked."""

from collections.abc import Iterable
from random import Random

from munshi.domain.enums import Service
from munshi.infrastructure.brokers.simulator.faults import OF_STREAMS, FaultKind
from simulators import Simulator

OF_CALLS = tuple(kind for kind in FaultKind if kind not in OF_STREAMS)
# How long the desk waits for an answer: what hangs for less is answered after all.
PATIENCE_SECONDS = 1.0
SHORT_HANG, LONG_HANG = 0.02, PATIENCE_SECONDS + 0.4
LONG_HANGS = 0.1
# A broker that says its day is used up is not asked before midnight, so that is said seldom.
ONCE_IN = 12
_ENDS_THE_DAY = frozenset(
    (Service.BREEZE, name) for name in ("customerdetails", "quotes", "historical")
)
# Asked with a patience of its own, of 15 seconds.
_PATIENT = frozenset({"login", "ticker"})


class Weather:
    """Draws from a shuffled deck for each class of calls, so that none is left out for long.

    `share` is how often a call that comes up finds faults switched on for it; there may be
    several in a row.
    """

    def __init__(self, simulator: Simulator, chance: Random, *, share: float) -> None:
        self._simulator = simulator
        self._chance = chance
        self._share = share
        self._decks: dict[tuple[Service, str], list[FaultKind]] = {}
        self._streams: list[FaultKind] = []
        self.is_fair = False

    def gather(self, service: Service, *endpoint_classes: str) -> None:
        """Maybe some faults for the next calls of these classes."""
        if self.is_fair:
            return
        waiting = {
            (each.service, each.endpoint_class)
            for each in self._simulator.parts.faults.list_faults()
        }
        for name in endpoint_classes:
            if (service.value, name) in waiting or self._chance.random() > self._share:
                continue
            for _ in range(self._chance.choice((1, 1, 1, 2, 3))):
                self._switch_on(service, name)

    def of_stream(self) -> FaultKind:
        """The next of those that befall an open stream."""
        if not self._streams:
            self._streams = self._shuffled(sorted(OF_STREAMS))
        return self._streams.pop()

    def clear_up(self) -> None:
        """Mend everything, and let nothing go wrong any more."""
        self.is_fair = True
        self._simulator.mend()

    def _switch_on(self, service: Service, name: str) -> None:
        deck = self._decks.setdefault((service, name), [])
        if not deck:
            deck += self._fresh_deck(service, name)
        is_long = name not in _PATIENT and self._chance.random() < LONG_HANGS
        self._simulator.fault(
            deck.pop(),
            service=service,
            endpoint_class=name,
            count=1,
            seconds=LONG_HANG if is_long else SHORT_HANG,
        )

    def _fresh_deck(self, service: Service, name: str) -> list[FaultKind]:
        if (service, name) not in _ENDS_THE_DAY:
            return self._shuffled(OF_CALLS)
        often = [kind for kind in OF_CALLS if kind is not FaultKind.DAILY_LIMIT]
        return self._shuffled([*(often * ONCE_IN), FaultKind.DAILY_LIMIT])

    def _shuffled(self, kinds: Iterable[FaultKind]) -> list[FaultKind]:
        deck = list(kinds)
        self._chance.shuffle(deck)
        return deck
