"""Why a torch file is refused, and how its weights are saved: looked up in its bytes, of which nothing is ever run."""

import pickle
import pickletools
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from ...errors import UserError
from .arrays import check_declared

Instructions = list[tuple[str, object]]
N_LEGACY = 4
"""Pickles at the beginning of an old torch file: three small ones on how it was stored, and the object."""
_REFUSED = re.compile(r"(?:GLOBAL|[Cc]lass|instantiate) (?P<name>[\w.]+\.\w+)")
"""How torch's message names what it will not make."""
_WEIGHTS = ("state_dict", "model_state_dict", "model")
_STATE = ".state_dict()"
_ADVICE = (
    " Add 'vocab', a list of the tokens in the order of their indices, as corpus.dictionary.idx2word, or name a "
    "vocabulary file: model.vocabulary, or --vocabulary."
)
_HARMLESS = ("collections.OrderedDict", "torch.", "builtins.set", "__builtin__.set")
_MEMO = ("MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT", "STOP")


@dataclass(frozen=True)
class _Pickle:
    """What a pickle is made of: names of classes and functions, texts, and the instruction that ends it.

    It is plain if it is a file of its own, as ``pickle.dump`` writes it.
    """

    names: tuple[str, ...] = ()
    texts: frozenset[str] = frozenset()
    last: str = ""
    plain: bool = False


def refusal(path: Path, error: Exception) -> UserError:
    """Return what to tell the user of a torch file that cannot be loaded.

    Parameters
    ----------
    path
        The file.
    error
        What torch raised; its text is not passed on, since it recommends to run the file's code.
    """
    if "TorchScript" in str(error):
        return UserError(
            f"{path} is a TorchScript archive, a program with weights inside, and no program is ever run here. "
            "Where you trust it, save its weights: torch.save(torch.jit.load("
            f"{str(path)!r}, map_location='cpu').state_dict(), {_target(path)!r})."
        )
    match = _REFUSED.search(str(error))
    if isinstance(error, pickle.UnpicklingError) and (match or _is_plain_pickle(path)):
        found = _dissect(path)
        return _pickled(path, match["name"] if match else _strange(found), found)
    return UserError(f"{path} is not a whole torch file ({_bytes_of(path)}). Copy or save it again.")


def _pickled(path: Path, name: str, found: _Pickle) -> UserError:
    """Return the refusal of a file that would run code, with the three lines that save its weights."""
    modules = any(known.startswith("torch.nn.modules.") for known in found.names)
    key = next((key for key in _WEIGHTS if key in found.texts), "state_dict")
    entry = f"found[{key!r}]{_STATE * (modules and key == 'model')}"
    kind = _kind(found)
    what, weights = {
        "dict": (f"a dict that holds {name} beside its weights", entry),
        "list": (f"a list of objects, among them {name}", f"found[0]{_STATE * modules}"),
        "": (f"a pickled object ({name})", f"found{_STATE}"),
    }[kind]
    inside = [key for key in ("vocab", "vocabulary") if key in found.texts and kind == "dict"]
    words = f", 'vocab': found[{inside[0]!r}]" if inside else ""
    advice = "" if words else _ADVICE
    load = f"torch.load({str(path)!r}, weights_only=False, map_location='cpu')"
    if found.plain:
        load = f"pickle.load(open({str(path)!r}, 'rb'))"
    return UserError(
        f"{path} is {what}, not a state dict; unpickling it would run code from the file, so it is refused. Where you "
        f"trust it, run these three lines where the program that made it can be imported.{advice}\n"
        f"    found = {load}\n"
        f"    weights = {{'state_dict': {weights}{words}}}\n"
        f"    torch.save(weights, {_target(path)!r})"
    )


def _kind(found: _Pickle) -> str:
    if found.last in ("SETITEM", "SETITEMS", "DICT", "EMPTY_DICT"):
        return "dict"
    return "list" if found.last in ("APPEND", "APPENDS", "LIST", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3") else ""


def _strange(found: _Pickle) -> str:
    """Return the first thing of a pickle that is no part of a state dict."""
    return next((name for name in found.names if not name.startswith(_HARMLESS)), (*found.names, "no weights")[0])


def _target(path: Path) -> str:
    return f"{path.stem}-weights.pt"


def _dissect(path: Path) -> _Pickle:
    """Return what a file's pickle is made of; nothing of it is run."""
    names, texts, last, strings = [], set(), "", [""]
    try:
        instructions, plain = _instructions(path)
        for kind, value in instructions:
            last = last if kind in _MEMO else kind
            if kind in ("GLOBAL", "INST"):
                names.append(str(value).replace(" ", "."))
            elif kind == "STACK_GLOBAL":
                names.append(".".join(strings[-2:]))
            elif "UNICODE" in kind or "STRING" in kind:
                texts.add(str(value))
                strings.append(str(value))
    except Exception:  # a damaged file
        return _Pickle()
    return _Pickle(tuple(names), frozenset(texts), last, plain)


def _instructions(path: Path) -> tuple[Instructions, bool]:
    """Return the instructions of the object that a file holds, and whether it is a plain pickle."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            entry = next(entry for entry in archive.infolist() if entry.filename.endswith("data.pkl"))
            check_declared(path, entry.filename, entry.file_size, path.stat().st_size)
            return [(op.name, value) for op, value, _ in pickletools.genops(archive.read(entry))], False
    pickles: list[Instructions] = []
    with path.open("rb") as file:
        while len(pickles) < N_LEGACY and file.peek(1)[:1] == b"\x80":
            pickles.append([(op.name, value) for op, value, _ in pickletools.genops(file)])
    return max(pickles, key=len), len(pickles) == 1


def _is_plain_pickle(path: Path) -> bool:
    """Whether a file is what ``pickle.dump`` writes: from the protocol's mark to the stop sign."""
    with path.open("rb") as file:
        first = file.read(1)
        file.seek(-1, 2)
        return first == b"\x80" and file.read(1) == b"."


def _bytes_of(path: Path) -> str:
    """Return what a file is that is none of torch's."""
    with path.open("rb") as file:
        head = file.read(16)
    if not head:
        return "it is empty"
    if head.startswith(b"PK"):
        return f"its archive is cut off or damaged, {path.stat().st_size:,} bytes"
    if head.startswith(b"\x80"):
        return f"its pickle is cut off or damaged, {path.stat().st_size:,} bytes"
    return f"its bytes are not those of torch.save; it begins with {head!r}"
