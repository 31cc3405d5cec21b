"""Pickles read as data: numbers, text, lists, dictionaries and NumPy arrays of those, nothing else.

Some data sets publish dictionaries as pickles, or object arrays in .npz files. A pickle is a program; `pickle.load`
runs it and imports whatever it names. Here its steps are interpreted one by one instead: names of functions are only
ever compared with the few by which NumPy rebuilds an array, and no foreign function is looked up, imported or called.
"""

import pickletools
import re
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from wildpose.errors import InputError

_MARK = object()
_PLAIN_DTYPE = re.compile(r"[<>|=]?[biufSU]\d{1,6}")
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_NUMBERS = {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"}
_TEXTS = {"STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"}
_BYTES = {"BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"}
_ARRAY_MODULES = ("numpy.core.multiarray", "numpy._core.multiarray")
_NUMERIC_MODULES = ("numpy.core.numeric", "numpy._core.numeric")


@dataclass
class _Name:
    """A function or class that the pickle names; never looked up."""

    module: str
    name: str


@dataclass
class _Rebuilt:
    """An array or dtype between its creation and the step that fills it."""

    kind: str
    value: Any = None


class _Unsuited(Exception):
    """What the pickle holds that isn't plain data."""


def read_plain_pickle(data: bytes, path: Path) -> Any:
    """The plain data of a pickle; InputError names the first thing in it that isn't, or says that it's damaged."""
    fix = "get the data in another format; a pickle that needs more may run any program and is never opened"
    try:
        return _resolved(_interpreted(data), {})
    except _Unsuited as error:
        raise InputError(f"numbers, text and arrays in the pickle {path}", str(error), fix) from None
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise InputError(f"a whole pickle in {path}", f"{type(error).__name__} ({error})", fix) from None


def _interpreted(data: bytes) -> Any:
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    for opcode, argument, _ in pickletools.genops(data):
        step = opcode.name
        if step in ("PROTO", "FRAME"):
            continue
        if step == "STOP":
            return stack.pop()
        if step in _CONSTANTS:
            stack.append(_CONSTANTS[step])
        elif step in _NUMBERS or step in _TEXTS or step in _BYTES:
            stack.append(argument)
        elif step == "MARK":
            stack.append(_MARK)
        elif step in ("PUT", "BINPUT", "LONG_BINPUT"):
            memo[argument] = stack[-1]
        elif step == "MEMOIZE":
            memo[len(memo)] = stack[-1]
        elif step in ("GET", "BINGET", "LONG_BINGET"):
            stack.append(memo[argument])
        elif step == "GLOBAL":
            stack.append(_Name(*argument.split(" ", 1)))
        elif step == "STACK_GLOBAL":
            name, module = stack.pop(), stack.pop()
            stack.append(_Name(module, name))
        elif step == "REDUCE":
            arguments, called = stack.pop(), stack.pop()
            stack.append(_called(called, arguments))
        elif step == "BUILD":
            state = stack.pop()
            _fill(stack[-1], state)
        else:
            _container(step, stack)
    raise ValueError("no end")


def _container(step: str, stack: list[Any]) -> None:
    if step in ("EMPTY_LIST", "EMPTY_TUPLE", "EMPTY_DICT"):
        stack.append({"EMPTY_LIST": [], "EMPTY_TUPLE": (), "EMPTY_DICT": {}}[step])
    elif step in ("TUPLE1", "TUPLE2", "TUPLE3"):
        size = int(step[-1])
        stack[-size:] = [tuple(stack[-size:])]
    elif step == "APPEND":
        value = stack.pop()
        stack[-1].append(value)
    elif step == "SETITEM":
        value, key = stack.pop(), stack.pop()
        stack[-1][key] = value
    elif step in ("LIST", "TUPLE", "DICT", "APPENDS", "SETITEMS"):
        start = len(stack) - 1 - next(i for i, value in enumerate(reversed(stack)) if value is _MARK)
        values = stack[start + 1 :]
        del stack[start:]
        pairs = dict(zip(values[::2], values[1::2], strict=True)) if step in ("DICT", "SETITEMS") else {}
        if step == "APPENDS":
            stack[-1].extend(values)
        elif step == "SETITEMS":
            stack[-1].update(pairs)
        else:
            stack.append({"LIST": values, "TUPLE": tuple(values), "DICT": pairs}[step])
    else:
        raise _Unsuited(f"the step {step}")


def _called(called: Any, arguments: tuple) -> Any:
    """The value of one of the few calls that NumPy's pickles consist of."""
    if not isinstance(called, _Name):
        raise _Unsuited("a call of something without a name")
    module, name = called.module, called.name
    if module in _ARRAY_MODULES and name == "_reconstruct":
        return _Rebuilt("array")
    if (module, name) == ("numpy", "dtype"):
        return _Rebuilt("dtype", _dtype(arguments[0]))
    if module in _ARRAY_MODULES and name == "scalar":
        return np.frombuffer(arguments[1], arguments[0].value)[0]
    if module in _NUMERIC_MODULES and name == "_frombuffer":
        data, dtype, shape, order = arguments
        return _Rebuilt("array", _array(bytes(data), dtype.value, shape, order == "F"))
    if (module, name) == ("_codecs", "encode") and arguments[1] == "latin1":  # bytes, as protocol 2 writes them
        return arguments[0].encode("latin1")
    if (module, name) == ("collections", "OrderedDict") and not arguments:
        return {}
    raise _Unsuited(f"a call of {module}.{name}")


def _fill(target: Any, state: Any) -> None:
    if not isinstance(target, _Rebuilt):
        raise _Unsuited(f"a state for {type(target).__name__}")
    if target.kind == "dtype":
        _, order, subdtype, names, *_ = state
        if subdtype is not None or names is not None:
            raise _Unsuited("a dtype with fields")
        target.value = target.value if order == "|" else target.value.newbyteorder(order)
    else:
        _, shape, dtype, fortran, raw = state
        raw = raw.encode("latin1") if isinstance(raw, str) else raw  # as Python 2 wrote them
        target.value = _array(raw, dtype.value, shape, fortran)


def _dtype(code: Any) -> np.dtype:
    if not isinstance(code, str) or not (_PLAIN_DTYPE.fullmatch(code) or code in ("O", "O8")):
        raise _Unsuited(f"the dtype {code!r}")
    return np.dtype(code[0] if code == "O8" else code)


def _array(raw: Any, dtype: np.dtype, shape: tuple[int, ...], fortran: bool) -> np.ndarray:
    if dtype.hasobject:
        values = np.empty(len(raw), dtype=object)
        for i, value in enumerate(raw):
            values[i] = value
    else:
        if len(raw) != prod(shape) * dtype.itemsize:
            raise ValueError(f"{len(raw)} bytes for an array of shape {shape}")
        values = np.frombuffer(raw, dtype).copy()
    return values.reshape(shape, order="F" if fortran else "C")


def _resolved(value: Any, done: dict[int, Any]) -> Any:
    """The same without placeholders; what is shared stays shared, so that nothing can swell."""
    if id(value) in done:
        return done[id(value)][1]
    if isinstance(value, _Name):
        raise _Unsuited(f"the name {value.module}.{value.name}")
    result = value.value if isinstance(value, _Rebuilt) else value
    if isinstance(value, _Rebuilt) and not isinstance(result, np.ndarray):
        raise _Unsuited("an unfinished array" if value.kind == "array" else "a dtype")
    if isinstance(result, np.ndarray) and result.dtype.hasobject:
        for i in np.ndindex(result.shape):
            result[i] = _resolved(result[i], done)
    elif isinstance(result, (list, tuple)):
        result = type(result)([_resolved(v, done) for v in result])
    elif isinstance(result, dict):
        result = {_resolved(k, done): _resolved(v, done) for k, v in result.items()}
    done[id(value)] = (value, result)  # the value too: an id is one's own only while it lives
    return result
