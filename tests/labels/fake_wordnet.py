"""A tiny WordNet in the format of the real one."""

from collections.abc import Sequence
from pathlib import Path

from lstm_analysis.labels.wordnet_folder import LEXNAMES, PARTS

CODES = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}
KINDS = {"noun": 1, "verb": 2, "adj": 3, "adv": 4}
LICENCE = "  1 This software and database is being provided to you, the LICENSEE\n"

# A lemma's senses in order: part of speech, lemma, class and count of each sense.
Entry = tuple[str, str, Sequence[tuple[str, int]]]
ENTRIES: tuple[Entry, ...] = (
    ("noun", "tape", [("noun.artifact", 5), ("noun.communication", 2)]),
    ("verb", "tape", [("verb.contact", 1)]),
    ("noun", "red_tape", [("noun.act", 0)]),
    ("noun", "red", [("noun.attribute", 9), ("noun.artifact", 1)]),
    ("adj", "red", [("adj.all", 20)]),
    ("noun", "in", [("noun.quantity", 0)]),
    ("noun", "bank", [("noun.object", 20), ("noun.group", 25), ("noun.group", 5)]),
    ("verb", "bank", [("verb.motion", 0)]),
    ("noun", "zebra", [("noun.animal", 0)]),
    ("noun", "fax", [("noun.communication", 0)]),
    ("verb", "fax", [("verb.communication", 0)]),
    ("noun", "leaf", [("noun.plant", 3)]),
    ("verb", "leave", [("verb.motion", 30)]),
    ("adj", "left", [("adj.all", 4)]),
    ("verb", "take", [("verb.social", 8)]),
    ("verb", "take_place", [("verb.change", 2)]),
    ("noun", "place", [("noun.location", 4)]),
    ("noun", "point", [("noun.cognition", 4)]),
    ("noun", "point_of_view", [("noun.cognition", 1)]),
    ("noun", "view", [("noun.cognition", 3)]),
    ("noun", "eye", [("noun.body", 40)]),
    ("noun", "eyes", [("noun.cognition", 0)]),
    ("verb", "eye", [("verb.perception", 2)]),
)


def write_wordnet(folder: Path, entries: Sequence[Entry] = ENTRIES) -> Path:
    """Write a WordNet folder and return it."""
    folder.mkdir()
    data, index = {part: [] for part in PARTS}, {part: [] for part in PARTS}
    counts = []
    for number, (part, lemma, senses) in enumerate(entries):
        offsets = []
        for i, (lexname, count) in enumerate(senses, 1):
            offsets.append(f"{1000 * number + i:08}")
            lexnum = LEXNAMES.index(lexname)
            data[part].append(f"{offsets[-1]} {lexnum:02} {CODES[part]} 01 {lemma} 0 000 | what it means  \n")
            if count:
                counts.append(f"{lemma}%{KINDS[part]}:{lexnum:02}:00:: {i} {count}\n")
        used = sum(count > 0 for _, count in senses)
        n = len(offsets)
        index[part].append(f"{lemma} {CODES[part]} {n} 2 @ ~ {n} {used} {' '.join(offsets)}  \n")
    for part in PARTS:
        # a data file is never empty
        rows = data[part] or [f"00009999 00 {CODES[part]} 01 nothing 0 000 | \n"]
        (folder / f"data.{part}").write_text(LICENCE + "".join(rows))
        (folder / f"index.{part}").write_text(LICENCE + "".join(index[part]))
        (folder / f"{part}.exc").write_text({"noun": "leaves leaf\n", "verb": "left leave\ntook take\n"}.get(part, ""))
    (folder / "cntlist.rev").write_text("".join(counts))
    return folder
