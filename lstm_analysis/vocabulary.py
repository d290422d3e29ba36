"""The model's vocabulary: which index the model reads for a surface form."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .errors import UserError

UNKNOWN_NAMES = ("<unk>", "<UNK>", "[UNK]", "unk", "UNK")
END_NAMES = ("</s>", "<eos>", "<EOS>", "</S>")
_NUMBER = re.compile(r"[-+]?[0-9][0-9.,:/]*(?:st|nd|rd|th|s)?")


@dataclass(frozen=True)
class Normalisation:
    """How a surface form is rewritten before it is looked up.

    Parameters
    ----------
    lower_case
        Look up the lower-cased form.
    number
        The name every number is looked up as (``N`` in the Penn Treebank convention); ``None`` keeps numbers.
    """

    lower_case: bool = False
    number: str | None = None

    def apply(self, form: str) -> str:
        """Return the form to look up.

        >>> Normalisation(lower_case=True, number="N").apply("1,250.5")
        'N'
        >>> Normalisation(lower_case=True, number="N").apply("Congress")
        'congress'
        """
        if self.number is not None and _NUMBER.fullmatch(form):
            return self.number
        return form.lower() if self.lower_case else form


@dataclass(frozen=True)
class Vocabulary:
    """Token names in the order of the model's embedding rows, and how text is matched to them.

    Parameters
    ----------
    tokens
        Name of each embedding row.
    normalisation
        Rewriting before the look-up; the end symbol and the unknown symbol are exempt.
    """

    tokens: tuple[str, ...]
    normalisation: Normalisation = Normalisation()
    _index: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        index = {token: i for i, token in enumerate(self.tokens)}
        if len(index) != len(self.tokens):
            twice = next(token for token, n in Counter(self.tokens).items() if n > 1)
            raise UserError(f"The vocabulary lists the token {twice!r} more than once; each row needs its own name.")
        object.__setattr__(self, "_index", index)

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def unknown(self) -> int | None:
        """Index of the unknown symbol, or ``None`` if the vocabulary has none."""
        return next((self._index[name] for name in UNKNOWN_NAMES if name in self._index), None)

    @property
    def end_of_sentence(self) -> str | None:
        """Name of the end-of-sentence symbol, or ``None`` if the vocabulary has none."""
        return next((name for name in END_NAMES if name in self._index), None)

    @property
    def level(self) -> str:
        """``char`` if no ordinary token but a run of blanks is longer than one character, else ``word``."""
        ordinary = [token for token in self.tokens if token not in (*UNKNOWN_NAMES, *END_NAMES)]
        return "char" if all(len(token) <= 1 or token.isspace() for token in ordinary) else "word"

    def index(self, form: str) -> int | None:
        """Return the row of a surface form; the unknown row if it has none of its own."""
        if form in END_NAMES and form not in self._index and self.end_of_sentence is not None:
            form = self.end_of_sentence
        found = self._index.get(form)
        if found is None or form not in (*UNKNOWN_NAMES, *END_NAMES):
            found = self._index.get(self.normalisation.apply(form), self.unknown)
        return found

    def encode(self, forms: Sequence[str]) -> NDArray[np.int32]:
        """Return the row of each surface form, shape ``(form,)``.

        Raises
        ------
        UserError
            If a form is not in the vocabulary and the vocabulary has no unknown symbol.
        """
        found = [self.index(form) for form in forms]
        missing = list(dict.fromkeys(form for form, i in zip(forms, found, strict=True) if i is None))
        if missing:
            shown = ", ".join(repr(form) for form in missing[:5])
            if self.level == "char" and any(len(form) > 1 for form in missing):
                raise UserError(
                    f"The model reads single characters ({len(self)} of them), but the corpus holds longer tokens, "
                    f"among them {shown}. Give it a corpus whose tokens are characters: JSON lines with a list of "
                    "characters as 'tokens', and end_of_sentence: null."
                )
            raise UserError(
                f"The model's vocabulary of {len(self)} tokens has no unknown symbol ({', '.join(UNKNOWN_NAMES[:2])}), "
                f"and the corpus holds {len(missing)} distinct tokens it lacks, among them {shown}. Give the model a "
                "vocabulary with an unknown symbol, or remove these tokens from the corpus."
            )
        return np.array(found, dtype=np.int32)

    @property
    def digest(self) -> str:
        """SHA-256 of the tokens and the normalisation."""
        text = json.dumps([self.tokens, self.normalisation.lower_case, self.normalisation.number])
        return hashlib.sha256(text.encode()).hexdigest()


def build_vocabulary(
    tokens: Iterable[str] | Mapping[str, int], size: int, normalisation: Normalisation, end_of_sentence: str | None
) -> Vocabulary:
    """Return the vocabulary of the ``size`` most frequent normalised tokens, unknown and end symbol included.

    ``tokens`` are the tokens of a text, or their counts. Ties are broken by the token's name, so that the same text
    gives the same vocabulary.

    Raises
    ------
    UserError
        If ``size`` leaves no room for a single word.
    """
    special = ["<unk>", *([end_of_sentence] if end_of_sentence else [])]
    if size <= len(special):
        raise UserError(f"A vocabulary of {size} tokens has no room for words beside {', '.join(special)}; enlarge it.")
    counts: Counter[str] = Counter()
    for form, n in Counter(tokens).items():
        token = normalisation.apply(form)
        if not {form, token} & set(special):
            counts[token] += n
    ranked = sorted(counts, key=lambda token: (-counts[token], token))
    return Vocabulary(tuple(special + ranked[: size - len(special)]), normalisation)
