"""The thread behind the permits ends when it is told to, whatever it does at that moment."""

from threading import Event, Thread

from munshi.rate_limits.keeper import Keeper

SECONDS = 10.0


def test_a_keeper_that_is_stopped_on_its_way_to_sleep_does_not_sleep() -> None:
    stopping, asked = Event(), Event()

    def tend(*, is_time_to_count: bool) -> None:
        """Nothing to do, whether or not it is time to count."""
        assert is_time_to_count in {True, False}

    def is_idle() -> bool:
        if not asked.is_set():
            asked.set()
            stopping.wait(SECONDS)
        return True

    keeper = Keeper(tend=tend, is_idle=is_idle)
    keeper.wake()
    assert asked.wait(SECONDS)
    stop = Thread(target=keeper.stop, daemon=True)
    stop.start()
    while not keeper._stopped.is_set():  # noqa: SLF001
        pass
    stop.join(0.2)  # it waits for the keeper, all flags set
    stopping.set()

    stop.join(SECONDS)

    assert not stop.is_alive()
