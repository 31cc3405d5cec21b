"""The app of `wildpose serve` in a real browser: what is dropped is shown, and nobody else is asked for anything."""

import base64
import re

import cv2
import numpy as np
import pytest
from chromium import Visit, chromium
from served import clip, encoded, person, serving, truth_px

DROP = """([name, type, content]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0)), carried = new DataTransfer();
  carried.items.add(new File([bytes], name, {type}));
  for (const kind of ["dragover", "drop"]) {
    document.body.dispatchEvent(new DragEvent(kind, {dataTransfer: carried, bubbles: true, cancelable: true}));
  }
}"""

RESULT = "document.body.dataset.state === 'result'"


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture
def server(tmp_path, monkeypatch):
    with serving(tmp_path, monkeypatch) as running:
        yield running


@pytest.fixture
def visit(browser, server):
    """The app's page. At the end: nothing was asked of any other host, and nothing complained but refused uploads."""
    own = f"http://127.0.0.1:{server.port}/"
    visit = Visit(browser, own)
    yield visit
    assert [address for address in visit.requests if not address.startswith(own)] == []
    assert [said for said in visit.complaints if "status of 4" not in said and "getImageData" not in said] == []
    visit.context.close()


def drop(page, name: str, content: bytes, type: str = "") -> None:
    page.evaluate(DROP, [name, type, base64.b64encode(content).decode()])


def state(page, wanted: str) -> None:
    page.wait_for_function(f"() => document.body.dataset.state === '{wanted}'")


def viewer(page, path: str = "/results/"):
    """The frame with the viewer, once it has drawn."""
    while (frame := page.frame(url=re.compile(path))) is None:
        page.wait_for_timeout(20)
    frame.wait_for_selector("#slider[aria-valuetext]", state="attached")
    return frame


def test_a_photo_that_is_dropped_is_shown_in_the_viewer(visit):
    page = visit.page
    assert page.is_visible("text=Drop a photo or a video here")
    drop(page, "someone.png", encoded(person()))
    state(page, "result")
    shown = viewer(page)
    assert shown.inner_text("#name") == "someone.png" and shown.inner_text("#about") == "1 person"
    assert np.abs(np.array(shown.evaluate("frames[0].people[0].joints_px")) - truth_px()).max() < 6
    assert shown.evaluate("self.origin") == "null"  # sandboxed: nothing in it can act as the app
    with page.expect_download() as waiting:
        shown.click("#save")
    assert waiting.value.suggested_filename == "someone.json"
    alone = page.get_attribute("#alone", "href")
    assert shown.url.endswith(alone) and page.is_visible("#alone")


def test_the_app_takes_over_the_viewers_theme(visit):
    page = visit.page
    drop(page, "someone.png", encoded(person()))
    state(page, "result")
    before = page.evaluate("document.documentElement.dataset.theme")
    viewer(page).click("#theme")
    page.wait_for_function(f"() => document.documentElement.dataset.theme !== '{before}'")


def test_a_video_that_is_chosen_shows_its_progress_and_can_be_stopped(visit, tmp_path, monkeypatch):
    page = visit.page
    film = {"name": "walk.mp4", "mimeType": "video/mp4", "buffer": clip(tmp_path)}
    monkeypatch.setattr("wildpose.serve.work.REPORT_EVERY_S", 0.0)
    monkeypatch.setattr("wildpose.serve.app.predict_upload", endless)
    with page.expect_file_chooser() as chooser:
        page.click("#choose")
    chooser.value.set_files(film)
    page.wait_for_function("() => /^Frame 20 of 80, .* left$/.test(document.getElementById('far').textContent)")
    assert page.evaluate("document.getElementById('progress').position") == 0.25
    page.click("#cancel")
    state(page, "idle")
    assert page.is_hidden("#error")
    monkeypatch.undo()
    page.wait_for_function("""async () => {  // the app has noticed
      const answer = await fetch("/webcam", {method: "POST"});
      if (answer.ok) await fetch("/webcam/end", {method: "POST"});
      return answer.ok;
    }""")
    for _ in range(40):  # the app may still be busy with the end of that
        page.set_input_files("#file", film)
        page.wait_for_function(f"() => {RESULT} || !document.getElementById('error').hidden")
        if page.evaluate(RESULT):
            break
        page.wait_for_timeout(250)
    assert viewer(page).inner_text("#about") == "7 frames, 1 person"


def endless(*_):
    """Work that has come to its 20th frame of 80, and comes no further."""
    while True:
        yield {"frames": 20, "of": 80}


def test_a_bad_file_is_said_in_the_page_and_the_next_one_works(visit):
    page = visit.page
    drop(page, "<b>notes.jpg", b"no picture at all")
    page.wait_for_selector("#error:not([hidden])")
    said = page.inner_text("#error")
    assert said.startswith("Expected a photo or video in <b>notes.jpg, got a file of another kind")
    state(page, "idle")
    drop(page, "someone.png", encoded(person()))
    state(page, "result")
    assert page.is_hidden("#error")


def test_a_file_that_is_too_large_is_not_even_sent(browser, tmp_path, monkeypatch):
    with serving(tmp_path, monkeypatch, upload_bytes=1_000_000) as server:
        visit = Visit(browser, f"http://127.0.0.1:{server.port}/")
        drop(visit.page, "large.mp4", bytes(3_000_000))
        visit.page.wait_for_selector("#error:not([hidden])")
        assert visit.page.inner_text("#error") == "The file large.mp4 has 3 MB; the app takes up to 1 MB."
        assert not any("predict" in address for address in visit.requests)
        visit.context.close()


def test_the_webcam_is_shown_live_and_then_in_the_viewer(visit):
    page = visit.page
    page.click("#webcam")
    page.wait_for_function("() => document.getElementById('rate').textContent.endsWith('pictures/s')")
    live = viewer(page, "/live")
    live.wait_for_function("() => frames[0].index >= 3 && images[0] instanceof ImageBitmap")
    width, height = live.evaluate("[frames[0].width, frames[0].height]")
    assert max(width, height) <= 640 and live.evaluate("[images[0].width, images[0].height]") == [width, height]
    color = "[...photo.getContext('2d').getImageData(photo.width / 2, 5, 1, 1).data]"
    red, green, blue, _ = live.evaluate(color)
    assert green > red + 60 and green > blue + 60  # Chromium's test card
    page.click("#stop")
    state(page, "result")
    shown = viewer(page)
    assert shown.inner_text("#name") == "webcam" and shown.evaluate("frames.length") >= 4
    assert page.evaluate("camera") is None


def test_a_webcam_that_the_browser_withholds_is_said(browser, server):
    visit = Visit(browser, f"http://127.0.0.1:{server.port}/")
    visit.page.evaluate(
        """() => {
          navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("no", "NotFoundError"); };
        }"""
    )
    visit.page.click("#begin")
    visit.page.wait_for_selector("#error:not([hidden])")
    assert visit.page.inner_text("#error") == "There is no webcam."
    visit.context.close()


def test_someone_before_the_webcam_is_drawn_live(browser, server):
    """The picture comes from a canvas in place of a webcam: a dotted person who stands still."""
    visit = Visit(browser, f"http://127.0.0.1:{server.port}/")
    content = base64.b64encode(encoded(cv2.resize(person(), None, fx=1.5, fy=1.5))).decode()
    visit.page.evaluate(
        """async (content) => {
          const image = new Image(), canvas = document.createElement("canvas");
          image.src = "data:image/png;base64," + content;
          await image.decode();
          [canvas.width, canvas.height] = [image.width, image.height];
          const paint = () => { canvas.getContext("2d").drawImage(image, 0, 0); requestAnimationFrame(paint); };
          paint();
          navigator.mediaDevices.getUserMedia = async () => canvas.captureStream();
        }""",
        content,
    )
    visit.page.click("#webcam")
    live = viewer(visit.page, "/live")
    live.wait_for_function("() => frames[0].people.length === 1")
    joints = np.array(live.evaluate("frames[0].people[0].joints_px"))
    assert np.abs(joints - ((truth_px() + 0.5) * 1.5 - 0.5)).max() < 9  # a webcam's picture is compressed
    assert "Person 0" in live.inner_text("#angles")
    visit.context.close()
