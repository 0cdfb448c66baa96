"""Log events come out as one JSON line each, and libraries stay quiet."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from munshi.logging_setup import configure_logging


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers, root.level
    yield io.StringIO()
    root.handlers = before
    root.setLevel(level)
    structlog.reset_defaults()


def _lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_json_line_with_its_fields(stream: io.StringIO) -> None:
    configure_logging("INFO", stream=stream)

    structlog.get_logger().info("login stored", service="kite", note="दो\nlines")

    (line,) = _lines(stream)
    assert (line["event"], line["service"], line["level"]) == ("login stored", "kite", "info")
    assert line["note"] == "दो\nlines"
    assert str(line["timestamp"]).endswith("Z")


def test_events_below_the_level_are_dropped(stream: io.StringIO) -> None:
    configure_logging("WARNING", stream=stream)

    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")

    assert [line["event"] for line in _lines(stream)] == ["loud"]


@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
def test_libraries_speak_from_warning_on(stream: io.StringIO, level: str) -> None:
    configure_logging(level, stream=stream)

    logging.getLogger("httpx").info("HTTP Request: GET /x?apisession=swordfish")
    logging.getLogger("httpx").warning("trouble")

    (line,) = _lines(stream)
    assert (line["event"], line["logger"]) == ("trouble", "httpx")


def _fail(password: str) -> None:
    raise ValueError(len(password))


def test_a_failure_keeps_its_traceback_but_no_local_variable(stream: io.StringIO) -> None:
    configure_logging("INFO", stream=stream)
    password = str(123_454_321)

    try:
        _fail(password)
    except ValueError:
        structlog.get_logger().exception("failed")

    (line,) = _lines(stream)
    assert "ValueError: 9" in str(line["exception"])
    assert password not in stream.getvalue()


@pytest.mark.usefixtures("stream")
def test_a_log_that_cannot_be_written_ends_nobody() -> None:
    class FullDisk(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(28, "No space left on device")

    configure_logging("INFO", stream=FullDisk())

    structlog.get_logger().error("lost")
    logging.getLogger("library").error("lost too")

    assert structlog.is_configured()
