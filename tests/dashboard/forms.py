"""Forms as a browser sends them from a page of ours."""

from urllib.parse import urlencode

from asgi import Answer
from crowd import Browser

HTML = {"accept": "text/html", "sec-fetch-site": "same-origin"}
FORM = {**HTML, "content-type": "application/x-www-form-urlencoded"}


def post(browser: Browser, target: str, **fields: object) -> Answer:
    return browser.post(target, body=urlencode(fields).encode(), headers=FORM)
