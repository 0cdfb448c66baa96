"""The weekly signals over HTTP."""

from apis import slug
from asgi import Caller


def test_what_cannot_be_evaluated_is_said_so(api: Caller) -> None:
    for query, wanted in (
        ("from=2024-06-10&to=2024-06-14", (404, "instrument-unknown")),
        ("from=2024-06-10&to=2024-06-01", (422, "date-range-invalid")),
    ):
        answer = api.get(f"/signals?instrument=NIFTY&{query}")
        assert (answer.status, slug(answer)) == wanted
    assert api.get("/signals?instrument=NIFTY&from=2024-06-10").status == 422
