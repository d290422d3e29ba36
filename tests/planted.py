"""Planted truth: a corpus from a toy language, and a model whose neurons mean what we wrote into their weights.

The embedding is the identity, so the input weights of layer 0 are one column a word, and a neuron that looks at words
is a list of words. A gate with a gain of 40 is a switch: it is open or shut to the last bit of float32. Layer 0 looks
at words and keeps the links of idioms; layer 1 reads those neurons in the same step. Around them are noise neurons with
random weights, which read random words and each other, and nothing planted.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray

from lstm_analysis.corpus import Sentence
from lstm_analysis.inference.model import Decoder, LanguageModel, Layer
from lstm_analysis.vocabulary import Vocabulary

GAIN = 40.0
TANH_1 = math.tanh(1.0)
N_NEURON = 64
N_WORD = 400
N_DOCUMENT, SENTENCES_A_DOCUMENT = 40, 60
SENTENCE_LENGTHS = (3, 24)
N_CATEGORY, N_FOLLOWER = 40, 5
IDIOM_LENGTHS = (2, 3, 4, 3, 2, 4, 3, 2, 3, 4)
P_IDIOM, P_BROKEN_IDIOM, P_BRACKETS, P_FOLLOWER = 0.2, 0.1, 0.15, 0.5
TAU = 6.0
UNKNOWN, END, OPENING, CLOSING = "<unk>", "</s>", "(", ")"

Neuron = tuple[int, int]


@dataclass(frozen=True)
class Planted:
    """A model with planted neurons and the corpus to find them in.

    Parameters
    ----------
    model
        Two layers of `N_NEURON` neurons; its vocabulary has ``<unk>`` and ``</s>``.
    sentences
        The corpus, without end symbols; states are meant to be reset at documents.
    planted
        Neurons to be found: ``category`` (layer 0) and, reading it, ``category_used`` and ``category_copy`` (layer 1;
        the decoder uses the first only), ``idiom`` and ``position`` (layer 1), ``bracket_depth`` (layer 0).
    decoys
        Neurons not to be called: ``one_word`` of the category, ``last_word`` of the idioms, ``frequency`` of the word.
    support
        Neurons the planted ones are built from: links and single idioms, the end symbol and its relay.
    category
        The words of the category.
    idioms
        Name of each idiom and its words.
    """

    model: LanguageModel
    sentences: list[Sentence]
    planted: dict[str, Neuron]
    decoys: dict[str, Neuron]
    support: dict[str, Neuron]
    category: tuple[str, ...]
    idioms: dict[str, tuple[str, ...]]

    @property
    def noise(self) -> list[Neuron]:
        """The neurons that know nothing."""
        known = {*self.planted.values(), *self.decoys.values(), *self.support.values()}
        return [neuron for neuron in product(range(2), range(N_NEURON)) if neuron not in known]


@dataclass(frozen=True)
class Language:
    """Words with their probabilities, the category, the words that like to follow it, and the idioms."""

    words: tuple[str, ...]
    probability: NDArray[np.float64]
    category: tuple[str, ...]
    followers: tuple[str, ...]
    idioms: dict[str, tuple[str, ...]]


@dataclass
class Wiring:
    """Weights of a layer under construction, gate by gate (``i, f, g, o``); neurons are handed out from the front.

    ``n_input`` inputs are named by ``column``: words in layer 0, neurons of the layer below in layer 1.
    """

    n_input: int
    names: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.input = {gate: np.zeros((N_NEURON, self.n_input)) for gate in "ifgo"}
        self.recurrent = {gate: np.zeros((N_NEURON, N_NEURON)) for gate in "ifgo"}
        self.bias = {gate: np.zeros(N_NEURON) for gate in "ifgo"}

    def neuron(self, name: str, *, keep: bool = False) -> int:
        """Take the next neuron: output open, forget gate open (``keep``) or shut, input gate and candidate open."""
        self.names[name] = n = len(self.names)
        self.bias["o"][n] = self.bias["i"][n] = self.bias["g"][n] = GAIN
        self.bias["f"][n] = GAIN if keep else -GAIN
        return n

    def switch(self, name: str, columns: Iterable[int], previous: int | None = None) -> int:
        """Take a neuron that is on, h = tanh(1), just while an input is 1 (and ``previous`` was on a step before)."""
        n = self.neuron(name)
        self.input["i"][n, list(columns)] = GAIN
        self.bias["i"][n] = -GAIN / 2 if previous is None else -1.5 * GAIN
        if previous is not None:
            self.recurrent["i"][n, previous] = GAIN / TANH_1
        return n

    def relay(self, name: str, columns: Sequence[int]) -> int:
        """Take a neuron that is on while a switch of the layer below is on."""
        n = self.switch(name, columns)
        self.input["i"][n, list(columns)] = GAIN / TANH_1
        return n

    def fill_with_noise(self, columns: Sequence[int], rng: np.random.Generator) -> None:
        """Give the neurons that are left random weights on the columns and on each other."""
        free = np.arange(len(self.names), N_NEURON)
        for gate in "ifgo":
            self.input[gate][np.ix_(free, columns)] = rng.normal(0, 0.7, (len(free), len(columns)))
            self.recurrent[gate][np.ix_(free, free)] = rng.normal(0, 0.7, (len(free), len(free))) / len(free) ** 0.5
            self.bias[gate][free] = rng.normal(0, 0.3, len(free)) + (gate == "f")

    def layer(self) -> Layer:
        """Return the weights, gates stacked in torch's order."""
        stacked = (np.concatenate([part[gate] for gate in "ifgo"]) for part in (self.input, self.recurrent, self.bias))
        return Layer(*(torch.as_tensor(weight, dtype=torch.float32) for weight in stacked))


def planted_model(seed: int) -> Planted:
    """Return model, corpus and truth, another one for each seed and the same for the same seed."""
    rng = np.random.default_rng(seed)
    language = _language(rng)
    vocabulary = Vocabulary((UNKNOWN, END, OPENING, CLOSING, *language.words))
    sentences = _sentences(language, rng)
    lower = _lower_layer(language, vocabulary, rng)
    upper = _upper_layer(lower, language, rng)
    weight, bias = _decoder(sentences, language, vocabulary, upper, rng)
    model = LanguageModel(torch.eye(len(vocabulary)), (lower.layer(), upper.layer()), Decoder(weight, bias), vocabulary)
    neurons = {name: (0, n) for name, n in lower.names.items()} | {name: (1, n) for name, n in upper.names.items()}
    planted = ("category", "category_used", "category_copy", "idiom", "position", "bracket_depth")
    decoys = ("one_word", "last_word", "frequency")
    return Planted(
        model,
        sentences,
        {name: neurons[name] for name in planted},
        {name: neurons[name] for name in decoys},
        {name: neuron for name, neuron in neurons.items() if name not in (*planted, *decoys)},
        language.category,
        language.idioms,
    )


def _language(rng: np.random.Generator) -> Language:
    """Return a language: Zipf's law over the ranks, the category spread over all ranks, idioms of middling words."""
    syllables = ["".join(pair) for pair in product("bdfgklmnprstvz", "aeiou")]
    spellings = ["".join(pair) for pair in product(syllables, syllables)]
    words = tuple(str(word) for word in rng.choice(spellings, N_WORD, replace=False))
    probability = 1 / np.arange(1, N_WORD + 1)
    ranks = rng.permutation(np.arange(10, 110))[: sum(IDIOM_LENGTHS)]
    idiom_words = iter([words[rank] for rank in ranks])
    idioms = [tuple(next(idiom_words) for _ in range(n)) for n in IDIOM_LENGTHS]
    free = rng.permutation(np.setdiff1d(np.arange(5, N_WORD), ranks))
    category = tuple(words[rank] for rank in np.sort(free[:N_CATEGORY]))
    followers = tuple(words[rank] for rank in free[N_CATEGORY : N_CATEGORY + N_FOLLOWER])
    named = {" ".join(idiom): idiom for idiom in idioms}
    return Language(words, probability / probability.sum(), category, followers, named)


def _sentences(language: Language, rng: np.random.Generator) -> list[Sentence]:
    """Return the corpus; each document prefers some words (its topic), so that labels come in bursts."""
    sentences = []
    for d in range(N_DOCUMENT):
        weight = language.probability * rng.lognormal(0, 0.5, N_WORD)
        for _ in range(SENTENCES_A_DOCUMENT):
            n = int(rng.integers(*SENTENCE_LENGTHS, endpoint=True))
            tokens = [language.words[i] for i in rng.choice(N_WORD, n, p=weight / weight.sum())]
            sentences.append(Sentence(f"document {d}", _decorate(tokens, language, rng)))
    return sentences


def _decorate(tokens: list[str], language: Language, rng: np.random.Generator) -> list[str]:
    """Return the sentence with followers behind category words, an idiom whole or broken off, and brackets."""
    for i in range(len(tokens) - 1):
        if tokens[i] in language.category and rng.random() < P_FOLLOWER:
            tokens[i + 1] = str(rng.choice(language.followers))
    idioms = list(language.idioms.values())
    draw, at = rng.random(), int(rng.integers(len(tokens) + 1))
    idiom = idioms[int(rng.integers(len(idioms)))]
    if draw < P_IDIOM:
        tokens = [*tokens[:at], *idiom, *tokens[at:]]
    elif draw < P_IDIOM + P_BROKEN_IDIOM:
        tokens = [*tokens[:at], *idiom[:-1], *tokens[at:]]
    while rng.random() < P_BRACKETS:
        a, b = sorted(int(i) for i in rng.integers(0, len(tokens) + 1, 2))
        tokens = [*tokens[:a], OPENING, *tokens[a:b], CLOSING, *tokens[b:]]
    return tokens


def _lower_layer(language: Language, vocabulary: Vocabulary, rng: np.random.Generator) -> Wiring:
    """Return layer 0: detectors of words, the chains of the idioms, the bracket counter and the decoys."""
    column = {word: i for i, word in enumerate(vocabulary.tokens)}
    wiring = Wiring(len(vocabulary))
    wiring.switch("category", [column[word] for word in language.category])
    wiring.switch("one_word", [column[language.category[0]]])
    wiring.switch("last_word", [column[idiom[-1]] for idiom in language.idioms.values()])
    wiring.switch("end_symbol", [column[END]])
    for name, idiom in language.idioms.items():
        link = None
        for k, word in enumerate(idiom):
            link = wiring.switch(name if k == len(idiom) - 1 else f"{name} [{k}]", [column[word]], link)
    frequency = wiring.neuron("frequency")
    wiring.bias["g"][frequency] = 0
    wiring.input["g"][frequency, [column[word] for word in language.words]] = _standardised(
        np.log(language.probability)
    )
    depth = wiring.neuron("bracket_depth", keep=True)
    brackets = [column[OPENING], column[CLOSING]]
    wiring.bias["g"][depth], wiring.bias["i"][depth] = 0, -GAIN
    wiring.input["g"][depth, brackets] = np.arctanh(0.5), -np.arctanh(0.5)
    wiring.input["i"][depth, brackets] = 2 * GAIN
    wiring.fill_with_noise(list(column.values()), rng)
    return wiring


def _upper_layer(lower: Wiring, language: Language, rng: np.random.Generator) -> Wiring:
    """Return layer 1: any idiom, two readers of the category, the position (reset a step after the end symbol)."""
    wiring = Wiring(N_NEURON)
    wiring.relay("idiom", [lower.names[name] for name in language.idioms])
    wiring.relay("category_used", [lower.names["category"]])
    wiring.relay("category_copy", [lower.names["category"]])
    end = wiring.relay("end_relay", [lower.names["end_symbol"]])
    position = wiring.neuron("position", keep=True)
    forget = math.exp(-1 / TAU)
    wiring.bias["f"][position] = math.log(forget / (1 - forget))
    wiring.bias["i"][position] = -wiring.bias["f"][position]
    wiring.bias["g"][position] = np.arctanh(0.9)
    wiring.recurrent["f"][position, end] = -GAIN / TANH_1
    wiring.fill_with_noise(np.arange(len(lower.names), N_NEURON).tolist(), rng)
    return wiring


def _decoder(
    sentences: list[Sentence], language: Language, vocabulary: Vocabulary, upper: Wiring, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return weight and bias: word frequencies, the end symbol by the position, the followers by ``category_used``."""
    ids = vocabulary.encode([token for sentence in sentences for token in (*sentence.tokens, END)])
    counts = np.bincount(ids, minlength=len(vocabulary)) + 0.5
    bias = np.log(counts / counts.sum())
    weight = np.zeros((len(vocabulary), N_NEURON))
    weight[:, len(upper.names) :] = rng.normal(0, 0.02, (len(vocabulary), N_NEURON - len(upper.names)))
    end, followers = vocabulary.index(END), vocabulary.encode(language.followers)
    weight[end, upper.names["position"]] = 5.0
    bias[end] -= 2.5
    boost = np.log(P_FOLLOWER / (1 - P_FOLLOWER) / np.exp(bias[followers]).sum())
    weight[followers, upper.names["category_used"]] = boost / TANH_1
    return torch.as_tensor(weight, dtype=torch.float32), torch.as_tensor(bias, dtype=torch.float32)


def _standardised(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return (values - values.mean()) / values.std()
