"""The packages that the imports of a source say its names belong to."""

from collections.abc import Sequence
from itertools import takewhile


def api_column(forms: Sequence[str]) -> list[str]:
    """Return the package of each token that is a name from an import, else ``""``, dims (token).

    A name is looked up unless it is a member of something else (after ``.`` or ``::``). What is a member of a name
    that was imported as static (``out.println`` after ``import static java.lang.System.out``) is of the same package.
    Imports of everything (``java.util.*``) and what needs no import (``java.lang``) name no name.

    Parameters
    ----------
    forms
        Tokens of a whole source, without comments.

    >>> forms = "import java . util . List ; List < E > x ; y . List".split()
    >>> api_column(forms)[7:9]
    ['java.util', '']
    """
    packages, static = imported_names(forms)
    found = [""] * len(forms)
    if not packages:
        return found
    for i, form in enumerate(forms):
        if form in packages and (not i or forms[i - 1] not in (".", "::")):
            found[i] = packages[form]
            if form in static and i + 2 < len(forms) and forms[i + 1] == "." and forms[i + 2].isidentifier():
                found[i + 2] = packages[form]
    return found


def imported_names(forms: Sequence[str]) -> tuple[dict[str, str], set[str]]:
    """Return the package of each name that a source imports, and which of them are members of a class."""
    packages: dict[str, str] = {}
    static: set[str] = set()
    for declared in _imports(forms):
        member = declared[:1] == ["static"]
        path = declared[member:]
        owner = path[: -1 - member]
        package = ".".join(takewhile(lambda name: not name[:1].isupper(), owner))
        if package and path[-1] != "*":
            packages[path[-1]] = package
            if member:
                static.add(path[-1])
    return packages, static


def _imports(forms: Sequence[str]) -> list[list[str]]:
    """Return what stands after each ``import``, up to its semicolon, without points."""
    found: list[list[str]] = []
    at = 0
    while True:
        try:
            at = forms.index("import", at) + 1
            stop = forms.index(";", at)
        except ValueError:
            return found
        declared = list(forms[at:stop])
        if declared[1:2] != ["."] and declared[:1] != ["static"]:
            continue
        if all(name == "." for name in declared[1 + (declared[0] == "static") :: 2]):
            found.append([name for name in declared if name != "."])
