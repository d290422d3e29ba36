"""The state of each view as the query of its address: what is in it can be shared, and comes back on reload."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from bokeh.document import Document

from ..errors import nearest
from .holdings import NAMES, Holdings
from .stretch import Neuron

WIDTH, MIN_WIDTH, MAX_WIDTH = 60, 10, 3000
MAX_NEURON, MAX_TRACK = 8, 12
MAX_SPAN, MAX_FLANK = 50, 20
Arguments = Mapping[str, Sequence[bytes]]
"""Query of a request, as Tornado gives it."""


class Query:
    """Reads the values of a query; what cannot be used is left out and noted.

    Parameters
    ----------
    arguments
        Of the request.
    """

    def __init__(self, arguments: Arguments) -> None:
        self._values = {name: [text.decode("utf-8", "replace") for text in texts] for name, texts in arguments.items()}
        self.notes: list[str] = []

    @classmethod
    def of(cls, doc: Document) -> "Query":
        """Return the query of the request that a document answers, an empty one where there is none."""
        return cls(doc.session_context.request.arguments if doc.session_context else {})

    def given(self, name: str) -> bool:
        """Whether a name is in the query at all."""
        return name in self._values

    def texts(self, name: str) -> list[str]:
        """Return all values of a name."""
        return [text for text in self._values.get(name, []) if text]

    def text(self, name: str, default: str = "") -> str:
        """Return the last value of a name."""
        return next(reversed(self.texts(name)), default)

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        """Return a whole number, brought into its range."""
        text = self.text(name)
        if not text:
            return default
        try:
            number = int(text.replace(",", ""))
        except ValueError:
            self.notes.append(f"{name} is {text!r}, which is no whole number.")
            return default
        return max(low, min(high, number))

    def share(self, name: str, default: float) -> float:
        """Return a number between -1 and 1."""
        text = self.text(name)
        try:
            number = float(text) if text else default
        except ValueError:
            number = math.nan
        if not -1 <= number <= 1:
            self.notes.append(f"{name} is {text!r}; it must be a number from -1 to 1.")
            return default
        return number

    def one_of(self, name: str, known: Sequence[str], default: str) -> str:
        """Return a value that is one of a few."""
        text = self.text(name)
        if text and text not in known:
            self.notes.append(f"{name} is {text!r}, which there is not; {nearest(text, known)}")
        return text if text in known else default


def parse_neurons(text: str, layer_sizes: Sequence[int]) -> tuple[list[Neuron], list[str]]:
    """Return the neurons of a list such as ``1:37, 0:5``, and what is wrong with the rest.

    >>> parse_neurons("1:37 0:5, 2:1, x", [200, 200])
    ([(1, 37), (0, 5)], ['2:1', 'x'])
    """
    found: list[Neuron] = []
    wrong = []
    for part in text.replace(",", " ").split():
        layer, _, neuron = part.partition(":")
        plain = all(number.isascii() and number.isdigit() for number in (layer, neuron))
        if plain and int(layer) < len(layer_sizes) and int(neuron) < layer_sizes[int(layer)]:
            if (int(layer), int(neuron)) not in found:
                found.append((int(layer), int(neuron)))
        else:
            wrong.append(part)
    return found, wrong


def known_neurons(query: Query, name: str, holdings: Holdings) -> list[Neuron]:
    """Return the neurons that a query names; those the model has not are noted."""
    found, wrong = parse_neurons(query.text(name), holdings.layer_sizes)
    if wrong:
        sizes = ", ".join(f"{layer}:0 to {layer}:{size - 1}" for layer, size in enumerate(holdings.layer_sizes))
        query.notes.append(f"{', '.join(wrong)}: no such neuron. There are {sizes or 'none yet'}.")
    return found


@dataclass(frozen=True)
class TextAddress:
    """What the text view shows.

    Parameters
    ----------
    at, width
        First token seen, and tokens seen.
    neurons
        Those lines are drawn of; empty: those that the page chooses.
    state
        ``h`` or ``tanh_c``.
    threshold
        Value from which a neuron is on.
    concepts
        Those with a track of labels.
    phrase
        What is looked for; empty: nothing.
    span
        Tokens that are brushed, half-open, ``None`` if none are.
    left, right
        Tokens before and after the span in which a selected neuron must be off.
    null
        Whether matches are compared with those of random spans.
    """

    at: int
    width: int
    neurons: tuple[Neuron, ...]
    state: str
    threshold: float
    concepts: tuple[str, ...]
    phrase: str = ""
    span: tuple[int, int] | None = None
    left: int = 1
    right: int = 0
    null: bool = False

    @property
    def stop(self) -> int:
        """The token after the last one seen."""
        return self.at + self.width

    def query(self) -> str:
        """Return the state as the query of an address."""
        pairs: list[tuple[str, object]] = [
            ("at", self.at), ("width", self.width), ("neurons", ",".join(f"{a}:{b}" for a, b in self.neurons)),
            ("state", self.state), ("threshold", f"{self.threshold:g}"),
            *(("concept", name) for name in self.concepts or ("",)),
        ]  # fmt: skip
        pairs += [("phrase", self.phrase)] if self.phrase else []
        if self.span:
            pairs += [("span", f"{self.span[0]}:{self.span[1]}"), ("left", self.left), ("right", self.right)]
        pairs += [("null", 1)] if self.null else []
        return urlencode(pairs, safe=":,")


def text_address(query: Query, holdings: Holdings) -> TextAddress:
    """Return the state that a query asks for.

    Parameters
    ----------
    query
        Takes the notes on what cannot be used.
    holdings
        The run: neurons, tokens and concepts that it has not are left out.
    """
    n = holdings.n_token
    width = query.whole("width", WIDTH, MIN_WIDTH, MAX_WIDTH)
    neurons = known_neurons(query, "neurons", holdings)
    if len(neurons) > MAX_NEURON:
        query.notes.append(f"{len(neurons)} neurons are asked for; lines of the first {MAX_NEURON} are drawn.")
    known = [name for name in query.texts("concept") if name in holdings.concepts]
    if unknown := [name for name in query.texts("concept") if name not in holdings.concepts]:
        query.notes += [f"The run has no concept {name!r}; {nearest(name, holdings.concepts)}" for name in unknown]
    if len(set(known)) > MAX_TRACK:
        query.notes.append(f"{len(set(known))} concepts are asked for; tracks of the first {MAX_TRACK} are drawn.")
    values = holdings.values()
    span = parse_span(query, n)
    start = max(0, (span[0] + span[1] - width) // 2) if span else 0
    return TextAddress(
        at=query.whole("at", start, 0, max(0, n - width)),
        width=width,
        neurons=tuple(neurons[:MAX_NEURON]),
        state=query.one_of("state", values, values[0] if values else "h"),
        threshold=query.share("threshold", 0.3),
        concepts=tuple(dict.fromkeys(known))[:MAX_TRACK],
        phrase=query.text("phrase").strip(),
        span=span,
        left=query.whole("left", 1, 0, MAX_FLANK),
        right=query.whole("right", 0, 0, MAX_FLANK),
        null=query.text("null") == "1",
    )


def parse_span(query: Query, n_token: int) -> tuple[int, int] | None:
    """Return the span ``a:b`` of a query, half-open; ``None`` without one, or with one that cannot be used."""
    text = query.text("span").replace(",", "")
    if not text:
        return None
    first, _, last = text.partition(":")
    if not (first.isascii() and first.isdigit() and last.isascii() and last.isdigit()):
        query.notes.append(f"span is {text!r}; write the first token and the one after the last, such as 100:104.")
        return None
    start, stop = int(first), int(last)
    if not start < stop <= n_token:
        query.notes.append(f"The span {start:,}:{stop:,} is empty or outside the corpus, which has {n_token:,} tokens.")
        return None
    if stop - start > MAX_SPAN:
        query.notes.append(f"The span has {stop - start:,} tokens; at most {MAX_SPAN} can be matched.")
        return None
    return start, stop


def state_name(state: str) -> str:
    """Return how a value is written.

    >>> state_name("tanh_c")
    'tanh(c)'
    """
    return NAMES[state]
