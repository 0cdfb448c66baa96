"""How the trials of a sweep are run: by the plain kernel, or compiled where numba is installed."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, cast

from munshi.domain.backtest.engine import Request, Strategy
from munshi.domain.backtest.kernel import Kernel
from munshi.domain.backtest.metrics import daily_equity, daily_returns, metrics_of
from munshi.domain.backtest.options.engine import OptionsEngine
from munshi.domain.backtest.options.market import OptionRequest
from munshi.domain.backtest.options.trials import OptionTrials, TrialFigures
from munshi.domain.backtest.results import FillModel

COMPILED_FOLDER = "compiled"
_COMPILED = "munshi.backtest.compiled_kernel"


TrialRun = Callable[[Callable[[], Strategy]], TrialFigures]


class TrialRunner(Protocol):
    """Runs many strategies over the same bars; all runners come to the same figures."""

    @property
    def name(self) -> str: ...

    def prepare(self, request: Request) -> TrialRun:
        """A function that runs a new strategy each time. It raises what the kernel raises."""
        ...


class OptionRunner:
    """The options engine, which keeps what trials share."""

    name = OptionsEngine.name

    def prepare(self, request: Request) -> TrialRun:
        """Raises TypeError for a request without an option market."""
        if not isinstance(request, OptionRequest):
            raise TypeError("option trades need a request with an option market")
        trials = OptionTrials(request)
        return lambda make: trials.run(make())


class PlainTrials:
    """The kernel itself, which needs no library."""

    name = Kernel.name

    def prepare(self, request: Request) -> TrialRun:
        return lambda make: plain_trial(request, make())


def runner_for(request: Request, quickest: TrialRunner) -> TrialRunner:
    """`quickest`, unless it is options that are traded, or orders are filled by bid and ask."""
    if isinstance(request, OptionRequest):
        return OptionRunner()
    return PlainTrials() if request.fill_model is FillModel.BID_ASK else quickest


def plain_trial(request: Request, strategy: Strategy) -> TrialFigures:
    """Raises what the kernel raises."""
    result = Kernel().run(request, strategy, progress=lambda _: None)
    return TrialFigures(
        metrics=metrics_of(result),
        returns=tuple(daily_returns(request.sizing.capital, daily_equity(result.equity))),
        result_hash=result.digest().hex(),
        net=result.net,
    )


def quickest_trials(home: Path, *, complain: Callable[[str], None]) -> TrialRunner:
    """Compiled where that can be had; what was compiled is kept in a folder of `home`.

    Only a job's child process may ask: this imports numba. An installed numba that does not work
    is told by `complain`, and the plain kernel does the work.
    """
    if find_spec("numba") is None:
        return PlainTrials()
    try:
        made = import_module(_COMPILED).CompiledTrials(home / COMPILED_FOLDER)
    except (ImportError, OSError) as error:
        complain(f"The compiled kernel cannot be used, the plain one is: {error}")
        return PlainTrials()
    return cast("TrialRunner", made)
