"""Who is told of alerts: a webhook and a mail server on loopback that do as the test says."""

import json
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Hook:
    """A webhook. `manners` are used up one by one, the last one stays.

    ok; fail: 500; slow: says ok after `seconds`; hang: nothing before it is closed.
    """

    port: int = 0
    manners: list[str] = field(default_factory=lambda: ["ok"])
    heard: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 1.0
    is_closed: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """As Apprise has it, with a word in it that must never be told."""
        return f"json://desk:hush-hush@127.0.0.1:{self.port}/hidden-path"

    @property
    def titles(self) -> list[str]:
        return [each["title"] for each in self.heard]


@contextmanager
def listening_hook() -> Iterator[Hook]:
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            hook.heard.append(json.loads(body))
            manner = hook.manners.pop(0) if len(hook.manners) > 1 else hook.manners[0]
            if manner == "hang":
                hook.is_closed.wait()
                return
            if manner == "slow":
                time.sleep(hook.seconds)
            self.send_response(500 if manner == "fail" else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        hook.port = port
        try:
            yield hook
        finally:
            hook.is_closed.set()


@dataclass
class Mailbox:
    """A mail server that takes everything."""

    port: int = 0
    letters: list[Message] = field(default_factory=list)

    @property
    def url(self) -> str:
        return (
            f"mailto://127.0.0.1:{self.port}?smtp=127.0.0.1&from=desk@example.test"
            "&to=asha@example.test&mode=insecure"
        )


@contextmanager
def listening_mailbox() -> Iterator[Mailbox]:
    mailbox = Mailbox()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 loopback")
            while line := self.rfile.readline():
                word = line.split()[0].upper() if line.split() else b""
                if word == b"DATA":
                    self._say("354 go on")
                    mailbox.letters.append(message_from_bytes(self._letter()))
                    self._say("250 kept")
                elif word == b"QUIT":
                    self._say("221 bye")
                    return
                else:
                    self._say("250 well")

        def _letter(self) -> bytes:
            lines = []
            while (line := self.rfile.readline()) not in {b".\r\n", b""}:
                lines.append(line)
            return b"".join(lines)

        def _say(self, text: str) -> None:
            self.wfile.write(text.encode() + b"\r\n")

    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as port:
        mailbox.port = port
        yield mailbox


@contextmanager
def _serving(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
