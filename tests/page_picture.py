"""Takes docs/page.jpg: python tests/page_picture.py out/demo/demo.html 28 1 left_elbow docs/page.jpg

The page at its 28th frame, the pointer on a joint of person 1.
"""

import sys
from pathlib import Path

from chromium import Visit, chromium

PLACE = """([id, joint]) => {
  const frame = frames[state.frame], [x, y] = frame.people.find((q) => q.id === id).joints_px[names.indexOf(joint)];
  const box = photo.getBoundingClientRect(), zoom = box.width / frame.width;
  return [box.left + (x + 0.5) * zoom, box.top + (y + 0.5) * zoom];
}"""


def take(page: Path, frame: int, person: int, joint: str, picture: Path) -> None:
    with chromium() as browser:
        visit = Visit(browser, page.resolve(), viewport={"width": 1280, "height": 790}, color_scheme="light")
        visit.page.evaluate(f"show({frame})")
        visit.page.wait_for_function(f"() => images[{frame}].width > 0")
        visit.page.evaluate("draw()")
        visit.page.mouse.move(*visit.page.evaluate(PLACE, [person, joint]))
        visit.page.screenshot(path=picture, type="jpeg", quality=72)


if __name__ == "__main__":
    page, frame, person, joint, picture = sys.argv[1:]
    take(Path(page), int(frame), int(person), joint, Path(picture))
