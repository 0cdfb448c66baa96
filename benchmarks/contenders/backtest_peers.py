"""A moving-average cross by vectorbt or backtesting.py, in an environment without ours."""

import json
import sys
import time

import numpy as np
import pandas as pd

who, path, fast, slow = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
prices = np.load(path) / 100
index = pd.date_range("2024-01-01", periods=len(prices), freq="5min")
told = {}
if who == "vectorbt":
    import vectorbt as peer

    def run() -> int:
        close = pd.Series(prices[:, 3], index=index)
        lead = peer.MA.run(close, fast).ma.to_numpy() - peer.MA.run(close, slow).ma.to_numpy()
        wanted = pd.Series(np.where(lead > 0, 1.0, np.where(lead < 0, -1.0, np.nan))).ffill()
        held = wanted.shift(1).fillna(0.0).to_numpy()
        portfolio = peer.Portfolio.from_orders(
            close, size=held, size_type="targetamount", price=prices[:, 0], init_cash=1e9,
            fees=0.0002, slippage=0.0001,
        )  # fmt: skip
        portfolio.value()
        return int(portfolio.trades.count())

else:
    import backtesting as peer

    class Cross(peer.Strategy):
        def init(self) -> None:
            mean = lambda values, count: pd.Series(values).rolling(count).mean()  # noqa: E731
            self.fast = self.I(mean, self.data.Close, fast)
            self.slow = self.I(mean, self.data.Close, slow)

        def next(self) -> None:
            if self.fast[-1] > self.slow[-1] and not self.position.is_long:
                self.buy(size=1)
            elif self.fast[-1] < self.slow[-1] and not self.position.is_short:
                self.sell(size=1)

    def run() -> int:
        frame = pd.DataFrame(prices, columns=["Open", "High", "Low", "Close"], index=index)
        test = peer.Backtest(
            frame, Cross, cash=1e9, commission=0.0002, exclusive_orders=True, finalize_trades=True
        )
        return int(test.run()["# Trades"])


times = []
for _ in range(1 if who == "backtesting" else 6):
    began = time.process_time()
    told["trades"] = run()
    times.append(time.process_time() - began)
print(json.dumps({**told, "version": peer.__version__, "cold": times[0], "warm": min(times)}))
