"""The app of `wildpose serve` in a thread, with a network that finds coloured dots, and things to send it."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import cv2
import numpy as np
import uvicorn
from fake_detector import write_fake_detector
from fake_weights import draw_person, write_fake_weights

from wildpose.predict.estimator import PoseEstimator
from wildpose.serve.app import make_app
from wildpose.serve.uploads import Limits

BOX = (150, 40, 130, 200)


def truth_px() -> np.ndarray:
    """Joints (16, 2) of `person()`."""
    return draw_person(np.zeros((280, 420, 3), np.uint8), BOX)


def person(shift: int = 0) -> np.ndarray:
    """A picture of a dotted person, RGB."""
    image = np.zeros((280, 420, 3), np.uint8)
    draw_person(image, (BOX[0] + shift, *BOX[1:]))
    return image


def encoded(image: np.ndarray, suffix: str = ".png") -> bytes:
    return cv2.imencode(suffix, image[..., ::-1])[1].tobytes()


def clip(folder, frames: int = 7, rate_hz: float = 10.0) -> bytes:
    """A video of a dotted person who goes to the right."""
    path = folder / "made.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), rate_hz, (420, 280))
    for step in range(frames):
        writer.write(np.ascontiguousarray(person(4 * step)[..., ::-1]))
    writer.release()
    return path.read_bytes()


class Server:
    """The app on a free port of 127.0.0.1, in a thread of the test."""

    def __init__(self, limits: Limits, weights: Path, temporary: Path):
        self.temporary = temporary
        estimator = PoseEstimator(weights, None, write_fake_detector(weights.with_name("finds-dots.onnx")), flip=False)
        app = make_app(estimator, limits)
        self.server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", ws="none"))
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        while not self.server.started:
            assert self.thread.is_alive()
            time.sleep(0.01)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, dict, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, content

    def predict(self, content: bytes, **query) -> dict:
        """The last line of the answer."""
        _, _, lines = self.ask("POST", f"/predict?{urlencode(query)}", content)
        return json.loads(lines.splitlines()[-1])

    def document(self, key: str) -> dict:
        """The data inside a result's page."""
        status, _, page = self.ask("GET", f"/results/{key}")
        assert status == 200
        return json.loads(page.decode().partition('id="data">')[2].partition("</script>")[0])

    def left(self) -> list[str]:
        """Names of the app's files."""
        return sorted(path.name for folder in self.temporary.iterdir() for path in folder.iterdir())

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(60)


@contextmanager
def serving(folder: Path, monkeypatch, **limits) -> Iterator[Server]:
    """The app with changed limits; its files are in folder/temporary."""
    (folder / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder / "temporary"))
    server = Server(Limits(**limits), write_fake_weights(folder / "dots.onnx"), folder / "temporary")
    yield server
    server.stop()
