"""The few HTML pages people see. Nothing on them comes from another host."""

from collections.abc import Mapping
from html import escape

from starlette.responses import HTMLResponse

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem}"
    "mark{padding:.1rem .4rem}label{display:block;margin:.6rem 0}input{font:inherit;width:100%}"
    "button{font:inherit;padding:.4rem 1.2rem}dt{font-weight:600}.wrong{color:#a00}"
)


def page(title: str, body: str, *, status: int = 200) -> HTMLResponse:
    """Wrap `body`, which must already be escaped HTML."""
    return HTMLResponse(
        "<!DOCTYPE html><html lang=en><head><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width'>"
        f"<title>{escape(title)} (SIMULATED)</title><style>{STYLE}</style></head><body>"
        "<p><mark>SIMULATED</mark> This is Munshi's stand-in for the broker. "
        "Never type a real password here.</p>"
        f"<h1>{escape(title)}</h1>{body}</body></html>",
        status_code=status,
        headers={"Cache-Control": "no-store"},
    )


def hidden(fields: Mapping[str, str]) -> str:
    return "".join(
        f'<input type="hidden" id="{escape(name)}" name="{escape(name)}" value="{escape(value)}">'
        for name, value in fields.items()
    )


def form(action: str, inner: str, *, button: str) -> str:
    return (
        f'<form method="post" action="{escape(action)}">{inner}'
        f"<button>{escape(button)}</button></form>"
    )


def self_posting_form(action: str, fields: Mapping[str, str]) -> str:
    """Posts itself where scripts run, and by its button where they do not."""
    posted = form(action, hidden(fields), button="Continue")
    return f"{posted}<script>document.forms[0].submit()</script>"


def field(label: str, name: str, value: str = "", *, kind: str = "text") -> str:
    return (
        f"<label>{escape(label)}"
        f'<input type="{kind}" name="{escape(name)}" value="{escape(value)}" autocomplete="off">'
        "</label>"
    )


def credentials(user_id: str, password: str, code: str) -> str:
    """The seeded user's secrets, shown because they open nothing real."""
    return (
        f"<p>The simulated user is <code>{escape(user_id)}</code>, "
        f"password <code>{escape(password)}</code>, "
        f"one-time code now <code>{escape(code)}</code>; the form is filled in.</p>"
    )


def complaint(text: str) -> str:
    return f'<p class="wrong">{escape(text)}</p>' if text else ""
