import gzip
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labels import label_loops as loops

from lstm_analysis.corpus import read_corpus
from lstm_analysis.corpus.dataset import corpus_dataset
from lstm_analysis.corpus.sentences import Mark, Sentence
from lstm_analysis.errors import UsageError, UserError
from lstm_analysis.labels import spans
from lstm_analysis.labels.span import Spans
from lstm_analysis.labels.span_table import SpanTable

N_TOKEN = 8
CORPUS = loops.build_corpus("a b c d e f g h")


def spans_file(tmp_path, *lines):
    file = tmp_path / "spans.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


span = st.tuples(st.integers(0, N_TOKEN - 1), st.integers(1, 4), st.sampled_from("xyz"), st.integers(0, 1))


@given(st.lists(span, min_size=1, max_size=8), st.data())
def test_labels_equal_the_loop_and_contradictions_are_named(drawn, data):
    rows = [(start, min(start + length, N_TOKEN), name, value) for start, length, name, value in drawn]
    values = {}
    for start, stop, name, value in rows:
        for token in range(start, stop):
            values.setdefault((token, name), set()).add(value)
    columns = list(zip(*rows, strict=True))
    index = [list("xyz").index(name) for name in columns[2]]

    def build():
        return SpanTable.build(columns[0], columns[1], index, columns[3], list("xyz"), "f.csv", range(2, 2 + len(rows)))

    clashes = {(token, name) for (token, name), found in values.items() if len(found) == 2}
    if clashes:
        with pytest.raises(UserError) as caught:
            build()
        assert any(
            f"marks token {t} as target and as baseline of {n!r} (lines" in str(caught.value) for t, n in clashes
        )
        return
    expected = np.zeros((N_TOKEN, 3), dtype=np.int8)
    for concept, name in enumerate("xyz"):
        only_targets = all(value for _, _, other, value in rows if other == name)
        for token in range(N_TOKEN):
            expected[token, concept] = values.get((token, name), {0 if only_targets else -1}).copy().pop()
    start = data.draw(st.integers(0, N_TOKEN - 1))
    stop = data.draw(st.integers(start + 1, N_TOKEN))
    np.testing.assert_array_equal(Spans(build()).label(CORPUS, start, stop), expected[start:stop])


def test_file_with_targets_only_leaves_the_rest_baseline(tmp_path):
    source = spans(spans_file(tmp_path, "start,stop,concept", "1,3,b", "", '2,4,"a, or b"', "1,2,b"))
    assert source.names(CORPUS) == ["a, or b", "b"]
    assert source.label(CORPUS, 0, 5).T.tolist() == [[0, 0, 1, 1, 0], [0, 1, 1, 0, 0]]


def test_file_with_baselines_leaves_the_rest_out(tmp_path):
    source = spans(spans_file(tmp_path, "value,concept,start,stop", "0,x,0,2", "1,x,3,4", ",y,0,1"))
    assert source.label(CORPUS, 0, 5).T.tolist() == [[0, 0, -1, 1, -1], [1, 0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        ([""], "line 1: the column 'start' is missing; found nothing. The header is 'start,stop,concept'"),
        (["start,stop"], "line 1: the column 'concept' is missing; found start, stop"),
        (["start,stop,concept,valeu"], "line 1: an unknown column 'valeu'; did you mean 'value'?"),
        (["start,stop,stop,concept"], "line 1: a repeated column 'stop'"),
        (["start,stop,concept"], "has no span below its header"),
        (["start,stop,concept", "1,2,a", "1,2"], "line 3: expected 3 cells (start, stop, concept), found 2"),
        (["start,stop,concept", "1,2,a,b"], "found 4. Put a concept with a comma in quotes"),
        (["start,stop,concept", "1.5,2,a"], "line 2: start must be a whole number from 0 on, found '1.5'"),
        (["start,stop,concept", "-1,2,a"], "start must be a whole number from 0 on, found '-1'"),
        (["start,stop,concept", "1,,a"], "stop must be a whole number from 0 on, found ''"),
        (["start,stop,concept", "2,2,a"], "line 2: the span 2:2 is empty"),
        (["start,stop,concept", "3,2,a"], "line 2: the span 3:2 is empty"),
        (["start,stop,concept", "1,2, "], "line 2: the concept is empty"),
        (["start,stop,concept,value", "1,2,a,-1"], "line 2: the value must be 1 (target) or 0 (baseline), found '-1'"),
    ],
)
def test_wrong_file_is_refused_with_its_line(tmp_path, lines, wrong):
    file = spans_file(tmp_path, *lines)
    with pytest.raises(UsageError) as caught:
        spans(file)
    assert str(file) in str(caught.value)
    assert wrong in str(caught.value)


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"Cannot read .*No such file"):
        spans(tmp_path / "no.csv")


def test_span_outside_the_corpus_is_refused_with_its_line(tmp_path):
    source = spans(spans_file(tmp_path, "start,stop,concept", "1,2,a", "7,9,a"))
    for act in (source.names, lambda corpus: source.label(corpus, 0, 1)):
        with pytest.raises(UserError, match="line 3: the span 7:9 of 'a' ends outside the corpus, which has 8 tokens"):
            act(CORPUS)


def test_contradiction_in_a_file_names_token_and_lines(tmp_path):
    file = spans_file(tmp_path, "start,stop,concept,value", "0,3,a,1", "0,1,b,0", "2,5,a,0")
    with pytest.raises(UserError, match=r"marks token 2 as target and as baseline of 'a' \(lines 2 and 4\)"):
        spans(file)


def test_contradiction_with_an_earlier_longer_span_is_found(tmp_path):
    file = spans_file(tmp_path, "start,stop,concept,value", "0,6,a,1", "1,2,a,1", "4,5,a,0", "7,8,a,0")
    with pytest.raises(UserError, match=r"marks token 4 as target and as baseline of 'a' \(lines 2 and 4\)"):
        spans(file)


def marked_corpus(*marks):
    return corpus_dataset([Sentence("d", ["a", "b", "c"]), Sentence("d", ["a", "b", "c"], {}, marks)], "</s>", None)


def test_marks_of_the_corpus_are_spans():
    corpus = marked_corpus(Mark("z", (0, 2)), Mark("y", (1,)), Mark("y", (0,), 0))
    source = spans()
    assert source.names(corpus) == ["y", "z"]
    assert source.label(corpus, 0, 8).T.tolist() == [[-1, -1, -1, -1, 0, 1, -1, -1], [0, 0, 0, 0, 1, 0, 1, 0]]


def test_corpus_without_marks_and_contradictory_marks_are_refused():
    with pytest.raises(UserError, match=r"this corpus marks none. Give file: with a CSV of spans"):
        spans().names(CORPUS)
    with pytest.raises(UserError, match=r"The corpus marks token 5 as target and as baseline of 'y'. Keep one"):
        spans().names(marked_corpus(Mark("y", (1, 2)), Mark("y", (1,), 0)))


def test_marks_of_magpie_equal_the_loop_over_its_lines(real_data):
    file = real_data("idioms/magpie_dev.jsonl.gz")
    corpus = read_corpus(str(file), limit_tokens=20_000)
    marks, n_token = {}, 0
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            sentence = json.loads(line)
            if n_token + len(sentence["tokens"]) + 1 > 20_000:
                break
            for marked in sentence["spans"]:
                for place in marked["tokens"]:
                    marks.setdefault(marked["concept"], {})[n_token + place] = marked["value"]
            n_token += len(sentence["tokens"]) + 1
    label = spans().label(corpus, 0, n_token)
    assert spans().names(corpus) == sorted(marks)
    for concept, values in enumerate(marks[name] for name in sorted(marks)):
        elsewhere = 0 if all(values.values()) else -1
        assert label[:, concept].tolist() == [values.get(token, elsewhere) for token in range(n_token)]


def test_pooled_marks_are_one_concept_of_which_a_target_counts():
    corpus = marked_corpus(Mark("z", (0, 2)), Mark("y", (1,)), Mark("y", (0,), 0))
    source = spans(pool=True)
    assert source.names(corpus) == [""]
    assert source.label(corpus, 0, 8)[:, 0].tolist() == [-1, -1, -1, -1, 1, 1, 1, -1]
    targets = marked_corpus(Mark("z", (0,)), Mark("y", (1,)))
    assert spans(pool=True).label(targets, 0, 8)[:, 0].tolist() == [0, 0, 0, 0, 1, 1, 0, 0]


def test_rare_concepts_can_be_left_away(tmp_path):
    lines = ["start,stop,concept,value", "0,2,a,1", "2,3,a,0", "0,2,b,1", "2,4,b,0", "0,3,c,1", "5,6,d,1"]
    file = spans_file(tmp_path, *lines)
    assert spans(file, min_tokens=1).names(CORPUS) == ["a", "b", "c", "d"]
    source = spans(file, min_tokens=2)
    assert source.names(CORPUS) == ["b", "c"]
    assert source.label(CORPUS, 0, 5).T.tolist() == [[1, 1, 0, 0, -1], [1, 1, 1, 0, 0]]
    assert spans(file, pool=True, min_tokens=3).label(CORPUS, 0, 4)[:, 0].tolist() == [1, 1, 1, 0]
    with pytest.raises(UserError, match=r"at least 4 tokens as target .* target has 3. Lower min_tokens"):
        spans(file, min_tokens=4).names(CORPUS)


@pytest.mark.parametrize(
    ("options", "wrong"),
    [({"pool": 1}, "pool of the spans must be true or false, found 1"), ({"min_tokens": 0}, "from 1 on, found 0")],
)
def test_wrong_options_are_refused(options, wrong):
    with pytest.raises(UsageError, match=wrong):
        spans(**options)
