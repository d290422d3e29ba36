"""Planted truth of characters: a text of lines, quotations and brackets, and neurons written to follow them."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from planted import GAIN, N_NEURON, TANH_1, Wiring

from lstm_analysis.inference.model import Decoder, LanguageModel
from lstm_analysis.vocabulary import Vocabulary

LETTERS = "abcdefghij"
WHITE = " \n"
VOCABULARY = Vocabulary((*LETTERS, *WHITE, *'"().'))
N_DOCUMENT, LINES_A_DOCUMENT, WORDS_A_LINE = 12, 40, (2, 12)
P_SIGN = 0.07
TAU_LINE, TAU_WORD = 20.0, 3.0


@dataclass(frozen=True)
class PlantedCharacters:
    """A model with planted neurons of one layer.

    Parameters
    ----------
    model
        One layer of `N_NEURON` neurons.
    planted
        ``quote``, switched by each quotation mark; ``bracket_depth``, a counter; ``line_position`` and
        ``word_position``, which rise and are reset by ends of lines and by white space; ``white``.
    decoys
        ``quote_sign`` and ``bracket_sign``, which see the signs alone.
    """

    model: LanguageModel
    planted: dict[str, int]
    decoys: dict[str, int]

    @property
    def noise(self) -> list[int]:
        """The neurons that know nothing but the last characters."""
        return sorted(set(range(N_NEURON)) - {*self.planted.values(), *self.decoys.values()})


def planted_characters(seed: int) -> PlantedCharacters:
    """Return a model, another one for each seed and the same for the same seed."""
    rng = np.random.default_rng(seed)
    column = {character: i for i, character in enumerate(VOCABULARY.tokens)}
    wiring = Wiring(len(VOCABULARY))
    quote = wiring.neuron("quote", keep=True)
    wiring.input["f"][quote, column['"']] = -2 * GAIN
    wiring.bias["i"][quote], wiring.input["i"][quote, column['"']] = -GAIN, 2 * GAIN
    wiring.bias["g"][quote], wiring.recurrent["g"][quote, quote] = GAIN * TANH_1 / 2, -GAIN
    depth = wiring.neuron("bracket_depth", keep=True)
    brackets = [column["("], column[")"]]
    wiring.bias["g"][depth], wiring.bias["i"][depth] = 0, -GAIN
    wiring.input["g"][depth, brackets] = np.arctanh(0.5), -np.arctanh(0.5)
    wiring.input["i"][depth, brackets] = 2 * GAIN
    for name, tau, resets in (("line_position", TAU_LINE, "\n"), ("word_position", TAU_WORD, WHITE)):
        position, forget = wiring.neuron(name), math.exp(-1 / tau)
        wiring.bias["f"][position] = math.log(forget / (1 - forget))
        wiring.bias["i"][position] = -wiring.bias["f"][position]
        wiring.input["f"][position, [column[reset] for reset in resets]] = -GAIN
    wiring.switch("white", [column[character] for character in WHITE])
    wiring.switch("quote_sign", [column['"']])
    wiring.switch("bracket_sign", brackets)
    names, decoys = dict(wiring.names), ("quote_sign", "bracket_sign")
    wiring.fill_with_noise(list(column.values()), rng)
    decoder = Decoder(torch.as_tensor(rng.normal(0, 0.1, (len(VOCABULARY), N_NEURON)), dtype=torch.float32),
                      torch.zeros(len(VOCABULARY)))  # fmt: skip
    model = LanguageModel(torch.eye(len(VOCABULARY)), (wiring.layer(),), decoder, VOCABULARY)
    planted = {name: n for name, n in names.items() if name not in decoys}
    return PlantedCharacters(model, planted, {name: names[name] for name in decoys})


def write_lines(folder: Path, seed: int) -> None:
    """Write a text for each document: lines of words, some of which open or close a quotation or a bracket."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    for document in range(N_DOCUMENT):
        quote, depth, lines = False, 0, []
        for _ in range(LINES_A_DOCUMENT):
            words = []
            for _ in range(int(rng.integers(*WORDS_A_LINE))):
                word = "".join(rng.choice(list(LETTERS), int(rng.integers(1, 9))))
                if rng.random() < P_SIGN:
                    word, quote = (word + '"' if quote else '"' + word), not quote
                if rng.random() < P_SIGN:
                    opens = depth == 0 or (depth < 3 and rng.random() < 0.5)
                    word, depth = ("(" + word, depth + 1) if opens else (word + ")", depth - 1)
                words.append(word)
            lines.append(" ".join(words))
        (folder / f"{document:02}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
