"""`python -m munshi.infrastructure.brokers.simulator`: the simulator as a process of its own."""

import argparse
import sys
from pathlib import Path

from munshi.errors import AppError
from munshi.infrastructure.brokers.simulator.parts import RedirectMode
from munshi.infrastructure.brokers.simulator.rate_limits import DOCUMENTED_LIMITS, UNLIMITED
from munshi.infrastructure.brokers.simulator.seed import BREEZE_REDIRECT_URL, KITE_REDIRECT_URL
from munshi.infrastructure.brokers.simulator.serving import ServeOptions, serve
from munshi.infrastructure.brokers.simulator.state import ARRIVALS_KEPT
from munshi.infrastructure.platform import unwind_on_termination


def main() -> int:
    """Serve until stopped. An error that can be explained is one line on stderr."""
    parser = argparse.ArgumentParser(prog="munshi simulator", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--data", type=Path, help="folder of real candles to replay")
    parser.add_argument("--kite-redirect-url", default=KITE_REDIRECT_URL)
    parser.add_argument("--breeze-redirect-url", default=BREEZE_REDIRECT_URL)
    parser.add_argument("--breeze-redirect-mode", type=RedirectMode, default=RedirectMode.GET)
    parser.add_argument("--arrivals-kept", type=int, default=ARRIVALS_KEPT)
    parser.add_argument("--no-limits", action="store_true", help="count no calls")
    parser.add_argument(
        "--stop-with-parent", action="store_true", help="stop when standard input ends"
    )
    asked = parser.parse_args()
    options = ServeOptions(
        home=asked.home,
        host=asked.host,
        port=asked.port,
        data=asked.data,
        kite_redirect_url=asked.kite_redirect_url,
        breeze_redirect_url=asked.breeze_redirect_url,
        breeze_redirect_mode=asked.breeze_redirect_mode,
        arrivals_kept=asked.arrivals_kept,
        limits=UNLIMITED if asked.no_limits else DOCUMENTED_LIMITS,
        stop_with_parent=asked.stop_with_parent,
    )
    unwind_on_termination()
    try:
        serve(options)
    except AppError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
