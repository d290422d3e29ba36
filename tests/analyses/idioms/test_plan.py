"""What the plan chooses, against slow loops over a small corpus."""

from collections import Counter

import dask
import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray

from lstm_analysis.analyses.idioms import controls, ngrams, plan_idioms
from lstm_analysis.analyses.idioms.controls import ROLES
from lstm_analysis.analyses.idioms.ngrams import repeated_ngrams
from lstm_analysis.analyses.idioms.text import Text
from lstm_analysis.corpus import Sentence
from lstm_analysis.corpus.dataset import corpus_dataset
from lstm_analysis.errors import UserError

IDIOMS = {"weather the storm": ("weather", "the", "storm"), "at stake": ("at", "stake")}
FILLER = [f"w{i}" for i in range(30)]


def small_corpus(seed: int = 0, n_sentence: int = 400) -> tuple[xr.Dataset, xr.Dataset]:
    """Return a corpus with idioms (value 1), literal uses (value 0, first idiom), and loose words of theirs."""
    rng, sentences, spans = np.random.default_rng(seed), [], []
    probability = 1 / np.arange(1, len(FILLER) + 1)
    time = 0
    for i in range(n_sentence):
        tokens = [str(w) for w in rng.choice(FILLER, rng.integers(3, 9), p=probability / probability.sum())]
        at = int(rng.integers(len(tokens) + 1))
        kind = rng.random()
        if kind < 0.3:
            name = str(rng.choice(list(IDIOMS)))
            words = IDIOMS[name]
            tokens[at:at] = words
            value = int(name == "at stake" or rng.random() < 0.5)
            spans.append((time + at, time + at + len(words), list(IDIOMS).index(name), value))
        elif kind < 0.6:
            tokens.insert(at, str(rng.choice(["Weather", "storm", "stake", ","])))
        sentences.append(Sentence(f"d{i // 10}", tokens))
        time += len(tokens) + 1
    columns = ("occurrence_start", "occurrence_stop", "occurrence_idiom", "occurrence_value")
    table = {name: ("occurrence", np.array(x)) for name, x in zip(columns, zip(*spans, strict=True), strict=True)}
    return corpus_dataset(sentences, "</s>", None), xr.Dataset(table, {"idiom": list(IDIOMS)})


def windows(plan: xr.Dataset, role: str, idiom: int) -> list[tuple[int, int, int]]:
    """Return start, stop and next token of the windows of a role; -1 where there is no next one."""
    rows = plan["row_time"].values
    here = (plan["window_role"].values == ROLES.index(role)) & (plan["window_idiom"].values == idiom)
    first, length, after = (plan[f"window_{name}"].values[here] for name in ("first", "length", "next"))
    last = rows[first + length - 1]
    assert (last - rows[first] == length - 1).all(), "the rows of a window are not consecutive"
    return list(
        zip(rows[first].tolist(), (last + 1).tolist(), np.where(after < 0, -1, rows[after]).tolist(), strict=True)
    )


def forms_of(corpus: xr.Dataset) -> list[str]:
    return [str(corpus["type"].values[i]).lower() for i in corpus["type_id"].values]


def slow_windows(corpus: xr.Dataset, occurrences: xr.Dataset, idiom: int, role: str) -> set[tuple[int, int, int]]:
    """Return all windows of a role, the matched collocations left to another test."""
    forms, sentence = forms_of(corpus), corpus["sentence"].values
    rows = list(zip(*(occurrences[f"occurrence_{x}"].values for x in ("start", "stop", "idiom", "value")), strict=True))
    own = [(a, b) for a, b, i, v in rows if i == idiom]
    words = list(IDIOMS.values())[idiom]
    if role in ("idiomatic", "literal"):
        found = [(a, b) for a, b, i, v in rows if i == idiom and v == int(role == "idiomatic")]
    else:
        word = {"tail": words[-1], "head": words[0]}[role]
        ends = [t for t, form in enumerate(forms) if form == word and not any(a <= t < b for a, b in own)]
        found = []
        for end in ends:
            start = end
            while end - start < len(words) - 1 and start > 0 and sentence[start - 1] == sentence[end]:
                start -= 1
            found.append((start, end + 1))
    inside = [b if b < len(forms) and sentence[b] == sentence[b - 1] else -1 for _, b in found]
    return {(int(a), int(b), int(after)) for (a, b), after in zip(found, inside, strict=True)}


@pytest.mark.parametrize("role", ["idiomatic", "literal", "tail", "head"])
@pytest.mark.parametrize("idiom", [0, 1])
def test_windows_equal_the_slow_loop(monkeypatch, role, idiom):
    monkeypatch.setattr(controls, "N_FUNCTION_WORD", 3)
    corpus, occurrences = small_corpus()
    assert forms_of(corpus).count("the") > 20
    found = windows(plan_idioms(corpus, occurrences, n_window=10**6), role, idiom)
    wanted = slow_windows(corpus, occurrences, idiom, role)
    if (role, idiom) == ("head", 0):
        assert len(wanted) > 10
    if (role, idiom) == ("head", 1):  # "at" is not among the most frequent words here
        assert not wanted
    assert len(found) == len(set(found)) == len(wanted)
    assert set(found) == wanted


def test_windows_are_capped_by_seeded_samples():
    corpus, occurrences = small_corpus()
    plan, again = (plan_idioms(corpus, occurrences, n_window=7, seed=3) for _ in range(2))
    xr.testing.assert_identical(plan, again)
    whole = plan_idioms(corpus, occurrences, n_window=10**6)
    for role in ROLES[:3]:
        assert len(windows(plan, role, 0)) == 7
        assert set(windows(plan, role, 0)) < set(windows(whole, role, 0))
    assert windows(plan, "tail", 0) != windows(plan_idioms(corpus, occurrences, n_window=7, seed=4), "tail", 0)


def slow_ngrams(corpus: xr.Dataset, length: int, free: NDArray[np.bool_]) -> Counter[tuple[str, ...]]:
    forms, sentence = forms_of(corpus), corpus["sentence"].values
    spans = [range(t, t + length) for t in range(len(forms) - length + 1)]
    inside = [s for s in spans if sentence[s[0]] == sentence[s[-1]] and forms[s[-1]] != "</s>"]
    return Counter(tuple(forms[t] for t in span) for span in inside)


@pytest.mark.parametrize("length", [1, 2, 3])
@pytest.mark.parametrize("at_once", [1 << 20, 300])
def test_repeated_ngrams_equal_the_slow_loop(monkeypatch, length, at_once):
    monkeypatch.setattr(ngrams, "_TOKENS_AT_ONCE", at_once)
    monkeypatch.setattr(ngrams, "_HASHES_AT_ONCE", at_once)
    corpus, _ = small_corpus()
    text, forms = Text.of(corpus), forms_of(corpus)
    free = np.random.default_rng(0).random(text.n_token) < 0.8
    found = repeated_ngrams(text, length, free, seed=0)
    wanted = {gram: n for gram, n in slow_ngrams(corpus, length, free).items() if n >= 2}
    assert sorted(found.count.tolist()) == sorted(wanted.values())
    assert (np.diff(found.hash.astype(float)) > 0).all()
    for count, places in zip(found.count.tolist(), found.place, strict=True):
        kept = places[places >= 0].tolist()
        grams = {tuple(forms[t : t + length]) for t in kept}
        assert all(free[t : t + length].all() for t in kept)
        assert len(grams) <= 1
        assert all(wanted[gram] == count for gram in grams)
        assert len(set(kept)) == len(kept) <= min(count, 8)


@pytest.mark.parametrize("with_surprisal", [False, True])
def test_collocations_are_like_the_idiom(with_surprisal):
    corpus, occurrences = small_corpus(n_sentence=2000)
    forms, rng = forms_of(corpus), np.random.default_rng(0)
    surprisal = rng.normal(8, 3, len(forms)).astype(np.float32) if with_surprisal else None
    plan = plan_idioms(corpus, occurrences, surprisal)
    covered = np.zeros(len(forms), bool)
    for a, b in zip(occurrences["occurrence_start"].values, occurrences["occurrence_stop"].values, strict=True):
        covered[a:b] = True
    counts = {n: slow_ngrams(corpus, n, ~covered) for n in (2, 3)}
    for idiom, words in enumerate(IDIOMS.values()):
        found = windows(plan, "matched", idiom)
        grams = [tuple(forms[a:b]) for a, b, _ in found]
        assert len(found) > 50
        assert len(set(grams)) == len(grams), "an n-gram serves twice"
        assert {len(gram) for gram in grams} == {len(words)}
        assert not any(covered[a:b].any() for a, b, _ in found)
        assert not any("," in gram for gram in grams)
        assert min(counts[len(words)][gram] for gram in grams) >= 2
        edges = weighted_deciles([n for n in counts[len(words)].values() if n >= 2])
        decile = [int(np.searchsorted(edges, counts[len(words)][gram])) for gram in grams]
        own = int(np.searchsorted(edges, counts[len(words)][words]))
        if not with_surprisal:
            distance = np.mean([abs(d - own) for d in decile])
            assert float(plan["collocation_distance"][idiom]) == pytest.approx(distance)


def weighted_deciles(counts: list[int]) -> list[int]:
    text = sorted(n for n in counts for _ in range(n))
    return [text[int(np.ceil(len(text) * k / 10)) - 1] for k in range(1, 10)]


def test_phrases_have_the_places_that_their_idiom_has():
    corpus, occurrences = small_corpus(n_sentence=2000)
    plan, forms = plan_idioms(corpus, occurrences), forms_of(corpus)
    rows, sentence = plan["row_time"].values, corpus["sentence"].values
    first, before, after = (plan[f"place_{name}"].values for name in ("first", "before", "after"))
    edges = plan["phrase_first_place"].values, plan["phrase_n_place"].values, plan["phrase_length"].values
    for k, (a, n, length) in enumerate(zip(*edges, strict=True)):
        starts = rows[first[a : a + n]]
        assert len({tuple(forms[t : t + length]) for t in starts}) == 1, k
        assert n == 8
        for t, left, right in zip(starts, before[a : a + n], after[a : a + n], strict=True):
            assert (left < 0) == (t == 0 or sentence[t - 1] != sentence[t])
            assert left < 0 or rows[left] == t - 1
            assert rows[right] == t + length
    phrase = plan["idiom_phrase"].values
    assert [forms[rows[first[edges[0][p]]] + edges[2][p] - 1] for p in phrase] == ["storm", "stake"]


def test_a_lazy_corpus_gives_the_same_plan_without_the_scheduler_of_a_cluster():
    corpus, occurrences = small_corpus()
    with dask.config.set(scheduler="nothing that could run"):
        lazy = plan_idioms(corpus.chunk(time=100), occurrences)
    xr.testing.assert_identical(lazy, plan_idioms(corpus, occurrences))


def test_idioms_without_occurrence_and_lexicons_have_a_plan():
    corpus, occurrences = small_corpus()
    none = occurrences.isel(occurrence=slice(0))
    plan = plan_idioms(corpus, none)
    assert plan.sizes["window"] == plan.sizes["place"] == plan.sizes["row"] == 0
    assert plan["idiom_phrase"].values.tolist() == [-1, -1]
    lexicon = plan_idioms(corpus, occurrences.drop_vars("occurrence_value"))
    assert not windows(lexicon, "literal", 0)
    assert len(windows(lexicon, "idiomatic", 0)) == int((occurrences["occurrence_idiom"] == 0).sum())


def test_occurrences_of_another_corpus_are_refused():
    corpus, occurrences = small_corpus()
    with pytest.raises(UserError, match="find them again"):
        plan_idioms(corpus.isel(time=slice(0, 50)), occurrences)
