"""Light on surfaces and on what lies behind them (numba). Colours are linear RGB; positions metres, z up."""

from typing import no_type_check

import numba
import numpy as np

from wildpose.studio.raster import lit_share

# columns of the material table
TEXTURE, SCALE, SECOND_R, SPECULAR, GLOSS, SHEEN, BUMP, COLUMNS = 0, 1, 2, 5, 6, 7, 8, 9


@numba.njit(cache=True, fastmath=True, inline="always")
@no_type_check
def _ambient(sh, x, y, z, c):
    """Irradiance / pi of a direction from nine spherical-harmonic coefficients, cosine lobe included."""
    return (
        sh[0, c] + sh[1, c] * y + sh[2, c] * z + sh[3, c] * x + sh[4, c] * x * y + sh[5, c] * y * z
        + sh[6, c] * (3 * z * z - 1) + sh[7, c] * x * z + sh[8, c] * (x * x - y * y)
    )  # fmt: skip


@numba.njit(cache=True, fastmath=True)
@no_type_check
def shade_surfaces(
    face_at, weight_1, weight_2, nearness, faces, material_of, points, depth, normals, colors, uv, materials, textures,
    eye, sun_dir, sun_color, sh, shadow_map, to_light, shadow_radius, factor, out, alpha,
):  # fmt: skip
    """Add the light of every covered sample, averaged over factor x factor samples a pixel, to out (H, W, 3) and
    alpha."""
    share = 1.0 / (factor * factor)
    tile = textures.shape[1]
    for row in range(face_at.shape[0]):
        for column in range(face_at.shape[1]):
            t = face_at[row, column]
            if t < 0:
                continue
            i, j, k = faces[t, 0], faces[t, 1], faces[t, 2]
            z = 1.0 / nearness[row, column]
            w1 = weight_1[row, column] * z / depth[j]
            w2 = weight_2[row, column] * z / depth[k]
            w0 = 1.0 - w1 - w2
            px = w0 * points[i, 0] + w1 * points[j, 0] + w2 * points[k, 0]
            py = w0 * points[i, 1] + w1 * points[j, 1] + w2 * points[k, 1]
            pz = w0 * points[i, 2] + w1 * points[j, 2] + w2 * points[k, 2]
            nx = w0 * normals[i, 0] + w1 * normals[j, 0] + w2 * normals[k, 0]
            ny = w0 * normals[i, 1] + w1 * normals[j, 1] + w2 * normals[k, 1]
            nz = w0 * normals[i, 2] + w1 * normals[j, 2] + w2 * normals[k, 2]
            u = w0 * uv[i, 0] + w1 * uv[j, 0] + w2 * uv[k, 0]
            v = w0 * uv[i, 1] + w1 * uv[j, 1] + w2 * uv[k, 1]
            m = material_of[t]
            texture, scale = int(materials[m, 0]), materials[m, 1]
            tu, tv = int(np.floor(u * scale * tile)) % tile, int(np.floor(v * scale * tile)) % tile
            mixing, shading = textures[texture, tv, tu, 0], textures[texture, tv, tu, 1]
            bump = materials[m, 8] * (shading - textures[texture, (tv + 1) % tile, tu, 1])
            vx, vy, vz = eye[0] - px, eye[1] - py, eye[2] - pz
            size = 1.0 / np.sqrt(vx * vx + vy * vy + vz * vz)
            vx, vy, vz = vx * size, vy * size, vz * size
            if nx * vx + ny * vy + nz * vz < 0:
                nx, ny, nz = -nx, -ny, -nz
            nz += bump
            size = 1.0 / np.sqrt(nx * nx + ny * ny + nz * nz + 1e-12)
            nx, ny, nz = nx * size, ny * size, nz * size
            facing = max(nx * vx + ny * vy + nz * vz, 0.0)
            to_sun = nx * sun_dir[0] + ny * sun_dir[1] + nz * sun_dir[2]
            lit = 0.0
            if to_sun > -0.1:
                lit = lit_share(
                    shadow_map, to_light, px + 0.02 * nx, py + 0.02 * ny, pz + 0.02 * nz, 0.015, shadow_radius
                )
            direct = max((to_sun + 0.1) / 1.1, 0.0) * lit
            hx, hy, hz = sun_dir[0] + vx, sun_dir[1] + vy, sun_dir[2] + vz
            size = 1.0 / np.sqrt(hx * hx + hy * hy + hz * hz + 1e-12)
            shine = materials[m, 5] * max((nx * hx + ny * hy + nz * hz) * size, 0.0) ** materials[m, 6] * lit
            sheen = materials[m, 7] * (1 - facing) ** 3
            row_out, column_out = row // factor, column // factor
            for c in range(3):
                color = w0 * colors[i, c] + w1 * colors[j, c] + w2 * colors[k, c]
                color = (color + (materials[m, 2 + c] - color) * mixing) * shading
                around = max(_ambient(sh, nx, ny, nz, c), 0.0)
                light = color * (around * (0.55 + 0.45 * facing) + sun_color[c] * direct)
                out[row_out, column_out, c] += share * (light + shine * sun_color[c] + sheen * around)
            alpha[row_out, column_out] += share


@numba.njit(cache=True, fastmath=True)
@no_type_check
def shade_panorama(panorama, inverse_k, to_world, eye, gain, shadow_map, to_light, radius, strength, alpha, out):
    """Add an equirectangular environment behind the surfaces, with the shadow that falls on the ground plane z = 0."""
    rows, columns = panorama.shape[0], panorama.shape[1]
    for row in range(out.shape[0]):
        for column in range(out.shape[1]):
            rest = 1.0 - alpha[row, column]
            if rest <= 1e-3:
                continue
            x, y, z = _ray(inverse_k, to_world, column, row)
            lit = 1.0
            if z < -1e-4:
                far = -eye[2] / z
                if 0 < far < 40:
                    lit = 1 - strength * (
                        1 - lit_share(shadow_map, to_light, eye[0] + far * x, eye[1] + far * y, 0.0, 0.01, radius)
                    )
            u = (np.arctan2(x, -y) / (2 * np.pi) + 0.5) * columns - 0.5
            v = np.arccos(min(max(z, -1.0), 1.0)) / np.pi * rows - 0.5
            u0, v0 = int(np.floor(u)), int(np.floor(v))
            fu, fv = u - u0, v - v0
            u1, v1 = (u0 + 1) % columns, min(max(v0 + 1, 0), rows - 1)
            u0, v0 = u0 % columns, min(max(v0, 0), rows - 1)
            for c in range(3):
                near = panorama[v0, u0, c] * (1 - fu) + panorama[v0, u1, c] * fu
                far_row = panorama[v1, u0, c] * (1 - fu) + panorama[v1, u1, c] * fu
                out[row, column, c] += rest * gain * lit * (near * (1 - fv) + far_row * fv)


@numba.njit(cache=True, fastmath=True)
@no_type_check
def _ray(inverse_k, to_world, column, row):
    """Unit world direction of a pixel."""
    a = inverse_k[0, 0] * column + inverse_k[0, 2]
    b = inverse_k[1, 1] * row + inverse_k[1, 2]
    x = to_world[0, 0] * a + to_world[0, 1] * b + to_world[0, 2]
    y = to_world[1, 0] * a + to_world[1, 1] * b + to_world[1, 2]
    z = to_world[2, 0] * a + to_world[2, 1] * b + to_world[2, 2]
    size = 1.0 / np.sqrt(x * x + y * y + z * z)
    return x * size, y * size, z * size


@numba.njit(cache=True, fastmath=True)
@no_type_check
def shade_room(
    room, colors, textures, texture_ids, scales, inverse_k, to_world, eye, sun_dir, sun_color, sh, shadow_map, to_light,
    radius, alpha, out,
):  # fmt: skip
    """Add a box room (room: (3, 2) bounds) behind the surfaces. Surfaces: floor, walls across x, walls across y,
    ceiling.

    colors: (4, 2, 3) two colours a surface, mixed by its texture.
    """
    tile = textures.shape[1]
    hit = np.empty(3)
    for row in range(out.shape[0]):
        for column in range(out.shape[1]):
            rest = 1.0 - alpha[row, column]
            if rest <= 1e-3:
                continue
            x, y, z = _ray(inverse_k, to_world, column, row)
            nearest, axis, high = 1e9, 2, 0
            for a in range(3):
                d = x if a == 0 else (y if a == 1 else z)
                if abs(d) < 1e-6:
                    continue
                side = 1 if d > 0 else 0
                far = (room[a, side] - eye[a]) / d
                if 0 < far < nearest:
                    nearest, axis, high = far, a, side
            hit[0], hit[1], hit[2] = eye[0] + nearest * x, eye[1] + nearest * y, eye[2] + nearest * z
            surface = (3 if high == 1 else 0) if axis == 2 else 1 + axis
            u = hit[1] if axis == 0 else hit[0]
            v = hit[1] if axis == 2 else -hit[2]
            texture, scale = texture_ids[surface], scales[surface]
            tu, tv = int(np.floor(u * scale * tile)) % tile, int(np.floor(v * scale * tile)) % tile
            mixing, shading = textures[texture, tv, tu, 0], textures[texture, tv, tu, 1]
            sign = -1.0 if high == 1 else 1.0
            nx, ny, nz = sign * (axis == 0), sign * (axis == 1), sign * (axis == 2)
            to_sun = max(nx * sun_dir[0] + ny * sun_dir[1] + nz * sun_dir[2], 0.0)
            lit = 0.0
            if to_sun > 0:
                lit = lit_share(shadow_map, to_light, hit[0], hit[1], hit[2], 0.02, radius)
            edge = 1e9  # corners are darker: light reaches them from fewer sides
            for a in range(3):
                if a != axis:
                    edge = min(edge, min(hit[a] - room[a, 0], room[a, 1] - hit[a]))
            corner = 1 - 0.35 * np.exp(-max(edge, 0.0) / 0.25)
            for c in range(3):
                color = (colors[surface, 0, c] + (colors[surface, 1, c] - colors[surface, 0, c]) * mixing) * shading
                around = max(_ambient(sh, nx, ny, nz, c), 0.0) * corner
                out[row, column, c] += rest * color * (around + sun_color[c] * to_sun * lit)
