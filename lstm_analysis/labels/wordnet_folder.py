"""WordNet as it lies in a folder: which senses a word has, in which class, how often; and what it is a form of."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from ..errors import UsageError

PARTS = ("noun", "verb", "adj", "adv")
"""Parts of speech; of equally frequent senses those of an earlier part count."""
FILES = (*(f"{kind}.{part}" for part in PARTS for kind in ("index", "data")), *(f"{part}.exc" for part in PARTS),
         "cntlist.rev")  # fmt: skip
LEXNAMES = (
    "adj.all", "adj.pert", "adv.all", "noun.Tops", "noun.act", "noun.animal", "noun.artifact", "noun.attribute",
    "noun.body", "noun.cognition", "noun.communication", "noun.event", "noun.feeling", "noun.food", "noun.group",
    "noun.location", "noun.motive", "noun.object", "noun.person", "noun.phenomenon", "noun.plant", "noun.possession",
    "noun.process", "noun.quantity", "noun.relation", "noun.shape", "noun.state", "noun.substance", "noun.time",
    "verb.body", "verb.change", "verb.cognition", "verb.communication", "verb.competition", "verb.consumption",
    "verb.contact", "verb.creation", "verb.emotion", "verb.motion", "verb.perception", "verb.possession",
    "verb.social", "verb.stative", "verb.weather", "adj.ppl",
)  # fmt: skip
"""The lexicographer classes by their number, which is column 2 of the data files."""
ENDINGS = {
    "noun": (("s", ""), ("ses", "s"), ("ves", "f"), ("xes", "x"), ("zes", "z"), ("ches", "ch"), ("shes", "sh"),
             ("men", "man"), ("ies", "y")),
    "verb": (("s", ""), ("ies", "y"), ("es", "e"), ("es", ""), ("ed", "e"), ("ed", ""), ("ing", "e"), ("ing", "")),
    "adj": (("er", ""), ("est", ""), ("er", "e"), ("est", "e")),
    "adv": (),
}  # fmt: skip
"""The regular endings of WordNet's morphology, and what stands in their place in the lemma."""

Senses = tuple[tuple[int, int], ...]
"""Number of the class and count of uses of each sense, in WordNet's order."""


@dataclass(frozen=True)
class Dictionary:
    """The senses and forms of WordNet; those of the same files are equal.

    Parameters
    ----------
    digest
        SHA-256 of the files.
    senses
        For each part of speech the senses of each lemma; blanks in a lemma are ``_``.
    exceptions
        For each part of speech the lemmas of each irregular form.
    """

    digest: str
    senses: Mapping[str, Mapping[str, Senses]] = field(compare=False, repr=False)
    exceptions: Mapping[str, Mapping[str, tuple[str, ...]]] = field(compare=False, repr=False)

    def lemmas(self, form: str, part: str) -> list[str]:
        """Return the lemmas that a lower-cased form belongs to as a part of speech.

        The form itself, those of WordNet's exceptions, and all that its regular endings give: *eyes* is a lemma and a
        form of *eye*.
        """
        cut = (form[: -len(end)] + new for end, new in ENDINGS[part] if form.endswith(end))
        found = (form, *self.exceptions[part].get(form, ()), *cut)
        return list(dict.fromkeys(lemma for lemma in found if lemma in self.senses[part]))


def read_wordnet(folder: Path) -> Dictionary:
    """Read a WordNet folder, such as Debian's ``/usr/share/wordnet`` or ``corpora/wordnet`` of NLTK.

    Parameters
    ----------
    folder
        It holds ``index.*``, ``data.*`` and ``*.exc`` for noun, verb, adj and adv, and ``cntlist.rev``.

    Raises
    ------
    UsageError
        If a file is missing or is not in WordNet's format, naming it.

    References
    ----------
    The formats: wndb(5WN), senseidx(5WN) and morphy(7WN) of WordNet 3.0.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        what = f"it lacks {', '.join(missing[:4])}" if folder.is_dir() else "there is no such folder"
        raise UsageError(
            f"{folder} is not a WordNet folder: {what}. Give path: with the folder that holds data.noun, index.noun "
            "and cntlist.rev; on Debian 'apt install wordnet-base' puts it at /usr/share/wordnet."
        )
    return _read(folder, wordnet_digest(folder))


def wordnet_digest(folder: Path) -> str:
    """Return the SHA-256 of the files that are read of a folder; those that are missing count as empty."""
    sha = hashlib.sha256()
    for path in (folder / name for name in FILES):
        sha.update(hashlib.sha256(path.read_bytes() if path.is_file() else b"").digest())
    return sha.hexdigest()


@lru_cache(maxsize=2)
def _read(folder: Path, digest: str) -> Dictionary:
    counts = _counts(folder / "cntlist.rev")
    senses = {part: _senses(folder, part, counts) for part in PARTS}
    exceptions = {part: _exceptions(folder / f"{part}.exc") for part in PARTS}
    return Dictionary(digest, senses, exceptions)


def _rows(file: Path) -> Iterator[list[str]]:
    """Yield the fields of each line but those of the licence, which are indented."""
    with file.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.strip() and not line.startswith(" "):
                yield line.split()


def _counts(file: Path) -> dict[tuple[str, str], dict[int, int]]:
    """Return how often each sense number of a part of speech and lemma is used in the texts tagged for WordNet."""
    parts = {"1": "noun", "2": "verb", "3": "adj", "4": "adv", "5": "adj"}
    counts: dict[tuple[str, str], dict[int, int]] = {}
    try:
        for key, number, count in _rows(file):
            lemma, _, kind = key.partition("%")
            counts.setdefault((parts[kind[0]], lemma), {})[int(number)] = int(count)
    except (ValueError, KeyError, IndexError):
        raise _not_wordnet(file, "'ability%1:07:00:: 1 42'") from None
    return counts


def _senses(folder: Path, part: str, counts: Mapping[tuple[str, str], Mapping[int, int]]) -> dict[str, Senses]:
    """Return class and count of each sense of each lemma."""
    data, index = folder / f"data.{part}", folder / f"index.{part}"
    try:
        class_of = {row[0]: int(row[1]) for row in _rows(data)}
        if not class_of or not 0 <= min(class_of.values()) <= max(class_of.values()) < len(LEXNAMES):
            raise ValueError
    except (ValueError, IndexError):
        raise _not_wordnet(data, "'00001740 03 n 01 entity 0 ...'") from None
    same: dict[Senses, Senses] = {}  # equal senses are one object, which keeps the table small when it travels
    found: dict[str, Senses] = {}
    try:
        for row in _rows(index):
            n, lemma = int(row[2]), row[0]
            used = counts.get((part, lemma), {})
            senses = tuple((class_of[offset], used.get(i, 0)) for i, offset in enumerate(row[len(row) - n :], 1))
            found[lemma] = same.setdefault(senses, senses)
    except (ValueError, IndexError, KeyError):
        raise _not_wordnet(index, "'entity n 1 1 ~ 1 1 00001740', its numbers those of a data file's lines") from None
    return found


def _exceptions(file: Path) -> dict[str, tuple[str, ...]]:
    return {row[0]: tuple(row[1:]) for row in _rows(file)}


def _not_wordnet(file: Path, example: str) -> UsageError:
    return UsageError(f"{file} is not in WordNet's format: its lines must look like {example}. Install WordNet anew.")
