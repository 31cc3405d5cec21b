"""The app: its page, and what the page asks for. One prediction at a time; all files in a folder of the app's own."""

import json
import sys
import tempfile
import time
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from wildpose.errors import InputError
from wildpose.page.writer import live_page
from wildpose.predict.estimator import PoseEstimator
from wildpose.predict.file_kinds import HEAD_BYTES, kind_of
from wildpose.serve.guard import HOSTS, VIEWER_POLICY, SameOrigin
from wildpose.serve.uploads import Limits, display_name
from wildpose.serve.work import Results, Webcam, predict_upload

BUSY = "another prediction is running; wait until it ends, or stop it"


class App:
    """What the requests share. Handlers run in one event loop; the work that they wait for, in threads."""

    def __init__(self, estimator: PoseEstimator, limits: Limits):
        self.estimator, self.limits = estimator, limits
        self.busy = False
        """Whether an upload or a picture of the webcam is being worked on."""
        self.webcam: Webcam | None = None
        self.folder = Path()
        self.results = Results(self.folder)

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Around the app's life: its folder, removed with everything in it."""
        with tempfile.TemporaryDirectory(prefix="wildpose-serve-") as folder:
            self.folder = Path(folder)
            self.results = Results(self.folder)
            yield

    def people(self, request: Request) -> int:
        asked = request.query_params.get("people", "1")
        if not (asked.isascii() and asked.isdigit() and 1 <= int(asked) <= self.limits.people):
            raise HTTPException(400, f"expected people from 1 to {self.limits.people}, got {asked[:20]!r}")
        return int(asked)

    def take(self) -> None:
        """Take the one place at work. Raises 409."""
        if self.webcam and not self.busy and time.monotonic() - self.webcam.last > self.limits.silence_s:
            self.webcam = None
        if self.busy or self.webcam:
            raise HTTPException(409, BUSY)
        self.busy = True

    def release(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self.busy = False

    async def start(self, _: Request) -> Response:
        page = _static("app.html").replace("@UPLOAD_BYTES@", str(self.limits.upload_bytes))
        return HTMLResponse(page.replace("@VIDEO_S@", f"{self.limits.video_s:g}"))

    async def predict(self, request: Request) -> Response:
        """POST of a file's bytes: a stream of JSON lines with the progress, the last with the result or the error."""
        max_people, name = self.people(request), display_name(request.query_params.get("name", ""))
        self.take()
        path = self.folder / "upload"
        try:
            kind = kind_of(await self._receive(request, path), name)
        except OSError as error:
            self.release(path)
            raise HTTPException(507, f"no room for {name} on this machine: {error.strerror or error}") from error
        except BaseException:
            self.release(path)
            raise
        steps = predict_upload(self.estimator, self.results, path, name, kind, max_people, self.limits)
        return Work(steps, partial(self.release, path))

    async def _receive(self, request: Request, path: Path) -> bytes:
        """The body into a file, and its first bytes back."""
        head, size = b"", 0
        with path.open("wb") as file:
            async for chunk in request.stream():
                size += len(chunk)
                if size > self.limits.upload_bytes:
                    raise HTTPException(
                        413, f"expected at most {self.limits.upload_bytes / 1e6:g} MB; cut the file first"
                    )
                head = (head + chunk)[:HEAD_BYTES] if len(head) < HEAD_BYTES else head
                await run_sync(file.write, chunk)
        return head

    async def begin_webcam(self, request: Request) -> Response:
        max_people = self.people(request)
        self.take()
        self.busy, self.webcam = False, Webcam(self.estimator, max_people, self.limits)
        return JSONResponse({})

    async def see_webcam(self, request: Request) -> Response:
        """POST of a JPEG: the frame in format wildpose/1, and whether it was the last that will be taken."""
        webcam, picture = self._webcam(), b""
        async for chunk in request.stream():
            picture += chunk
            if len(picture) > self.limits.picture_bytes:
                raise HTTPException(413, f"expected pictures of at most {self.limits.picture_bytes / 1e6:g} MB")
        frame = await self._alone(partial(webcam.step, picture))
        return JSONResponse({"frame": frame, "full": webcam.full})

    async def end_webcam(self, _: Request) -> Response:
        webcam = self._webcam()
        key = await self._alone(partial(webcam.finish, self.results))
        self.webcam = None
        return JSONResponse({"result": key})

    def _webcam(self) -> Webcam:
        if self.webcam is None:
            raise HTTPException(404, "the webcam was stopped; start it again")
        if self.busy:
            raise HTTPException(409, BUSY)
        return self.webcam

    async def _alone(self, step: Callable[[], Any]) -> Any:
        self.busy = True
        try:
            return await run_sync(step)
        except InputError:
            self.webcam = None
            raise
        finally:
            self.busy = False

    async def live(self, _: Request) -> Response:
        return HTMLResponse(live_page(Webcam.NAME), headers={"Content-Security-Policy": VIEWER_POLICY})

    async def result(self, request: Request) -> Response:
        path = self.results.pages.get(request.path_params["key"])
        if path is None:
            raise HTTPException(404, "this result is gone; the app keeps the latest three")
        return FileResponse(path, media_type="text/html", headers={"Content-Security-Policy": VIEWER_POLICY})


class Work(StreamingResponse):
    """Runs the steps of a prediction in a thread, one after the other, and sends what they say, a JSON line each.

    If the browser goes away, the steps end at the next thing they say.
    """

    def __init__(self, steps: Iterator[dict[str, Any]], done: Callable[[], None]):
        super().__init__(self._lines(), media_type="application/x-ndjson")
        self.steps, self.done, self.ended = steps, done, False

    async def __call__(self, scope, receive, send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._end()

    def _end(self) -> None:
        if not self.ended:
            self.ended = True
            self.steps.close()
            self.done()

    async def _lines(self) -> AsyncIterator[str]:
        last = False
        while not last:
            try:
                said = await run_sync(next, self.steps)
            except InputError as error:
                said = {"error": str(error)}
            except Exception:  # ours, not the user's: they learn that it failed, the terminal learns why
                traceback.print_exc(file=sys.stderr)
                said = {"error": "this went wrong; the terminal that runs wildpose says why"}
            last = "result" in said or "error" in said
            if last:
                self._end()  # before it is said: whoever hears it may ask for the next
            yield json.dumps(said) + "\n"


def make_app(estimator: PoseEstimator, limits: Limits | None = None) -> Starlette:
    """The app, to be run by any ASGI server that listens on this machine only."""
    app = App(estimator, limits or Limits())
    script = _static("app.js")
    style = (files("wildpose") / "page" / "style.css").read_text(encoding="utf-8") + _static("app.css")
    return Starlette(
        routes=[
            Route("/", app.start),
            Route("/app.js", lambda _: Response(script, media_type="text/javascript")),
            Route("/app.css", lambda _: Response(style, media_type="text/css")),
            Route("/predict", app.predict, methods=["POST"]),
            Route("/webcam", app.begin_webcam, methods=["POST"]),
            Route("/webcam/picture", app.see_webcam, methods=["POST"]),
            Route("/webcam/end", app.end_webcam, methods=["POST"]),
            Route("/live", app.live),
            Route("/results/{key}", app.result),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS, www_redirect=False), Middleware(SameOrigin)],
        exception_handlers={HTTPException: _refuse, InputError: _bad_input, ClientDisconnect: _gone},
        lifespan=app.lifespan,
    )


def _static(name: str) -> str:
    return (files("wildpose") / "serve" / "static" / name).read_text(encoding="utf-8")


async def _refuse(_: Request, error: HTTPException) -> Response:
    return JSONResponse({"error": error.detail}, error.status_code)


async def _bad_input(_: Request, error: InputError) -> Response:
    return JSONResponse({"error": str(error)}, 400)


async def _gone(_: Request, __: ClientDisconnect) -> Response:
    return Response(status_code=400)  # nobody is there to read it
