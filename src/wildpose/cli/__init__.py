"""The command `wildpose`: one function per subcommand, imported only when it is called, so that each starts quickly."""

import difflib
import os
import sys
from importlib import import_module
from importlib.util import find_spec

from wildpose import __version__
from wildpose.errors import InputError

COMMANDS = {
    "predict": "3D poses of the people in photos and videos",
    "serve": "a local app for photos, videos and the webcam, in the browser [serve]",
    "demo": "predict on a real video clip, downloaded if you name none",
    "weights": "the weights in the package, and what a file says about itself",
    "bench": "how fast the network and the whole way from photo to pose are here",
    "evaluate": "the accuracy of weights on a data set [train]",
    "card": "a model card: weights measured on every set, as one page [train]",
    "train": "train a network in the paper's three phases [train]",
    "merge": "one network from several trainings that began alike [train]",
    "lift": "depth labels for photos with 2D labels, to train on [train]",
    "refine": "teach a trained network what poses bodies have [train]",
    "adapt": "teach the network your own photos, with 2D labels or none [train]",
    "export": "a trained checkpoint as an ONNX weights file [train]",
    "detector": "train, export and measure the network that finds people [train]",
    "reproduce": "the paper's tables: every row trained, ours beside the paper's [train]",
    "data": "make and check data sets [train]",
}
NEEDS_TRAIN = 'this needs the training extra; run: pip install "wildpose[train]"'


def main(args: list[str] | None = None) -> None:
    """Run a subcommand; exit code 2 and one line on stderr if what the user gave can't be used."""
    args = list(sys.argv[1:] if args is None else args)
    debug = "--debug" in args
    args = [arg for arg in args if arg != "--debug"]
    if not args or args[0] in ("-h", "--help", "help"):
        print(_help())
    elif args[0] in ("-V", "--version"):
        print(f"wildpose {__version__}")
    else:
        try:
            _run(args[0], args[1:])
            sys.stdout.flush()
        except BrokenPipeError:  # `wildpose weights | head`: the reader has what it wanted
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the exit would try to flush again
            raise SystemExit(141) from None
        except InputError as error:
            _stop(f"error: {error}", 2, debug)
        except OSError as error:
            if error.filename is None:
                raise
            got, fix = error.strerror or type(error).__name__, "check the path, its rights and the room on the disk"
            _stop(f"error: expected to be able to read or write {error.filename}, got {got}; {fix}", 2, debug)
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] == "wildpose":
                raise
            _stop(f"error: no module named {error.name}; {NEEDS_TRAIN}", 2, debug)
        except KeyboardInterrupt:
            _stop("stopped", 130, debug)


def _run(name: str, args: list[str]) -> None:
    import tyro

    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"perhaps you meant `wildpose {near[0]}`" if near else "see `wildpose --help`"
        raise InputError("a command of wildpose", repr(name), hint)
    if find_spec(f"wildpose.cli.{name}") is None:
        raise InputError("a finished command", repr(name), "it is not part of this version")
    command = getattr(import_module(f"wildpose.cli.{name}"), name)
    if isinstance(command, tyro.extras.SubcommandApp):
        command.cli(prog=f"wildpose {name}", description=COMMANDS[name], args=args)
    else:
        tyro.cli(command, prog=f"wildpose {name}", args=args)


def _stop(line: str, code: int, debug: bool) -> None:
    """Called while an exception is being handled: with debug, it goes on to the traceback."""
    if debug:
        raise
    print(line, file=sys.stderr)
    raise SystemExit(code)


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {what}" for name, what in COMMANDS.items()]
    return "\n".join(
        (
            f"wildpose {__version__}: 3D human pose from one colour image",
            "",
            "usage: wildpose COMMAND [OPTIONS]        wildpose COMMAND --help",
            "",
            *lines,
            "",
            f"[train]: {NEEDS_TRAIN.removeprefix('this ')}; [serve] likewise",
            "--debug after any command shows the traceback of an error.",
        )
    )
