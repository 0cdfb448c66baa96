"""The few HTML pages people see. Nothing on them comes from another host."""

from collections.abc import Mapping
from html import escape

from starlette.responses import HTMLResponse

WRONG_CODE_MEANS = "The one-time code is wrong or too old; take the one shown now."
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:0;color:#1f2430}"
    "main{max-width:30rem;margin:2rem auto;padding:0 1rem}h1{line-height:1.2}"
    ".simulated{margin:0;padding:.4rem 1rem;text-align:center;background:#fff3c4;color:#5c4400}"
    "label{display:block;margin:.8rem 0}"
    "code{background:#f1f2f5;padding:.1rem .3rem;white-space:nowrap}"
    "input{font:inherit;box-sizing:border-box;padding:.4rem .5rem;border:1px solid #8a90a0;"
    "border-radius:.25rem}input:not([type=checkbox]){display:block;width:100%}"
    "button{font:inherit;font-weight:600;padding:.5rem 1.4rem;border:0;border-radius:.25rem;"
    "background:#1f4fa3;color:#fff}a{color:#1f4fa3}"
    ".wrong{padding:.5rem .8rem;background:#fde8e8;color:#8a1010}"
)


def page(title: str, body: str, *, status: int = 200) -> HTMLResponse:
    """Wrap `body`, which must already be escaped HTML."""
    return HTMLResponse(
        "<!DOCTYPE html><html lang=en><head><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width, initial-scale=1'>"
        "<link rel=icon href='data:,'>"  # or browsers ask for one
        f"<title>{escape(title)} (SIMULATED)</title><style>{STYLE}</style></head><body>"
        "<p class=simulated><strong>SIMULATED</strong>: this is Munshi's stand-in for the broker. "
        "Never type a real password here.</p>"
        f"<main><h1>{escape(title)}</h1>{body}</main></body></html>",
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
    return f'<p class="wrong" role="alert">{escape(text)}</p>' if text else ""
