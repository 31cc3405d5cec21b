"""The flags that say what data there is to learn from: the same for every command that trains on it."""

from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import OmitArgPrefixes, UseAppendAction, arg

if TYPE_CHECKING:  # torch takes a second: not for --help
    from wildpose.data.mix import TrainData

MoreSets = Annotated[UseAppendAction[tuple[tuple[str, ...], ...]], arg(metavar="NAME=PATH[:RATIO]...")]


@dataclass(frozen=True)
class Sets:
    """Data sets."""

    lsp: Path | None = None
    """Leeds Sports Poses, as its authors lay it out (joints.mat, images/)."""
    lspet: Path | None = None
    """Its extended training set, likewise."""
    outdoor: Path | None = None
    """Rendered people whose 2D labels stand in for photos (`wildpose data outdoor`)."""
    studio: Path | None = None
    """Rendered people with 3D labels (`wildpose data studio`)."""
    data_2d: MoreSets = ()
    """Further sets with 2D labels (lsp, lspet, mpii, coco, outdoor) and their shares of the draws, such as coco=DIR:1
    mpii=DIR:2. If one has a ratio, all need one: give every set by this flag then. For one phase
    of `train`: --set PHASE.mix=NAME:RATIO,..."""
    data_3d: MoreSets = ()
    """Likewise sets with 3D labels (studio, outdoor, human36m, mpi_inf_3dhp). How many of a batch have 3D labels,
    in `train`: --set PHASE.batch_3d."""

    def load(self, lifted: Path | None = None) -> "TrainData":
        """Opened and mixed; with the depth labels of a folder of `wildpose lift`. InputError for what isn't there."""
        from wildpose.data.kinds import KINDS_2D, KINDS_3D
        from wildpose.data.mix import build_data, parse_source

        more_2d = [parse_source(text, KINDS_2D, "--data-2d") for text in chain(*self.data_2d)]
        more_3d = [parse_source(text, KINDS_3D, "--data-3d") for text in chain(*self.data_3d)]
        return build_data(self.lsp, self.lspet, self.outdoor, self.studio, more_2d, more_3d, lifted)


SetFlags = OmitArgPrefixes[Sets]
"""As a parameter of a command: --lsp, not --sets.lsp."""
NO_SETS = Sets()
