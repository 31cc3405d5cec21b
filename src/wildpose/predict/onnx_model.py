"""The network as ONNX Runtime runs it, loaded from one self-describing file that is verified before it is used."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from jaxtyping import UInt8

from wildpose.codec import HeatmapCodec
from wildpose.errors import InputError
from wildpose.predict.answer import Answer
from wildpose.predict.shipped import ADD_IT, LARGE, shipped
from wildpose.skeleton import MPII16

FORMAT = "wildpose-weights/1"
METADATA_KEY = "wildpose"
FETCH = "fetch or export the weights again"


@dataclass(frozen=True)
class WeightsInfo:
    """What a weights file says about itself; `metadata` is all of it, as `wildpose weights` prints it."""

    name: str
    sha256: str
    """Of the file's bytes with these 64 hex digits replaced by zeros."""
    input_px: int
    heatmap_px: int
    sigma_px: float
    crop_scale: float
    """Side of the square crop in box sides."""
    bone_sum_mm: float
    """Mean over the training set of the summed length of MPII16_LEGACY_BONES: sets the scale of joints_mm."""
    metadata: dict[str, Any]


class OnnxModel:
    """Crops to heatmaps, depth and, if the network has a refiner, poses. Load it with `OnnxModel.load`."""

    def __init__(self, session: onnxruntime.InferenceSession, info: WeightsInfo):
        self.session, self.info = session, info
        self.outputs = [name for name in Answer._fields if name in {value.name for value in session.get_outputs()}]
        self.codec = HeatmapCodec(info.input_px, info.heatmap_px, info.sigma_px)

    @classmethod
    def load(cls, weights: str | Path = "default", threads: int | None = None) -> "OnnxModel":
        """Read and verify a weights file: one in the package by its name (`shipped`), or any by its path.

        threads: CPU threads a run may use (default 2). Raises InputError for a file that is missing, cut short, not
        ONNX, without metadata, altered (its SHA-256 does not match), or of another skeleton or format.
        """
        where, content = read_content(weights)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 2
        options.log_severity_level = 4  # a broken file is reported by us, in one line
        try:
            session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors share no public base class
            reason = " ".join(str(error).split())[:120]
            raise InputError(
                f"ONNX weights in {where}", f"{len(content)} bytes that can't be loaded (cut short? {reason})", FETCH
            ) from error
        info = read_info(where, content, session.get_modelmeta().custom_metadata_map)
        _check_interface(where, session, info)
        return cls(session, info)

    def run(self, crops_rgb: UInt8[np.ndarray, "N H W 3"]) -> Answer:
        """What the network says; heatmaps are those of the last stack."""
        return Answer(*self.session.run(self.outputs, {"crops_rgb": np.ascontiguousarray(crops_rgb)}))


def read_content(weights: str | Path) -> tuple[str, bytes]:
    """What to call a weights file in a message, and its bytes; a name of `shipped` is in the package. InputError."""
    name, path = str(weights), Path(weights)
    known = shipped()
    if name in known:
        return f"the {name} weights", known[name].read_bytes()
    if name == "default":
        raise InputError(
            "the weights that ship with wildpose", "an installation without them", "pass --weights FILE.onnx"
        )
    if path.is_file():
        return name, path.read_bytes()
    if name == LARGE:
        raise InputError("the large weights", "an installation without them", ADD_IT)
    if len(path.parts) == 1 and not path.suffix:  # a name rather than a path
        names = ", ".join(known) or "none"
        raise InputError(f"the name of weights in the package ({names}) or an .onnx file", repr(name),
                         "`wildpose weights` lists them")  # fmt: skip
    raise InputError(f"a weights file at {path}", "no such file", f"give an .onnx file, or a name: {', '.join(known)}")


def read_info(where: str, content: bytes, metadata_map: dict[str, str]) -> WeightsInfo:
    """Metadata of a weights file, checked: format, skeleton, digest. Raises InputError."""
    if METADATA_KEY not in metadata_map:
        raise InputError(
            f"wildpose metadata in {where}", "an ONNX file without it", "export one with `wildpose export`"
        )
    try:
        metadata = json.loads(metadata_map[METADATA_KEY])
        found = metadata["format"], tuple(metadata["joints"])
        info = WeightsInfo(
            name=str(metadata["name"]),
            sha256=str(metadata["sha256"]),
            input_px=int(metadata["input_px"]),
            heatmap_px=int(metadata["heatmap_px"]),
            sigma_px=float(metadata["sigma_px"]),
            crop_scale=float(metadata["crop_scale"]),
            bone_sum_mm=float(metadata["bone_sum_mm"]),
            metadata=metadata,
        )
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"complete wildpose metadata in {where}", f"{type(error).__name__}: {error}", FETCH) from error
    if found[0] != FORMAT:
        raise InputError(f"format {FORMAT} in {where}", repr(found[0]), "use weights of this version of wildpose")
    if found[1] != MPII16.joints:
        raise InputError(f"the {MPII16.n} joints of {MPII16.name} in {where}", f"{len(found[1])} others", FETCH)
    digest = content_digest(content, info.sha256)
    if digest != info.sha256:
        raise InputError(f"SHA-256 {info.sha256[:12]}... of {where}", f"{digest[:12]}... (altered file)", FETCH)
    return info


def content_digest(content: bytes, stated: str) -> str:
    """SHA-256 of a weights file in whose bytes the stated digest counts as zeros, for a file can't hold its own."""
    return hashlib.sha256(content.replace(stated.encode(), b"0" * 64, 1)).hexdigest()


def _check_interface(where: str, session: onnxruntime.InferenceSession, info: WeightsInfo) -> None:
    wanted = {"crops_rgb": ["N", "H", "W", 3], "heatmaps": ["N", MPII16.n, "h", "w"], "depth": ["N", MPII16.n]}
    found = {value.name: value.shape for value in (*session.get_inputs(), *session.get_outputs())}
    if "pose" in found:
        wanted["pose"] = ["N", MPII16.n, 3]
    if {name: len(shape) for name, shape in wanted.items()} != {name: len(shape) for name, shape in found.items()}:
        raise InputError(f"input crops_rgb and outputs heatmaps, depth (and pose) in {where}", f"{found}", FETCH)
    if not 0 < info.heatmap_px <= info.input_px or info.sigma_px <= 0 or info.crop_scale <= 0 or info.bone_sum_mm <= 0:
        raise InputError(f"positive sizes in the metadata of {where}", "one that is not", FETCH)
