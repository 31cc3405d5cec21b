"""Who may talk to the app: only its own page. Another site open in the same browser may not."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOSTS = ("127.0.0.1", "localhost")
"""Names that requests may come under. A foreign name that points here (DNS rebinding) is refused by Starlette's
TrustedHostMiddleware, which is given this list."""
APP_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
VIEWER_POLICY = "sandbox allow-scripts allow-downloads; frame-ancestors 'self'"
"""On top of the policy inside the viewer's page: it runs as an origin of its own, and can ask the app for nothing."""
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self)",
    "Cache-Control": "no-store",
}


class SameOrigin:
    """ASGI middleware: refuses what a page of another origin asks for; adds HEADERS and a policy to every answer."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("Content-Security-Policy", APP_POLICY)
            await send(message)

        allowed = _is_own(scope["method"], scope["path"], Headers(scope=scope))
        app = self.app if allowed else JSONResponse({"error": "only the app's own page may ask for this"}, 403)
        await app(scope, receive, send_guarded)


def _is_own(method: str, path: str, headers: Headers) -> bool:
    """Browsers say where a request comes from, in Origin or in Sec-Fetch-Site; programs of the user's say nothing.

    Only the start page may be reached by a link from elsewhere.
    """
    origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
    if origin is not None and origin != f"http://{headers.get('host')}":
        return False
    followed = method == "GET" and path == "/" and headers.get("sec-fetch-mode") == "navigate"
    return site in ("same-origin", "none") or followed
