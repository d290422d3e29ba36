"""Links from a report to the views of the explorer, which answers while ``lstm-analysis explore`` runs."""

from urllib.parse import urlencode

from markupsafe import Markup

PORT = 5006
ADDRESS = f"http://127.0.0.1:{PORT}"


def neuron_link(name: str) -> Markup:
    """Return the name of a neuron as a link to its card.

    >>> neuron_link("1:37")
    Markup('<a class="explore" href="http://127.0.0.1:5006/neuron?neuron=1:37">1:37</a>')
    """
    return _link("neuron", {"neuron": name}, name)


def concept_link(name: str, text: str) -> Markup:
    """Return a text as a link to the card of a concept."""
    return _link("concept", {"concept": name}, text)


def span_link(start: int, stop: int, text: str) -> Markup:
    """Return a text as a link to a span, half-open on ``time``, with its neurons and their matches."""
    return _link("text", {"span": f"{start}:{stop}"}, text)


def _link(view: str, query: dict[str, str], text: str) -> Markup:
    address = f"{ADDRESS}/{view}?{urlencode(query, safe=':')}"
    return Markup('<a class="explore" href="{}">{}</a>').format(address, text)
