"""The description of the API at /docs, from files that come with the package."""

import json
from html import escape

from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import Response

from munshi.api.files import PackagedFiles
from munshi.api.pages import page
from munshi.api.roles import Role, allows
from munshi.settings import BrokerMode

_SWAGGER = PackagedFiles(
    folder="swagger-ui",
    media_types={
        "swagger-ui.css": "text/css",
        "swagger-ui-bundle.js": "text/javascript",
        "munshi-docs.js": "text/javascript",
        "favicon-32x32.png": "image/png",
        "LICENSE": "text/plain",
        "NOTICE": "text/plain",
        "swagger-ui-bundle.js.LICENSE.txt": "text/plain",
    },
)
_NOTE = (
    "Calls are made from a terminal on the machine Munshi runs on: "
    "<code>curl {url}/auth/db/status</code>. From elsewhere a program sends "
    'an API key, which a user makes at <a href="/ui/keys">API keys</a>. They cannot be tried out '
    "from this page."
)


class DocsRoutes:
    """Open to everybody: it describes the API and holds no data."""

    def __init__(self, app: FastAPI, *, mode: BrokerMode, url: str) -> None:
        self._app = app
        self._mode = mode
        self._note = _NOTE.format(url=escape(url))

    def add_to(self, router: APIRouter) -> None:
        router.add_api_route("/openapi.json", self.openapi, include_in_schema=False)
        router.add_api_route("/docs", self.docs, include_in_schema=False)
        router.add_api_route("/docs/static/{name}", self.file, include_in_schema=False)

    @allows(Role.PUBLIC)
    def openapi(self) -> Response:
        return Response(json.dumps(self._app.openapi()), media_type="application/json")

    @allows(Role.PUBLIC)
    async def docs(self) -> Response:
        return page(
            "API",
            f'<p class="note">{self._note}</p><div id="swagger-ui"></div>',
            mode=self._mode,
            stylesheets=["/docs/static/swagger-ui.css"],
            scripts=["/docs/static/swagger-ui-bundle.js", "/docs/static/munshi-docs.js"],
        )

    @allows(Role.PUBLIC)
    async def file(self, name: str, request: Request) -> Response:
        return _SWAGGER.answer(name, request)
