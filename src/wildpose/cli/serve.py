"""`wildpose serve`: the viewer as a local app, for photos, videos and the webcam."""

import socket
import threading
import webbrowser
from contextlib import suppress

from wildpose.errors import InputError

LOOPBACK = "127.0.0.1"
"""The only address: there is no option for another, for the app asks nobody who they are."""


def serve(port: int = 8123, weights: str = "default", threads: int | None = None, open: bool = True) -> None:
    """Open a page on this machine that takes photos, videos and the webcam, until Ctrl-C.

    Nothing leaves the machine, and only this machine can reach the page; uploads and results are removed at the end.

    Args:
        port: Where on 127.0.0.1 to listen; 0: any free port.
        weights: An .onnx file, or a name that `wildpose weights` lists (default, large).
        threads: CPU threads for the network (default 2).
        open: Open the page in the browser.
    """
    try:
        import starlette  # noqa: F401
        import uvicorn
    except ModuleNotFoundError as error:
        raise InputError(
            "Starlette and uvicorn", f"no module {error.name}", 'run: pip install "wildpose[serve]"'
        ) from error
    from wildpose.predict.estimator import PoseEstimator
    from wildpose.serve.app import make_app

    app = make_app(PoseEstimator(weights, threads))
    listener = _listen(port)
    address = f"http://{LOOPBACK}:{listener.getsockname()[1]}/"
    print(f"wildpose is at {address} (Ctrl-C ends it)", flush=True)
    if open:
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()  # a browser in text mode stays
    config = uvicorn.Config(
        app, log_level="warning", lifespan="on", ws="none", proxy_headers=False, server_header=False,
        timeout_graceful_shutdown=3,
    )  # fmt: skip
    with suppress(KeyboardInterrupt):  # the usual end
        uvicorn.Server(config).run(sockets=[listener])


def _listen(port: int) -> socket.socket:
    if not 0 <= port < 65536:
        raise InputError("--port from 0 to 65535", str(port), "0 takes any free port")
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # or a port is taken for a minute after Ctrl-C
        listener.bind((LOOPBACK, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise InputError(f"a free port {port}", error.strerror or str(error), "choose another --port, or 0") from error
    return listener
