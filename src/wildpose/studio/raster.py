"""A z-buffer rasteriser with alpha-tested surfaces, vertex normals and shadow-map look-ups (numba).

Sample positions are integers: sample (row, column) sits at y = row, x = column of the coordinates handed in.
(no_type_check keeps the tests' import hook from wrapping what numba compiles.)
"""

from typing import no_type_check

import numba
import numpy as np


@numba.njit(cache=True, fastmath=True)
@no_type_check
def rasterise(x, y, inverse_z, cover, faces, first_id, cull, nearness, face_at, weight_1, weight_2):
    """Draw triangles into the buffers; the largest `inverse_z` stays.

    x, y, inverse_z, cover: (V,) float32; samples where the interpolated cover is negative are holes. faces: (F, 3)
    int32.
    first_id is added to the face numbers written to face_at. cull drops faces turned away (clockwise seen with y down).
    """
    height, width = nearness.shape
    for t in range(faces.shape[0]):
        i, j, k = faces[t, 0], faces[t, 1], faces[t, 2]
        if inverse_z[i] <= 0 or inverse_z[j] <= 0 or inverse_z[k] <= 0:
            continue
        ci, cj, ck = cover[i], cover[j], cover[k]
        if ci < 0 and cj < 0 and ck < 0:
            continue
        x0, y0 = x[i], y[i]
        ax, ay, bx, by = x[j] - x0, y[j] - y0, x[k] - x0, y[k] - y0
        area = ax * by - bx * ay
        if area > -1e-9 and (cull or area < 1e-9):
            continue
        left = max(int(np.ceil(min(x0, x0 + ax, x0 + bx))), 0)
        right = min(int(np.floor(max(x0, x0 + ax, x0 + bx))), width - 1)
        top = max(int(np.ceil(min(y0, y0 + ay, y0 + by))), 0)
        bottom = min(int(np.floor(max(y0, y0 + ay, y0 + by))), height - 1)
        if left > right or top > bottom:
            continue
        inverse = 1.0 / area
        zi, zj, zk = inverse_z[i], inverse_z[j] - inverse_z[i], inverse_z[k] - inverse_z[i]
        holes = ci < 0 or cj < 0 or ck < 0
        for row in range(top, bottom + 1):
            dy = row - y0
            for column in range(left, right + 1):
                dx = column - x0
                w1 = (dx * by - bx * dy) * inverse
                w2 = (ax * dy - dx * ay) * inverse
                if w1 < 0 or w2 < 0 or w1 + w2 > 1:
                    continue
                z = zi + w1 * zj + w2 * zk
                if z <= nearness[row, column]:
                    continue
                if holes and ci + w1 * (cj - ci) + w2 * (ck - ci) < 0:
                    continue
                nearness[row, column] = z
                face_at[row, column] = first_id + t
                weight_1[row, column] = w1
                weight_2[row, column] = w2


@numba.njit(cache=True, fastmath=True)
@no_type_check
def rasterise_depth(x, y, inverse_z, cover, faces, nearness):
    """As rasterise, both sides, the nearest value only: for shadow maps."""
    height, width = nearness.shape
    for t in range(faces.shape[0]):
        i, j, k = faces[t, 0], faces[t, 1], faces[t, 2]
        if cover[i] < 0 and cover[j] < 0 and cover[k] < 0:
            continue
        x0, y0 = x[i], y[i]
        ax, ay, bx, by = x[j] - x0, y[j] - y0, x[k] - x0, y[k] - y0
        area = ax * by - bx * ay
        if abs(area) < 1e-9:
            continue
        left = max(int(np.ceil(min(x0, x0 + ax, x0 + bx))), 0)
        right = min(int(np.floor(max(x0, x0 + ax, x0 + bx))), width - 1)
        top = max(int(np.ceil(min(y0, y0 + ay, y0 + by))), 0)
        bottom = min(int(np.floor(max(y0, y0 + ay, y0 + by))), height - 1)
        inverse = 1.0 / area
        zi, zj, zk = inverse_z[i], inverse_z[j] - inverse_z[i], inverse_z[k] - inverse_z[i]
        for row in range(top, bottom + 1):
            dy = row - y0
            for column in range(left, right + 1):
                dx = column - x0
                w1 = (dx * by - bx * dy) * inverse
                w2 = (ax * dy - dx * ay) * inverse
                if w1 >= 0 and w2 >= 0 and w1 + w2 <= 1:
                    nearness[row, column] = max(nearness[row, column], zi + w1 * zj + w2 * zk)


@numba.njit(cache=True, fastmath=True)
@no_type_check
def vertex_normals(vertices, faces):
    """Area-weighted unit normals (V, 3); zero where no face touches."""
    out = np.zeros_like(vertices)
    for t in range(faces.shape[0]):
        i, j, k = faces[t, 0], faces[t, 1], faces[t, 2]
        px, py, pz = vertices[i, 0], vertices[i, 1], vertices[i, 2]
        ax, ay, az = vertices[j, 0] - px, vertices[j, 1] - py, vertices[j, 2] - pz
        bx, by, bz = vertices[k, 0] - px, vertices[k, 1] - py, vertices[k, 2] - pz
        nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        for v in (i, j, k):
            out[v, 0] += nx
            out[v, 1] += ny
            out[v, 2] += nz
    for v in range(len(out)):
        size = np.sqrt(out[v, 0] ** 2 + out[v, 1] ** 2 + out[v, 2] ** 2) + 1e-12
        for c in range(3):
            out[v, c] /= size
    return out


@numba.njit(cache=True, fastmath=True, inline="always")
@no_type_check
def lit_share(shadow_map, to_light, px, py, pz, bias, radius):
    """Share of light (0..1) that reaches a point: 3 x 3 taps, `radius` map samples apart. Outside the map all is
    lit."""
    u = to_light[0, 0] * px + to_light[0, 1] * py + to_light[0, 2] * pz + to_light[0, 3]
    v = to_light[1, 0] * px + to_light[1, 1] * py + to_light[1, 2] * pz + to_light[1, 3]
    near = to_light[2, 0] * px + to_light[2, 1] * py + to_light[2, 2] * pz + to_light[2, 3] + bias
    size = shadow_map.shape[0]
    lit = 0.0
    for dy in range(-1, 2):
        row = int(v + dy * radius)
        for dx in range(-1, 2):
            column = int(u + dx * radius)
            if row < 0 or column < 0 or row >= size or column >= size or shadow_map[row, column] < near:
                lit += 1.0
    return lit / 9.0
