"""The tables of a page, read like a browser: for each the texts of its cells by row."""

from html.parser import HTMLParser

BLOCKS = ("td", "th", "h2", "h3", "h4", "p", "dt", "dd", "tr", "small", "section", "div", "summary")


class Tables(HTMLParser):
    """All tables of a page in order, and the texts of its paragraphs and headings outside them.

    Parameters
    ----------
    text
        The page.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.blocks: list[tuple[str, str]] = []
        self._depth = 0
        self._skipped = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._skipped = tag in ("script", "style")
        if tag == "table":
            self.tables.append([])
            self._depth += 1
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        elif tag in ("small", "br") and self._depth:
            self._add(" ")
        elif tag in BLOCKS and not self._depth:
            self.blocks.append((tag, ""))

    def handle_endtag(self, tag: str) -> None:
        self._skipped = False
        self._depth -= tag == "table"

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self._add(data)

    def _add(self, text: str) -> None:
        if self._depth and self.tables[-1] and self.tables[-1][-1]:
            self.tables[-1][-1][-1] += text
        elif not self._depth and self.blocks:
            tag, before = self.blocks[-1]
            self.blocks[-1] = (tag, before + text)

    def rows(self, number: int) -> list[list[str]]:
        """Return the rows of a table, white space as one space."""
        return [[" ".join(cell.split()) for cell in row] for row in self.tables[number]]

    def of(self, *tags: str) -> list[str]:
        """Return the texts of elements outside tables that are not empty."""
        texts = [" ".join(text.split()) for tag, text in self.blocks if tag in tags]
        return [text for text in texts if text]
