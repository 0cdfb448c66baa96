"""Delivery over the wire: nothing is lost, and nothing is told twice beyond the rule.

Every sending here is Apprise's, in a process of its own, to a server on loopback.
"""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.receivers import Hook, Mailbox
from alerts.telling import Telling
from munshi.domain.alert_delivery import MessageState
from munshi.domain.alerts import Severity
from munshi.infrastructure.notifying.sender import without_secrets

SCRIPT = "<script>alert(document.cookie)</script>\r\nBcc: all@example.test"
# What another process does; it is killed while the webhook has heard it and not answered.
SENDER = """
import sys
from datetime import datetime
from clocks import FakeClock
from databases import open_database
from munshi.alerts.courier import Courier
clock = FakeClock(datetime.fromisoformat(sys.argv[2]))
Courier(open_database(sys.argv[1]), clock).deliver()
"""


def test_a_message_arrives_once_however_many_would_send_it(telling: Telling, hook: Hook) -> None:
    telling.add_channel(hook.url)
    telling.fire(severity=Severity.CRITICAL)
    tried = telling.tell(10)
    again = Telling(database=telling.database, clock=telling.clock).tell(60)

    assert (tried, again) == (1, 0)
    assert hook.titles == ["[CRITICAL] Kite ended the login."]
    [one] = telling.messages
    assert (one.message.state, telling.outcomes) == (MessageState.SENT, [["sent"]])
    assert one.deliveries[0].answer == "It was taken."


def test_a_channel_that_fails_is_tried_again_later_and_each_try_is_on_record(
    quick_telling: Telling, hook: Hook
) -> None:
    telling = quick_telling
    telling.add_channel(hook.url)
    hook.manners = ["fail", "ok"]
    telling.fire()
    tried = [telling.tell(10), telling.tell(14), telling.tell(1)]

    assert tried == [1, 0, 1]
    assert telling.outcomes == [["refused", "sent"]]
    first = telling.messages[0].deliveries[0]
    assert "500" in (first.answer or "")
    assert "hush" not in (first.answer or "")


def test_what_is_in_doubt_is_told_again_if_it_warns_and_left_if_it_informs(
    quick_telling: Telling, hook: Hook
) -> None:
    """A webhook that hears and answers too late: it hears a warning twice, the rest once."""
    telling = quick_telling
    telling.configure("delivery.timeout_seconds", 1)
    telling.configure("delivery.quiet_hours", {})
    telling.add_channel(hook.url)
    hook.manners, hook.seconds = ["slow", "slow", "ok"], 3.0
    telling.fire("one", kind="a", title="Warns.")
    telling.tell(10)
    telling.fire("two", kind="b", title="Informs.", severity=Severity.INFO)
    telling.tell(10)
    telling.tell(15)

    assert hook.titles == ["[WARNING] Warns.", "[INFO] Informs.", "[WARNING] Warns."]
    assert telling.outcomes == [["unanswered", "sent"], ["unanswered"]]
    assert [each.message.state for each in telling.messages] == ["sent", "unsure"]


@pytest.mark.parametrize("severity", [Severity.WARNING, Severity.INFO])
def test_a_sender_killed_between_sending_and_recording_loses_nothing(
    quick_telling: Telling, hook: Hook, severity: Severity
) -> None:
    telling = quick_telling
    telling.configure("delivery.quiet_hours", {})
    telling.add_channel(hook.url)
    hook.manners = ["hang", "ok"]
    telling.fire(severity=severity)
    telling.plan(10)
    _send_and_be_killed(telling, hook)
    at_once = telling.courier.deliver()
    [begun] = telling.outcomes
    telling.clock.advance(timedelta(minutes=2))
    while telling.courier.deliver():
        pass

    assert (at_once, begun) == (0, ["begun"])
    is_repeated = severity is Severity.WARNING
    assert len(hook.heard) == (2 if is_repeated else 1)
    assert telling.outcomes == [["begun", "sent"] if is_repeated else ["begun"]]
    [one] = telling.messages
    assert one.message.state is (MessageState.SENT if is_repeated else MessageState.UNSURE)


def _send_and_be_killed(telling: Telling, hook: Hook) -> None:
    url = telling.database.url.render_as_string(hide_password=False)
    tests = str(Path(__file__).parents[1])
    sender = subprocess.Popen(
        [sys.executable, "-c", SENDER, url, telling.clock.now().isoformat()],
        env=os.environ | {"PYTHONPATH": tests},
        start_new_session=True,
    )
    try:
        until = time.monotonic() + 60
        while not hook.heard and time.monotonic() < until and sender.poll() is None:
            time.sleep(0.02)
    finally:
        os.killpg(sender.pid, signal.SIGKILL)
        sender.wait()
    assert len(hook.heard) == 1


def test_a_channel_gets_no_more_than_its_rate_and_the_gravest_first(
    quick_telling: Telling, hook: Hook
) -> None:
    telling = quick_telling
    telling.configure("delivery.most_per_minute", 1)
    telling.add_channel(hook.url)
    telling.fire("one", kind="a", title="First.")
    telling.fire("two", kind="b", title="Graver.", severity=Severity.CRITICAL)
    tried = [telling.tell(10), telling.tell(59), telling.tell(1)]

    assert tried == [1, 0, 1]
    assert hook.titles == ["[CRITICAL] Graver.", "[WARNING] First."]


def test_a_channel_that_takes_nothing_is_given_up_and_told_of_elsewhere(
    quick_telling: Telling,
) -> None:
    telling = quick_telling
    telling.configure("delivery.most_tries", 1)
    telling.add_channel("json://desk:hush-hush@127.0.0.1:9/", "phone")
    telling.fire()
    telling.tell(10)

    [one] = telling.messages
    assert one.message.state is MessageState.GIVEN_UP
    failing = [each for each in telling.open() if each.kind == "channel_failing"]
    assert [each.fingerprint for each in failing] == ["channel_failing:phone"]
    assert "munshi alerts test phone" in failing[0].title
    assert "hush" not in failing[0].title


def test_letters_hold_scripts_as_text_and_get_no_headers_from_them(
    quick_telling: Telling, mailbox: Mailbox
) -> None:
    telling = quick_telling
    telling.add_channel(mailbox.url, "mail")
    telling.fire(title=SCRIPT)
    telling.tell(10)

    [letter] = mailbox.letters
    assert letter["bcc"] is None
    assert letter["to"] == "asha@example.test"
    assert letter.get_content_type() == "text/plain"
    body = letter.get_payload(decode=True)
    assert isinstance(body, bytes)
    assert "<script>alert(document.cookie)</script> Bcc: all@example.test" in body.decode()


def test_no_part_of_an_address_is_repeated() -> None:
    said = without_secrets(
        "POST https://host.example/bot123456:tok%2Fen failed for asha with tok/en",
        "tgram://asha:tok%2Fen@host.example/bot123456/",
    )
    assert said == "POST https://***/***:*** failed for *** with ***"
