"""Running text to sentences of tokens, by spaCy's English tokeniser and its rule-based sentence splitter."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from ..errors import UserError

_PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*")


@cache
def _pipeline() -> Any:
    try:
        import spacy
    except ImportError:
        raise UserError(
            "Splitting running text needs spaCy, which is not installed. Install it with "
            "`pip install 'lstm-analysis[text]'`, or give text with one sentence a line (corpus.sentences: line)."
        ) from None
    pipeline = spacy.blank("en")
    pipeline.add_pipe("sentencizer")
    pipeline.max_length = 2**31
    return pipeline


def split_text(text: str) -> Iterator[list[str]]:
    """Yield the sentences of a text as lists of tokens; a blank line always ends a sentence.

    Joined together, the tokens are the text without its white space: nothing is dropped.
    """
    pipeline = _pipeline()
    for paragraph in _PARAGRAPH.split(text):
        for sentence in pipeline(paragraph).sents:
            tokens = ["".join(token.text.split()) for token in sentence if not token.is_space]
            if tokens:
                yield tokens
