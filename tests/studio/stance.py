"""Joint angles of the canonical stance: upright, arms hanging, everything straight."""

STANCE = {name: 0.0 for name in ("pitch", "roll", "bend", "lean", "twist", "nod", "tilt", "turn")} | {
    f"{side}_{name}": 0.0
    for side in ("left", "right")
    for name in ("hip_flex", "hip_abd", "hip_rot", "knee", "ankle", "arm_flex", "arm_abd", "arm_rot", "elbow")
}
