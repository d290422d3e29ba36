"""A corpus read in parts is, byte for byte, the one that is read in one sequence."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from corpus_files import MAKERS, write_files
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sequential_corpus import SequentialBuilder, write_sequentially
from tiny import digests, write_study

from lstm_analysis.config import Study, load_study
from lstm_analysis.corpus import PieceColumns, find_reader, read_sentences
from lstm_analysis.corpus.files import count_lines, line_start
from lstm_analysis.corpus.indexing import create_columns, plan_chunks, write_chunks
from lstm_analysis.corpus.merging import Merger, dims_of
from lstm_analysis.corpus.parts import plan_parts
from lstm_analysis.errors import UserError
from lstm_analysis.inputs import trained_model
from lstm_analysis.segmentation import segmenter
from lstm_analysis.stages import STAGES
from lstm_analysis.stages.corpus import PartOrder
from lstm_analysis.store import FINGERPRINT, new_store
from lstm_analysis.study import start_work
from lstm_analysis.tasks import CorpusJob
from lstm_analysis.tasks.corpus import corpus_part
from lstm_analysis.vocabulary import BYTE_NAMES, Vocabulary

WORDS = Vocabulary(("<unk>", "</s>", *(f"w{i}" for i in range(7))))
BYTES = Vocabulary(BYTE_NAMES)
CHARACTERS = Vocabulary((" ", "\n", *"w012345", "<unk>"))


def contents(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of a store."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


class Corpus:
    """A corpus to be read in both ways."""

    def __init__(self, folder: Path, format: str, paths: Sequence[str], vocabulary: Vocabulary = WORDS, unit="word",
                 end: str | None = "</s>", limit: int | None = None, rows: int = 8, **options):  # fmt: skip
        self.folder, self.format, self.paths, self.options = folder, format, paths, options
        self.vocabulary, self.unit, self.end, self.limit, self.rows = vocabulary, unit, end, limit, rows
        self.of_pieces = vocabulary.level != "word"

    def sequentially(self):
        pieces = PieceColumns(segmenter(self.vocabulary), self.unit) if self.of_pieces else None
        builder = SequentialBuilder(self.end, self.limit, pieces)
        sentences = read_sentences(self.format, self.paths, **self.options)
        path = self.folder / "sequential.zarr"
        counts = write_sequentially(path, sentences, builder, self.vocabulary, self.rows, "print")
        return counts, contents(path)

    def in_parts(self, part_bytes: int, shuffle: int | None = None, name: str = "parts.zarr"):
        """Return counts, files and the number of parts; tasks are done in an order drawn from the seed ``shuffle``."""
        reader, source = find_reader(self.format, self.paths, **self.options)
        parts_folder = self.folder / f"parts-{part_bytes}-{shuffle}"
        job = CorpusJob(parts_folder, Path(), "", reader, source, self.end, self.of_pieces, self.unit, self.limit,
                        self.rows, self.vocabulary.unknown, "print")  # fmt: skip
        texts = reader.texts(source)
        sizes = {text.file: Path(text.file.removeprefix("file://")).stat().st_size for text in texts}
        parts = plan_parts(reader, texts, sizes, part_bytes)
        merger = Merger(parts_folder, self.vocabulary, self.of_pieces, self.unit, self.limit)
        order, rng = PartOrder(job, merger, parts), np.random.default_rng(shuffle)
        while order.queue:
            if shuffle is not None:
                order.queue.rotate(int(rng.integers(len(order.queue))))
            task = order.queue.popleft()
            order.take(task[0], corpus_part(*task))
        path = self.folder / name
        with new_store(path) as folder:
            create_columns(folder, merger, self.rows)
            chunks = [c for dim in dims_of(self.of_pieces, self.unit)
                      for c in plan_chunks(merger.placed, dim, self.rows, merger.size(dim))]  # fmt: skip
            found = [write_chunks(folder, parts_folder, c, self.rows, self.unit, job.unknown) for c in chunks]
            tables = merger.dataset().assign_attrs({FINGERPRINT: "print"})
            tables.to_zarr(folder, mode="a", consolidated=False, zarr_format=3)
        counts = merger.counts() | {"n_unknown": sum(one.n_unknown for one in found)}
        return counts, contents(path), len(parts)


@pytest.fixture
def segmenter_of(monkeypatch: pytest.MonkeyPatch):
    """Let tasks cut words by a vocabulary, without a model's file."""

    def use(vocabulary: Vocabulary) -> None:
        monkeypatch.setattr("lstm_analysis.tasks.corpus.open_segmenter", lambda *_: segmenter(vocabulary))

    return use


@pytest.mark.parametrize("format", MAKERS)
@pytest.mark.parametrize("part_bytes", [1, 30, 100, 10**6])
def test_any_size_of_parts_gives_the_same_bytes(tmp_path, format, part_bytes):
    corpus = Corpus(tmp_path, format, write_files(tmp_path, format, 1))
    counts, files = corpus.sequentially()
    found, same, n_part = corpus.in_parts(part_bytes)
    assert found == counts
    assert same == files
    assert (n_part == 1) == (part_bytes == 10**6)
    assert counts["n_token"] > 50


@settings(max_examples=30)
@example("conllu", 55817, 5, 8, None, "</s>", "word of characters", ("*:*", "2.x", "d0"))  # a block without new pieces
@given(
    format=st.sampled_from(sorted(MAKERS)), seed=st.integers(0, 10**6), part_bytes=st.integers(5, 250),
    rows=st.integers(7, 60), limit=st.none() | st.integers(10, 150), end=st.sampled_from([None, "</s>"]),
    kind=st.sampled_from(["word", "word of characters", "word of bytes", "token of characters", "token of bytes"]),
    documents=st.sampled_from([(), ("d*",), ("d1", "d2 *", "0.x"), ("*:*", "2.x", "d0")]),
)  # fmt: skip
def test_whatever_is_asked_for(
    tmp_path_factory, segmenter_of, format, seed, part_bytes, rows, limit, end, kind, documents
):
    folder = tmp_path_factory.mktemp("corpus")
    vocabulary = {"bytes": BYTES, "characters": CHARACTERS}.get(kind.split()[-1], WORDS)
    end = end if vocabulary is WORDS or end is None else "\n"
    segmenter_of(vocabulary)
    corpus = Corpus(folder, format, write_files(folder, format, seed), vocabulary, kind.split()[0], end, limit, rows,
                    documents=documents)  # fmt: skip
    if not next(iter(read_sentences(format, corpus.paths, documents=documents)), None):
        return
    counts, files = corpus.sequentially()
    if not counts["n_token"]:
        return
    found, same, _ = corpus.in_parts(part_bytes, shuffle=seed)
    assert found == counts
    assert same == files


def test_after_the_limit_nothing_more_is_read(tmp_path):
    paths = write_files(tmp_path, "text", 3, (9, 2, 9, 9))
    Path(paths[3]).write_bytes(b"caf\xe9")
    corpus = Corpus(tmp_path, "text", paths, limit=20)
    counts, files = corpus.sequentially()
    assert corpus.in_parts(40)[:2] == (counts, files)
    assert counts["limited"]
    n_read = len(list((tmp_path / "parts-40-None").glob("*[0-9].safetensors")))
    assert n_read < len(plan_parts(*_planned(corpus), 40))
    with pytest.raises(UserError, match=r"3.x is not valid UTF-8: line 1 has byte 0xe9 at byte 3 of"):
        Corpus(tmp_path, "text", paths).in_parts(40)


def _planned(corpus: Corpus):
    reader, source = find_reader(corpus.format, corpus.paths)
    texts = reader.texts(source)
    return reader, texts, {text.file: Path(text.file.removeprefix("file://")).stat().st_size for text in texts}


WRONG = {
    "text": ("good line\n" * 30, b"caf\xe9\n"),
    "tsv": ("a\tX\n\n" * 30, b"a\n"),
    "conllu": (("1\ta" + "\t_" * 8 + "\n\n") * 30, b"1\ta\n"),
    "jsonl": ('{"document": "d", "tokens": ["a"]}\n' * 30, b"{}\n"),
}


@pytest.mark.parametrize("format", WRONG)
def test_an_error_in_the_middle_of_a_file_names_the_same_line(tmp_path, format):
    good, wrong = WRONG[format]
    path = tmp_path / "a.x"
    path.write_bytes(good.encode() + wrong + good.encode())
    corpus = Corpus(tmp_path, format, [str(path)])
    with pytest.raises(UserError) as expected:
        corpus.sequentially()
    with pytest.raises(UserError) as found:
        corpus.in_parts(25)
    assert str(found.value) == str(expected.value)
    line = good.count("\n") + 1
    assert f"line {line}" in str(found.value)


def test_the_first_error_in_the_order_of_the_corpus_is_told(tmp_path):
    paths = [tmp_path / f"{i}.x" for i in range(6)]
    for i, path in enumerate(paths):
        path.write_bytes(b"caf\xe9" if i in (2, 4) else b"a b c\n")
    for seed in range(5):
        with pytest.raises(UserError, match=r"2\.x is not valid"):
            Corpus(tmp_path, "text", [str(path) for path in paths]).in_parts(1, shuffle=seed)


def test_parts_with_other_columns_are_refused(tmp_path):
    for name, content in (("a", "# columns = token pos\na\tNN\n"), ("b", "# columns = token\nb\n")):
        (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=r"'b' has the annotation columns \[\], the first sentence .* \['pos'\]"):
        Corpus(tmp_path, "tsv", [str(tmp_path / "a"), str(tmp_path / "b")]).in_parts(1)
    (tmp_path / "c").write_text("# columns = token type\na\tNN\n")
    with pytest.raises(UserError, match="annotation column 'type' cannot be stored"):
        Corpus(tmp_path, "tsv", [str(tmp_path / "c")]).in_parts(1)


def test_what_is_read_is_not_read_again(tmp_path):
    corpus = Corpus(tmp_path, "tsv", write_files(tmp_path, "tsv", 4))
    first = corpus.in_parts(50)
    files = {file: file.stat().st_mtime_ns for file in (tmp_path / "parts-50-None").glob("*[0-9].safetensors")}
    lost, damaged, *_ = sorted(files)
    lost.unlink()
    damaged.write_bytes(damaged.read_bytes()[:40])
    assert corpus.in_parts(50, name="again.zarr") == first
    again = {file: file.stat().st_mtime_ns for file in files}
    assert {file for file in files if again[file] != files[file]} == {lost, damaged}


@given(content=st.text(alphabet="a\n\r \t", max_size=30), at=st.integers(0, 31))
def test_where_a_file_is_cut(tmp_path, content, at):
    path = tmp_path / "a.x"
    path.write_bytes(content.encode())
    at = min(at, len(content))
    lines = [f"{line}\n" for line in content.split("\n")]
    starts = [0, *np.cumsum([len(line) for line in lines]).tolist()]
    begins = min(min(start for start in starts if start >= at), len(content))
    after_blank = [start for start, line in zip(starts[1:], lines, strict=True) if start > begins and not line.strip()]
    assert line_start(str(path), at, blank=False) == begins
    expected = min([*after_blank, len(content)]) if at else 0
    assert line_start(str(path), at, blank=True) == expected
    assert count_lines(str(path), at) == content[:at].count("\n")


@pytest.mark.parametrize("unit", ["word", "token"])
def test_unknown_characters_are_counted(tmp_path, segmenter_of, unit):
    segmenter_of(CHARACTERS)
    path = tmp_path / "a.x"
    path.write_text("xx wx\nxx\n")
    counts, _, _ = Corpus(tmp_path, "text", [str(path)], CHARACTERS, unit, None, rows=2).in_parts(5)
    assert (counts["n_unknown"], counts["n_piece"], counts["n_word"]) == (5, 8, 3)


def read_stage(study: Study, run: Path) -> dict[str, str]:
    """Do the stage of the corpus in this process; return the digests of its store."""
    run.mkdir(exist_ok=True)
    model = trained_model(study)
    STAGES["corpus"](start_work(study, run, model, force=False), model)
    return digests(run, ("corpus.zarr",))


def test_a_stage_that_was_stopped_goes_on_with_the_parts_that_are_left(tmp_path, monkeypatch):
    study = load_study(write_study(tmp_path))
    whole = read_stage(study, tmp_path / "whole")
    monkeypatch.setattr("lstm_analysis.corpus.parts.PART_BYTES", 400)

    def fail(*_):
        raise OSError("gone")

    with monkeypatch.context() as stopped:
        stopped.setattr("lstm_analysis.tasks.index_part", fail)
        with pytest.raises(UserError, match="Writing the corpus failed: OSError: gone"):
            read_stage(study, tmp_path / "run")
    assert len(list((tmp_path / "run" / "parts").glob("*[0-9].safetensors"))) > 5
    monkeypatch.setattr("lstm_analysis.tasks.corpus.read_part", fail)
    assert read_stage(study, tmp_path / "run") == whole
    assert not (tmp_path / "run" / "parts").exists()
