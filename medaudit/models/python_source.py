"""Finding a user's factory, and fingerprinting the code that answers."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from medaudit.errors import ModelError

_PREFIX = "medaudit_user_"
_FORM = "python:FILE_OR_MODULE:FACTORY"
_LIMIT = "the fingerprint covers the file that defines the callable, not what it imports or loads"
_UNSEEN = "the callable's source is not on disk: the fingerprint covers its name and byte code alone"


def factory_of(target: str) -> Callable[[], Any]:
    """The factory that ``FILE_OR_MODULE:FACTORY`` names. The last colon divides: drives have one too."""
    place, _, name = target.rpartition(":")
    if not place or not name:
        raise ModelError(f"{target!r} names no factory. Type {_FORM}.")
    module = _module(place, target)
    factory = vars(module).get(name)
    if not callable(factory):
        raise ModelError(f"python:{target}: {_absence(module, place, name, factory)}")
    found: Callable[[], Any] = factory
    return found


def _absence(module: ModuleType, place: str, name: str, found: Any) -> str:
    if found is not None:
        return f"{name} is {type(found).__name__}, not a function without parameters."
    legal = sorted(n for n, value in vars(module).items() if callable(value) and not n.startswith("_"))
    near = get_close_matches(name, legal, n=1, cutoff=0.4)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"{Path(place).name} has no {name!r}.{hint} It has: {', '.join(legal[:20]) or 'no functions'}."


def _module(place: str, target: str) -> ModuleType:
    path = Path(place).expanduser()
    is_file = path.suffix == ".py" or "/" in place or "\\" in place
    try:
        if is_file:
            return _from_file(path, target)
        return importlib.import_module(place)
    except ModelError:
        raise
    except ModuleNotFoundError as error:
        if not is_file and error.name and (place + ".").startswith(error.name + "."):
            raise ModelError(
                f"python:{target}: no module {error.name!r} on the path. "
                f"Type a file instead (python:folder/file.py:FACTORY), or install the module."
            ) from error
        raise ModelError(f"python:{target}: it imports {error.name!r}, which is not installed.") from error
    except SyntaxError as error:
        where = f"{Path(error.filename or place).name}, line {error.lineno}"
        raise ModelError(f"python:{target}: syntax error in {where}: {error.msg}.") from error
    except Exception as error:  # a user's module may raise anything
        raise ModelError(
            f"python:{target}: does not import ({type(error).__name__}: {str(error)[:200]})."
        ) from error


def _from_file(path: Path, target: str) -> ModuleType:
    """Import a file under a name of its own; its folder joins the path, as when Python runs it."""
    if not path.is_file():
        others = [file.name for file in path.parent.glob("*.py")] if path.parent.is_dir() else []
        near = get_close_matches(path.name, others, n=1, cutoff=0.4)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ModelError(f"python:{target}: no such file.{hint} Type {_FORM}.")
    resolved = path.resolve()
    name = f"{_PREFIX}{hashlib.blake2b(str(resolved).encode(), digest_size=6).hexdigest()}"
    spec = importlib.util.spec_from_file_location(name, resolved)
    if spec is None or spec.loader is None:
        raise ModelError(f"python:{target}: not a Python file. Type {_FORM}.")
    module = importlib.util.module_from_spec(spec)
    if str(resolved.parent) not in sys.path:
        sys.path.append(str(resolved.parent))
    # Registered first: dataclasses and pickling look their module up by name.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:  # no half-executed module stays behind; raised again
        del sys.modules[name]
        raise
    return module


def qualified_name(function: Any) -> str:
    """``module.qualified.name`` of a function, or of the class of a callable object."""
    owner = _owner(function)
    module = inspect.getmodule(owner)
    stem = Path(str(getattr(module, "__file__", "") or "")).stem
    home = stem if str(owner.__module__).startswith(_PREFIX) else owner.__module__
    return f"{home}.{owner.__qualname__}"


def identity(function: Any) -> tuple[str, tuple[str, ...]]:
    """Fingerprint of a callable (sha256, 64 hex digits) and what it leaves uncovered.

    An attribute ``fingerprint`` of the callable is taken at its word: change it with every change. Else it
    is the digest of the source file's bytes, the qualified name, and the plain values (numbers, text) that
    a closure, an object or a partial holds.
    """
    name = qualified_name(function)
    stated = getattr(function, "fingerprint", None)
    if isinstance(stated, str) and stated:
        return _digest(name, "stated", stated), ()
    source, note = _source(_owner(function))
    return _digest(name, source, repr(_held(function))), (note,)


def _owner(function: Any) -> Any:
    """The function or class whose code answers, under partials and decorators."""
    while isinstance(function, partial):
        function = function.func
    function = inspect.unwrap(function)
    return function if hasattr(function, "__qualname__") else type(function)


def _source(owner: Any) -> tuple[str, str]:
    try:
        file = inspect.getsourcefile(owner)
    except TypeError:
        file = None
    if file is not None and Path(file).is_file():
        return hashlib.sha256(Path(file).read_bytes()).hexdigest(), _LIMIT
    code = getattr(owner, "__code__", None)
    body = "" if code is None else _byte_code(code)
    return _digest(body), _UNSEEN


def _byte_code(code: CodeType) -> str:
    """Instructions, names and constants; nested code by content, for its repr holds an address."""
    constants = [_byte_code(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return repr((code.co_code.hex(), code.co_names, constants))


def _held(function: Any) -> list[tuple[str, str]]:
    """Plain values in a closure, object or partial: callables of one factory may differ by them alone."""
    held: dict[str, object] = {}
    while isinstance(function, partial):
        held |= {f"argument {place}": value for place, value in enumerate(function.args)} | function.keywords
        function = function.func
    held |= getattr(getattr(function, "__self__", None), "__dict__", {}) | getattr(function, "__dict__", {})
    names = getattr(getattr(function, "__code__", None), "co_freevars", ())
    for name, cell in zip(names, getattr(function, "__closure__", None) or (), strict=False):
        try:
            held[name] = cell.cell_contents
        except ValueError:
            continue
    plain = (str, int, float, bool, type(None))
    return sorted((name, repr(value)) for name, value in held.items() if isinstance(value, plain))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
