"""The page in a real browser: it works, alone, and says what the data say."""

import json
import re
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from chromium import Visit, chromium
from made_recordings import SIZE_HW, two_people
from playwright.sync_api import Page

from wildpose.movie import VideoDrawing
from wildpose.page.writer import MOST_FRAMES, MOST_JPEG_BYTES, PagePictures, write_page
from wildpose.predict.inputs import Frame
from wildpose.skeleton import MPII16
from wildpose.view3d import LEFT, RIGHT
from wildpose.write import FrameResult, Recording, to_json

NAME = "two </script> <b>people</b>.mp4"
SPY = "http://127.0.0.1:9/spy.png"
HELPERS = """
window.here = (person, joint) => {  // where a joint of the frame shown is in the window
  const [x, y] = frames[state.frame].people[person].joints_px[names.indexOf(joint)];
  const box = photo.getBoundingClientRect(), zoom = box.width / frames[0].width;
  return [box.left + (x + 0.5) * zoom, box.top + (y + 0.5) * zoom];
};
window.color = ([x, y]) => {
  const box = photo.getBoundingClientRect(), dpr = photo.width / box.width;
  return [...photo.getContext("2d").getImageData((x - box.left) * dpr, (y - box.top) * dpr, 1, 1).data].slice(0, 3);
};
window.corner = () => { const {left, top} = photo.getBoundingClientRect(); return color([left + 3, top + 3]); };
"""
BACKGROUND = (20, 90, 40)


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture
def opened(tmp_path, browser):
    """The page of two people, opened from the disk where there is no network; its window is closed after the test."""
    recording = two_people()
    pictures = PagePictures(640)
    for _ in recording.frames:
        pictures.add(np.full((*SIZE_HW, 3), BACKGROUND, np.uint8))
    write_page(tmp_path / "page.html", NAME, recording, pictures.jpegs)
    visit = Visit(browser, tmp_path / "page.html", offline=True)
    visit.page.evaluate(HELPERS)
    visit.page.wait_for_function(f"() => Math.abs(corner()[1] - {BACKGROUND[1]}) < 6")  # the JPEG is decoded
    yield visit
    assert visit.requests == [(tmp_path / "page.html").as_uri()]  # nothing but itself
    assert [line for line in visit.complaints if "getImageData" not in line] == []  # a hint about our looking
    visit.context.close()


def slide(page: Page, frame: int) -> None:
    page.locator("#slider").focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    for _ in range(frame):
        page.keyboard.press("ArrowRight")
    assert page.evaluate("state.frame") == frame


def changes(page: Page, act: Callable[[], object]) -> bool:
    """Whether an act changes the 3D view."""
    before = page.evaluate("space.toDataURL()")
    act()
    return page.evaluate("space.toDataURL()") != before


def test_the_page_shows_the_data_of_the_frame_chosen(opened):
    page = opened.page
    assert page.title() == f"{NAME} - wildpose" and page.inner_text("#name") == NAME
    assert np.abs(np.subtract(page.evaluate("corner()"), BACKGROUND)).max() < 6
    assert page.inner_text("#clock") == "frame 0, 0.00 s"
    knee = page.evaluate("here(0, 'right_knee')")
    assert page.evaluate("color(here(0, 'right_knee'))") == list(RIGHT)
    assert page.evaluate("color(here(0, 'left_elbow'))") == list(LEFT)
    slide(page, 2)
    assert page.inner_text("#clock") == "frame 2, 0.20 s"
    assert page.evaluate("color(here(0, 'right_knee'))") == list(RIGHT)
    assert page.evaluate("here(0, 'right_knee')")[0] - knee[0] > 20
    page.mouse.move(*page.evaluate("here(1, 'left_elbow')"))
    assert page.inner_text("#tip") == "person 3, left elbow: 90\u00b0\nconfidence 0.80"
    angles = page.inner_text("#angles")
    assert "Person 0" in angles and "Person 3" in angles and "90" in angles


def test_the_3d_view_turns_zooms_and_places(opened):
    page = opened.page
    box = page.locator("#space").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)

    def drag():
        page.mouse.down()
        page.mouse.move(x + 60, y + 10)
        page.mouse.up()

    assert changes(page, drag)
    page.mouse.move(box["x"] + 5, box["y"] + box["height"] - 5)
    assert not changes(page, lambda: page.mouse.move(box["x"] + 9, box["y"] + box["height"] - 9))
    zoomed = page.evaluate("state.zoom")
    page.mouse.wheel(0, 200)
    page.wait_for_function(f"() => state.zoom < {zoomed}")
    page.locator("#space").focus()
    keys = ("ArrowLeft", "ArrowUp", "+", "0", "q")
    assert [changes(page, lambda key=key: page.keyboard.press(key)) for key in keys] == [True, True, True, True, False]
    page.check("#placed")
    far = page.evaluate("space.toDataURL()")
    slide(page, 2)
    assert page.evaluate("space.toDataURL()") != far  # person 0 has walked


def test_people_and_theme_are_switched(opened):
    page = opened.page
    assert changes(page, lambda: page.uncheck("[data-person='3']"))
    angles = page.inner_text("#angles")
    assert "Person 3" not in angles and "Person 0" in angles
    themes = [page.evaluate("document.documentElement.dataset.theme")]
    page.click("#theme")
    themes.append(page.evaluate("document.documentElement.dataset.theme"))
    assert sorted(themes) == ["dark", "light"]


def test_the_page_plays(opened):
    page = opened.page
    page.click("#play")
    assert page.inner_text("#play") == "Pause"
    page.wait_for_function("() => state.frame > 0")
    page.click("#play")
    assert page.inner_text("#play") == "Play"


def test_the_page_hands_out_its_data(opened, tmp_path):
    with opened.page.expect_download() as waiting:
        opened.page.click("#save")
    waiting.value.save_as(tmp_path / "saved.json")
    assert waiting.value.suggested_filename.endswith(".json")
    assert json.loads((tmp_path / "saved.json").read_text()) == json.loads(json.dumps(to_json(two_people())))


def test_the_page_may_not_load_anything_even_where_there_is_a_network(tmp_path, browser):
    write_page(tmp_path / "page.html", NAME, two_people(1), {0: b""})
    visit = Visit(browser, tmp_path / "page.html")
    blocked = visit.page.evaluate(
        """(spy) => new Promise((done) => {
          document.addEventListener("securitypolicyviolation", (event) => done(event.blockedURI));
          new Image().src = spy;
        })""",
        SPY,
    )
    assert blocked == SPY
    visit.context.close()


def test_the_overlay_video_plays_in_a_browser(tmp_path, browser):
    drawing = VideoDrawing(tmp_path, "clip", 10.0, 1)
    for result in two_people(6).frames:
        image = np.full((*SIZE_HW, 3), 40 * result.index, np.uint8)
        drawing.add(Frame(image, result.index, result.time_s), result.people)
    assert [path.name for path in drawing.finish()] == ["clip_frames", "clip_sheet.jpg", "clip_overlay.webm"]
    (tmp_path / "page.html").write_text("<!doctype html><body><video muted src=clip_overlay.webm></video></body>")
    visit = Visit(browser, tmp_path / "page.html")
    wait = "() => { const video = document.querySelector('video'); return video.error || %s; }"
    visit.page.wait_for_function(wait % "video.readyState >= 2")
    visit.page.evaluate("() => { document.querySelector('video').currentTime = 0.4; }")
    visit.page.wait_for_function(wait % "(!video.seeking && video.readyState >= 2)")
    report = visit.page.evaluate("""() => {
      const video = document.querySelector("video");
      return {width: video.videoWidth, height: video.videoHeight, error: video.error && video.error.message,
              duration: video.duration, at: video.currentTime};
    }""")
    height, width = cv2.imread(str(tmp_path / "clip_frames" / "000000.jpg")).shape[:2]
    assert report["error"] is None
    assert (report["width"], report["height"]) == (width // 2 * 2, height // 2 * 2)
    assert (round(report["duration"], 1), report["at"]) == (0.6, 0.4)
    visit.page.evaluate("document.querySelector('video').play()")
    visit.page.wait_for_function(wait % "video.ended")
    assert visit.page.evaluate("document.querySelector('video').error") is None
    assert visit.complaints == []
    visit.context.close()


def test_a_page_stays_small_however_many_frames_come():
    small, noisy = PagePictures(64), PagePictures(640)
    picture = np.zeros((8, 8, 3), np.uint8)
    for _ in range(3 * MOST_FRAMES):
        small.add(picture)
    assert MOST_FRAMES / 2 <= len(small.jpegs) <= MOST_FRAMES
    places = np.array(list(small.jpegs))
    assert len(set(np.diff(places))) == 1 and places[0] == 0 and places[-1] >= 3 * MOST_FRAMES - np.diff(places)[0]
    noise = np.random.default_rng(0).integers(0, 256, (640, 640, 3), dtype=np.uint8)
    noisy.add(noise)
    one = len(noisy.jpegs[0])
    for _ in range(int(1.5 * MOST_JPEG_BYTES / one)):
        noisy.add(noise)
    assert MOST_JPEG_BYTES / 3 < one * len(noisy.jpegs) <= MOST_JPEG_BYTES


@pytest.mark.parametrize(("count", "rate_hz"), [(MOST_FRAMES, 25.0), (MOST_FRAMES + 1, 12.5), (4 * MOST_FRAMES, 6.25)])
def test_the_rate_in_the_page_is_that_of_the_frames_it_holds(tmp_path, count, rate_hz):
    """docs/json.md: frames of `frames` per second, in what the page's button saves as well."""
    pictures = PagePictures(64)
    for _ in range(count):
        pictures.add(np.zeros((8, 8, 3), np.uint8))
    frames = [FrameResult(i, i / 25, 8, 8, []) for i in range(count)]
    write_page(tmp_path / "page.html", "long", Recording(frames, 25.0), pictures.jpegs)
    held = re.search(r'id="data">(.*?)</script>', (tmp_path / "page.html").read_text(), re.DOTALL)
    document = json.loads(held[1])["document"]
    assert document["rate_hz"] == rate_hz
    assert document["frames"][1]["time_s"] - document["frames"][0]["time_s"] == pytest.approx(1 / rate_hz)


def test_pictures_in_the_page_are_bounded_in_size():
    pictures = PagePictures(640)
    pictures.add(np.zeros((500, 2000, 3), np.uint8))
    assert cv2.imdecode(np.frombuffer(pictures.jpegs[0], np.uint8), cv2.IMREAD_COLOR).shape == (160, 640, 3)


def test_the_page_draws_the_tree_of_the_skeleton(tmp_path):
    recording = two_people(1)
    pictures = PagePictures(64)
    pictures.add(np.zeros((*SIZE_HW, 3), np.uint8))
    write_page(tmp_path / "p.html", "x", recording, pictures.jpegs)
    text = (tmp_path / "p.html").read_text()
    data = json.loads(text.partition('<script type="application/json" id="data">')[2].partition("</script>")[0])
    assert [tuple(bone) for bone in data["bones"]] == MPII16.bones
    assert not any(mark in text for mark in ("@TITLE@", "@STYLE@", "@DATA@", "@SCRIPT@"))
    assert [path.name for path in tmp_path.iterdir()] == ["p.html"]
