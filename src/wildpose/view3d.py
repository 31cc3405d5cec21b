"""A pose in 3D as a picture: tubes over a ground grid, drawn with OpenCV, for prediction needs no plotting library."""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from wildpose.skeleton import MPII16

RIGHT, LEFT, MIDDLE = (236, 104, 52), (38, 132, 214), (108, 104, 130)
"""Colours (RGB) of the person's right, left and middle."""
PAPER, GRID, INK = (248, 247, 243), (196, 194, 186), (92, 90, 98)
GRID_MM, GRID_REACH_MM = 250, 1000
SHARPNESS = 2
"""Drawn this many times larger, then averaged down: smooth edges."""
SUBPIXEL_BITS = 4
DISTANCE_MM, HALF_HEIGHT_MM = 5200.0, 1180.0
"""Of the virtual camera to the pelvis, and what it sees above and below."""
FOOT_MM = 70.0
"""The ground lies this far under the lowest joint: ankles are not soles."""
TUBE_MM = {"knee": 62, "hip": 62, "ankle": 44, "elbow": 46, "wrist": 34, "shoulder": 46, "thorax": 54, "pelvis": 60}
TORSO = 1.8
"""The trunk is this much thicker than the bones around it."""
NECK, HEAD = MPII16.index("upper_neck"), MPII16.index("head_top")


def side_color(joint: int) -> tuple[int, int, int]:
    """Colour by the side of the body a joint is on."""
    name = MPII16.joints[joint]
    return RIGHT if name.startswith("right_") else LEFT if name.startswith("left_") else MIDDLE


def bone_color(child: int, parent: int) -> tuple[int, int, int]:
    """Of the sided end, if one is."""
    color = side_color(child)
    return color if color != MIDDLE else side_color(parent)


@dataclass(frozen=True)
class VirtualCamera:
    """Looks at the pelvis from `azimuth_deg` to the right of the real camera and `elevation_deg` above its axis."""

    azimuth_deg: float
    elevation_deg: float
    size_hw: tuple[int, int]

    def turn(self, points_mm: Float[np.ndarray, "*N 3"]) -> Float[np.ndarray, "*N 3"]:
        """Into this camera's axes, origin still at the pelvis."""
        a, e = np.deg2rad([self.azimuth_deg, self.elevation_deg])
        around_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
        around_x = np.array([[1, 0, 0], [0, np.cos(e), -np.sin(e)], [0, np.sin(e), np.cos(e)]])
        return points_mm @ (around_x @ around_y).T

    def scale(self, points_mm: Float[np.ndarray, "*N 3"]) -> Float[np.ndarray, "*N"]:
        """Picture px per mm at each point."""
        height, width = self.size_hw
        focal = min(height / 2 / HALF_HEIGHT_MM, width / 2 / (0.82 * HALF_HEIGHT_MM)) * DISTANCE_MM
        return focal / np.maximum(self.turn(points_mm)[..., 2] + DISTANCE_MM, 500.0)

    def look(self, points_mm: Float[np.ndarray, "*N 3"]) -> Float[np.ndarray, "*N 2"]:
        """Picture px of points; the pelvis is in the middle."""
        height, width = self.size_hw
        flat = self.turn(points_mm)[..., :2] * self.scale(points_mm)[..., None]
        return flat + np.array([width / 2, height / 2])


def render_pose(
    joints_mm: Float[np.ndarray, "16 3"],
    confidence: Float[np.ndarray, " 16"],
    size_hw: tuple[int, int],
    azimuth_deg: float,
    elevation_deg: float = 9.0,
    caption: str = "",
    axes: bool = True,
) -> UInt8[np.ndarray, "H W 3"]:
    """One view of one pose (pelvis-relative mm, camera axes), RGB. Unsure bones fade."""
    height, width = size_hw
    camera = VirtualCamera(azimuth_deg, elevation_deg, (height * SHARPNESS, width * SHARPNESS))
    joints = joints_mm.astype(np.float64)
    canvas = np.full((*camera.size_hw, 3), PAPER, np.uint8)
    ground_mm = float(joints[:, 1].max()) + FOOT_MM
    _draw_ground(canvas, camera, ground_mm)
    _draw_shadow(canvas, camera, joints, ground_mm)
    _draw_body(canvas, camera, joints, confidence)
    if axes:
        _draw_axes(canvas, camera)
    picture = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    write_text(picture, caption, (12, 22), 0.45, INK)
    return picture


def _draw_ground(canvas: np.ndarray, camera: VirtualCamera, ground_mm: float) -> None:
    """A grid that fades towards its rim."""
    marks = np.arange(-GRID_REACH_MM, GRID_REACH_MM + 1, GRID_MM, dtype=np.float64)
    fine = np.linspace(-GRID_REACH_MM, GRID_REACH_MM, 33)
    for mark in marks:
        for along_x in (True, False):
            across = np.full_like(fine, mark)
            x, z = (fine, across) if along_x else (across, fine)
            line = camera.look(np.stack([x, np.full_like(fine, ground_mm), z], -1))
            fade = np.clip(1.15 - np.hypot(x, z) / GRID_REACH_MM, 0, 1)
            for i in range(len(fine) - 1):
                color = mix(PAPER, GRID, float(fade[i] + fade[i + 1]) / 2)
                cv2.line(canvas, _fixed(line[i]), _fixed(line[i + 1]), color, SHARPNESS, cv2.LINE_AA, SUBPIXEL_BITS)


def _draw_shadow(canvas: np.ndarray, camera: VirtualCamera, joints: np.ndarray, ground_mm: float) -> None:
    """Where the body stands: its bones straight down on the ground, blurred."""
    shade = np.zeros(canvas.shape[:2], np.uint8)
    flat = np.column_stack([joints[:, 0], np.full(len(joints), ground_mm), joints[:, 2]])
    at, scale = camera.look(flat), camera.scale(flat)
    for child, parent in MPII16.bones:
        width = max(1, int(110 * scale[child]))
        cv2.line(shade, _fixed(at[child]), _fixed(at[parent]), 120, width, cv2.LINE_AA, SUBPIXEL_BITS)
    shade = cv2.GaussianBlur(shade, (0, 0), 9 * SHARPNESS)
    canvas[:] = (canvas * (1 - shade[..., None] / 255 * 0.55)).astype(np.uint8)


def _draw_body(canvas: np.ndarray, camera: VirtualCamera, joints: np.ndarray, confidence: np.ndarray) -> None:
    """Tubes from far to near."""
    at, scale, depth = camera.look(joints), camera.scale(joints), camera.turn(joints)[:, 2]
    radius = np.array([_radius_mm(name) for name in MPII16.joints]) * scale
    sure = confidence.tolist()
    for child, parent in sorted(MPII16.bones, key=lambda bone: -(depth[bone[0]] + depth[bone[1]])):
        strength = fade(min(sure[child], sure[parent]))
        color = mix(PAPER, bone_color(child, parent), strength)
        if child == HEAD:
            _draw_ball(canvas, (at[HEAD] + at[NECK]) / 2, float(np.mean(scale[[HEAD, NECK]])) * 112, color)
        else:
            thick = TORSO if MPII16.joints[child] == "thorax" else 1.0
            _draw_tube(canvas, (at[child], at[parent]), (radius[child] * thick, radius[parent] * thick), color)


def _radius_mm(joint: str) -> float:
    return TUBE_MM.get(joint.split("_")[-1], 44) * 0.72


def fade(confidence: float) -> float:
    """Strength of a bone's colour: full from a confidence of 0.35 on, never below a fifth, so that it can be seen."""
    return float(np.clip(confidence / 0.35, 0.2, 1.0))


def _draw_tube(canvas: np.ndarray, ends, radii, color) -> None:
    """A tapered tube: dark rim, body, highlight towards the light at the upper left."""
    light = np.array([-0.30, -0.34])
    rim, shine = mix(color, (20, 20, 40), 0.42), mix(color, (255, 255, 255), 0.42)
    layers = ((1.0, 0.0, rim), (0.86, 0.0, color), (0.42, 1.0, shine))
    for width, shift, tone in layers:
        shifted = [end + light * radius * shift for end, radius in zip(ends, radii, strict=True)]
        taper(canvas, shifted, [radius * width for radius in radii], tone)


def _draw_ball(canvas: np.ndarray, center: np.ndarray, radius: float, color) -> None:
    for k in range(12):
        t = k / 11
        tone = mix(mix(color, (20, 20, 40), 0.42), mix(color, (255, 255, 255), 0.5), t**0.7)
        spot = center + np.array([-0.34, -0.38]) * radius * t
        disc(canvas, spot, radius * (1 - 0.82 * t), tone)


def _draw_axes(canvas: np.ndarray, camera: VirtualCamera) -> None:
    """The camera's axes in the corner: x right, y down, z away."""
    height = canvas.shape[0]
    origin = np.array([30.0, height / SHARPNESS - 84]) * SHARPNESS
    directions = camera.turn(np.eye(3))[:, :2] * 24 * SHARPNESS
    for name, direction in zip("xyz", directions, strict=True):
        tip = origin + direction
        cv2.arrowedLine(canvas, _whole(origin), _whole(tip), INK, SHARPNESS, cv2.LINE_AA, tipLength=0.25)
        away = direction / max(float(np.linalg.norm(direction)), 1e-6) * 10 * SHARPNESS
        write_text(canvas, name, _whole(tip + away + np.array([-4, 4]) * SHARPNESS), 0.42 * SHARPNESS, INK)


def taper(canvas: np.ndarray, ends, radii, color) -> None:
    """A filled shape between two discs."""
    a, b = (np.asarray(end, np.float64) for end in ends)
    along = b - a
    length = float(np.linalg.norm(along))
    for end, radius in zip((a, b), radii, strict=True):
        disc(canvas, end, radius, color)
    if length > 1e-3:
        normal = np.array([-along[1], along[0]]) / length
        corners = [a + normal * radii[0], b + normal * radii[1], b - normal * radii[1], a - normal * radii[0]]
        points = np.round(np.array(corners) * 2**SUBPIXEL_BITS).astype(np.int32)
        cv2.fillConvexPoly(canvas, points, color, cv2.LINE_AA, SUBPIXEL_BITS)


def disc(canvas: np.ndarray, center, radius: float, color) -> None:
    """A filled circle at a sub-pixel place."""
    size = max(1, round(radius * 2**SUBPIXEL_BITS))
    cv2.circle(canvas, _fixed(center), size, color, -1, cv2.LINE_AA, SUBPIXEL_BITS)


def write_text(picture: np.ndarray, text: str, at: tuple[int, int], size: float, color) -> None:
    """A line of text whose baseline begins at `at`."""
    cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, size, color, max(1, round(size)), cv2.LINE_AA)


def mix(a: tuple[int, int, int], b: tuple[int, int, int], share_of_b: float) -> tuple[int, int, int]:
    """A colour between two."""
    return tuple(round(p * (1 - share_of_b) + q * share_of_b) for p, q in zip(a, b, strict=True))


def _fixed(point) -> tuple[int, int]:
    """OpenCV's fixed-point coordinates; far outside points are held in its range."""
    x, y = np.clip(np.round(np.asarray(point) * 2**SUBPIXEL_BITS), -(2**20), 2**20).astype(int).tolist()
    return x, y


def _whole(point) -> tuple[int, int]:
    x, y = np.round(np.asarray(point)).astype(int).tolist()
    return x, y
