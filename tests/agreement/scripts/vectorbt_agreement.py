"""What vectorbt makes of the signals in a file: the equity at each close, and its orders."""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import vectorbt as vbt

told = []
for scene in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
    # What was wanted after a bar is filled at the open of the next one.
    held = np.array([0, *scene["positions"][:-1]], dtype=float)
    portfolio = vbt.Portfolio.from_orders(
        pd.Series(np.array(scene["close"]) / 100),
        size=held,
        size_type="targetamount",
        price=np.array(scene["open"]) / 100,
        init_cash=scene["capital"] / 100,
        fees=0.0,
        slippage=0.0,
    )
    orders = portfolio.orders.records_arr
    signs = np.where(orders["side"] == 0, 1.0, -1.0)
    told.append(
        {
            "version": vbt.__version__,
            "equity": (portfolio.value().to_numpy() * 100).tolist(),
            "orders": list(
                zip(
                    orders["idx"].tolist(),
                    (orders["size"] * signs).tolist(),
                    (orders["price"] * 100).tolist(),
                    strict=True,
                )
            ),
        }
    )
print(json.dumps(told))  # noqa: T201 - this is how it answers
