"""`munshi instruments`: loaded from the simulated brokers, then looked at."""

import json

from command_line import Munshi


def test_lists_are_loaded_and_looked_up_as_of_a_day(munshi: Munshi) -> None:
    loaded = munshi("instruments", "load", "breeze", "--json")
    shown = munshi("instruments", "show", "NSE:RELIANCE")
    history = json.loads(munshi("instruments", "history", "NSE:RELIANCE", "--json").stdout)

    assert loaded.exit_code == 0, loaded.output
    assert json.loads(loaded.stdout)["loaded"]["breeze"]["NSE"]["listed"] == 5
    assert "RELIND" in shown.stdout
    [listing] = history["listings"]
    assert (listing["change"], listing["last_day"]) == ("listed", None)
    day = listing["first_day"]
    by_token = munshi(
        *("instruments", "show", listing["breeze_token"], "--broker", "breeze"),
        *("--exchange", "nse", "--on", day, "--json"),
    )
    assert json.loads(by_token.stdout)["instrument"]["tradingsymbol"] == "RELIANCE"


def test_what_has_no_counterpart_is_listed_with_the_reason(munshi: Munshi) -> None:
    munshi("instruments", "load", "breeze")

    table = munshi("instruments", "unmapped", "--exchange", "nse", "--limit", "2")
    page = json.loads(munshi("instruments", "unmapped", "--exchange", "nse", "--json").stdout)

    assert "list_missing: The other broker's list was not loaded yet." in table.stdout
    assert "There are more: --cursor 'NSE:" in table.stdout
    assert {one["unmapped"] for one in page["unmapped"]} == {"list_missing"}
    assert len(munshi("instruments", "list", "--exchange", "nse").stdout.splitlines()) > 5


def test_what_was_not_listed_on_a_day_is_one_clear_error(munshi: Munshi) -> None:
    munshi("instruments", "load", "breeze")

    unknown = munshi("instruments", "show", "NSE:RELIANCE", "--on", "2020-01-01")
    reason = munshi("instruments", "unmapped", "--why", "bored")
    day = munshi("instruments", "show", "NSE:RELIANCE", "--on", "soon")

    assert [each.exit_code for each in (unknown, reason, day)] == [1, 1, 1]
    assert "Nobody listed NSE:RELIANCE on 2020-01-01." in unknown.output
    assert "Reasons: not_listed, ambiguous" in reason.output
    assert "'soon' is not a day" in day.output
