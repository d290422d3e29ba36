"""The model's vocabulary: the names of its rows, and which row a surface form is."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .errors import UserError, nearest

UNKNOWN_NAMES = ("<unk>", "<UNK>", "[UNK]", "unk", "UNK")
END_NAMES = ("</s>", "<eos>", "<EOS>", "</S>")
BYTE_NAMES = tuple(chr(i) if 32 <= i < 127 or chr(i) in "\t\n\r" else f"<0x{i:02X}>" for i in range(256))
"""Names of the rows of a model that reads bytes: printable ASCII as it is, the others by their number."""
BYTES = "bytes"
"""What a study gives as the vocabulary of a model that reads bytes."""
Level = Literal["word", "char", "byte", "subword"]
_SPECIAL = re.compile(r"<\S+>|\[[A-Z]+\]|unk|UNK")
_NUMBER = re.compile(r"[-+]?[0-9][0-9.,:/]*(?:st|nd|rd|th|s)?")
LITERAL_NAMES = ("<string>", "<char>", "<number>")
"""Names that all strings, characters and numbers of program code are looked up as."""
_LITERALS = (re.compile(r'".+', re.DOTALL), re.compile(r"'.+'", re.DOTALL), re.compile(r"\.?[0-9].*"))


@dataclass(frozen=True)
class Normalisation:
    """How a surface form is rewritten before it is looked up.

    Parameters
    ----------
    lower_case
        Look up the lower-cased form.
    number
        The name every number is looked up as (``N`` in the Penn Treebank convention); ``None`` keeps numbers.
    unknown
        Name of the row that stands for what the vocabulary lacks; ``None`` for the first of `UNKNOWN_NAMES` in it.
    end_of_sentence
        Name of the row that ends a sentence; ``None`` for the first of `END_NAMES` in the vocabulary.
    literals
        Look up string, character and number literals of program code as `LITERAL_NAMES`; goes before ``number``.
    """

    lower_case: bool = False
    number: str | None = None
    unknown: str | None = None
    end_of_sentence: str | None = None
    literals: bool = False

    def apply(self, form: str) -> str:
        """Return the form to look up.

        A form that is already the name of numbers stays as it is, as in text where they were replaced before.

        >>> Normalisation(lower_case=True, number="N").apply("1,250.5")
        'N'
        >>> Normalisation(lower_case=True, number="N").apply("Congress")
        'congress'
        >>> [Normalisation(literals=True).apply(form) for form in ('"a b"', "'\\\\n'", "0x1FL", "'s", "x1")]
        ['<string>', '<char>', '<number>', "'s", 'x1']
        """
        if self.literals:
            for name, pattern in zip(LITERAL_NAMES, _LITERALS, strict=True):
                if pattern.fullmatch(form):
                    return name
        if self.number is not None and (form == self.number or _NUMBER.fullmatch(form)):
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
    tokenizer
        The JSON of a Hugging Face tokenizer that cuts text into these tokens; ``None`` if there is none.
    """

    tokens: tuple[str, ...]
    normalisation: Normalisation = Normalisation()
    tokenizer: str | None = field(default=None, repr=False)
    _index: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        index = {token: i for i, token in enumerate(self.tokens)}
        if len(index) != len(self.tokens):
            twice = next(token for token, n in Counter(self.tokens).items() if n > 1)
            raise UserError(f"The vocabulary lists the token {twice!r} more than once; each row needs its own name.")
        object.__setattr__(self, "_index", index)
        self._require(self.normalisation.unknown, "unknown")
        self._require(self.normalisation.end_of_sentence, "end")

    def _require(self, symbol: str | None, what: str) -> None:
        if symbol is not None and symbol not in self._index:
            known = [name for name in self.tokens if _SPECIAL.fullmatch(name)] or self.tokens[:9]
            raise UserError(
                f"The {what} symbol is to be {symbol!r}, which is none of the vocabulary's {len(self)} tokens; "
                f"{nearest(symbol, known)}"
            )

    def __len__(self) -> int:
        return len(self.tokens)

    def with_rows(self, n_row: int) -> "Vocabulary":
        """Return the vocabulary for an embedding of more rows than its tokenizer has tokens: never used, but there."""
        if self.tokenizer is None or n_row <= len(self):
            return self
        return replace(self, tokens=self.tokens + tuple(unused(row) for row in range(len(self), n_row)))

    @property
    def unknown(self) -> int | None:
        """Index of the unknown symbol, or ``None`` if the vocabulary has none."""
        names = UNKNOWN_NAMES if self.normalisation.unknown is None else (self.normalisation.unknown,)
        return next((self._index[name] for name in names if name in self._index), None)

    @property
    def end_of_sentence(self) -> str | None:
        """Name of the end-of-sentence symbol, or ``None``; that of characters and bytes is the newline."""
        if self.normalisation.end_of_sentence is not None:
            return self.normalisation.end_of_sentence
        names = (*END_NAMES, "\n") if self.level in ("char", "byte") else END_NAMES
        return next((name for name in names if name in self._index), None)

    @cached_property
    def level(self) -> Level:
        """What a row is: a ``word``, a ``char``, a ``byte``, or a piece of a tokenizer (``subword``).

        Rows of one character are those of a character model if one of them is the blank, which joins the words. Without
        it the words of the corpus must themselves be characters.
        """
        if self.tokenizer is not None:
            return "subword"
        if self.tokens == BYTE_NAMES:
            return "byte"
        return "char" if self.single_characters and " " in self._index else "word"

    @cached_property
    def _exempt(self) -> frozenset[str | None]:
        """Symbols that are looked up as they are."""
        return frozenset((*UNKNOWN_NAMES, *END_NAMES, self.normalisation.unknown, self.normalisation.end_of_sentence))

    @property
    def single_characters(self) -> bool:
        """Whether no token but special ones and runs of blanks is longer than one character."""
        return all(len(token) <= 1 or token.isspace() or _SPECIAL.fullmatch(token) for token in self.tokens)

    def index(self, form: str) -> int | None:
        """Return the row of a surface form; the unknown row if it has none of its own."""
        if form in END_NAMES and form not in self._index and self.end_of_sentence is not None:
            form = self.end_of_sentence
        found = self._index.get(form)
        if found is None or form not in self._exempt:
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
            if self.single_characters and any(len(form) > 1 for form in missing):
                raise UserError(
                    f"The model reads single characters ({len(self)} of them) and has no blank to join words with, but "
                    f"the corpus holds longer tokens, among them {shown}. Give it a corpus whose tokens are "
                    "characters: JSON lines with a list of characters as 'tokens', and end_of_sentence: null."
                )
            raise UserError(
                f"The model's vocabulary of {len(self)} tokens has no unknown symbol ({', '.join(UNKNOWN_NAMES[:2])}), "
                f"and the corpus holds {len(missing)} distinct tokens it lacks, among them {shown}. Name the token "
                "that shall stand for them as model.unknown, or remove them from the corpus."
            )
        return np.array(found, dtype=np.int32)

    @property
    def digest(self) -> str:
        """SHA-256 of the tokens, the normalisation and the tokenizer; rules that do nothing leave it as it was."""
        rules = self.normalisation
        content: list[object] = [self.tokens, rules.lower_case, rules.number]
        if rules.unknown is not None or self.tokenizer is not None or rules.end_of_sentence is not None:
            content += [rules.unknown, self.tokenizer]
        if rules.end_of_sentence is not None:
            content.append(rules.end_of_sentence)
        if rules.literals:
            content.append({"literals": True})
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def unused(row: int) -> str:
    """Return the name of a row that no token of a tokenizer has."""
    return f"<unused {row}>"


def build_vocabulary(
    tokens: Iterable[str] | Mapping[str, int], size: int, normalisation: Normalisation, end_of_sentence: str | None
) -> Vocabulary:
    """Return the vocabulary of the ``size`` most frequent normalised tokens, unknown and end symbol included.

    ``tokens`` are the tokens of a text, or their counts. Ties are broken by the token's name, so that the same text
    gives the same vocabulary. An end symbol that would not be found by its name is kept in the normalisation.

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
    found = Vocabulary(tuple(special + ranked[: size - len(special)]), normalisation)
    if end_of_sentence is None or found.end_of_sentence == end_of_sentence:
        return found
    return replace(found, normalisation=replace(normalisation, end_of_sentence=end_of_sentence))
