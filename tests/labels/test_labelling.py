import pickle

import dask
import numpy as np
import pytest
import xarray as xr
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from labels import label_loops as loops
from labels.fake_wordnet import write_wordnet

from lstm_analysis import schema
from lstm_analysis.errors import UsageError
from lstm_analysis.labels import (
    PATHS,
    SOURCES,
    build_source,
    build_sources,
    categories,
    concept_contents,
    concept_names,
    empty_concepts,
    idioms,
    label_block,
    label_corpus,
    labelling,
    part_of_speech,
    position,
    spans,
    wordnet,
)  # fmt: skip


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Every label source that does not need more than text; the corpus of `corpora` has no annotation."""
    folder = tmp_path_factory.mktemp("concepts")
    (folder / "idioms.yaml").write_text(
        yaml.safe_dump({"i1": ["in the red", "{in|a} ~ tape*"], "i2": "the in", "i3": "a ~ ~ red"})
    )
    (folder / "categories.yaml").write_text(yaml.safe_dump({"c1": ["tap*", "the red"], "c2": ["in", "a a"]}))
    (folder / "parts.txt").write_text("red tap*\n")
    (folder / "spans.csv").write_text("start,stop,concept,value\n0,1,s1,1\n0,1,s2,0\n")
    return {
        "idiom": idioms(folder / "idioms.yaml"),
        "categories": categories(folder / "categories.yaml"),
        "parts": categories(folder / "parts.txt", subtokens=True),
        "opening": position(first=2),
        "close": position(last=2),
        "spans": spans(folder / "spans.csv"),
        "wordnet": wordnet(write_wordnet(folder / "wordnet"), ["noun.artifact", "noun.act"]),
    }


@settings(max_examples=60)
@given(corpus=loops.corpora(), borders=st.lists(st.integers(0, 60), max_size=8), single=st.booleans())
def test_any_cutting_of_the_corpus_gives_the_same_labels(sources, corpus, borders, single):
    n_token = corpus.sizes["time"]
    whole = label_block(corpus, sources, 0, n_token)
    blocks = loops.cut(n_token, range(n_token) if single else borders)
    for start, stop in blocks:
        np.testing.assert_array_equal(label_block(corpus, sources, start, stop), whole[start:stop])


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(corpus=loops.corpora(), block=st.integers(1, 9))
def test_corpus_is_labelled_the_same_in_blocks_of_any_size(sources, corpus, block):
    before = corpus.copy(deep=True)
    whole = label_corpus(corpus, sources)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(labelling, "BLOCK", block)
        xr.testing.assert_identical(label_corpus(corpus, sources), whole)
    xr.testing.assert_identical(corpus, before)


def test_dataset_has_the_names_of_the_vocabulary(sources):
    corpus = loops.build_corpus("@x in the red", "@y a tape")
    labels = label_corpus(corpus, sources)
    assert labels.label.dims == schema.VARIABLES["label"].dims
    assert labels.label.dtype == np.int8
    names = ["idiom", "i1", "i2", "i3", "c1", "c2", "parts", "opening", "close", "s1", "s2"]
    names += ["noun.artifact", "noun.act"]
    assert labels.concept.values.tolist() == names
    from_files = ["idiom"] * 4 + ["categories"] * 2 + ["parts", "opening", "close"] + ["spans"] * 2 + ["wordnet"] * 2
    assert labels.source.values.tolist() == from_files
    assert labels.group.values.tolist() == ["baseline", "target"]
    for name in labels.data_vars:
        assert labels[name].attrs == schema.VARIABLES[name].attrs
    opening = labels.sel(concept="opening", group="target")
    assert [int(opening[name]) for name in ("n_token", "n_type", "n_document")] == [4, 4, 2]
    assert empty_concepts(labels) == ["i2", "i3", "parts", "s2", "noun.act"]


@pytest.mark.filterwarnings("ignore:Consolidated metadata:UserWarning")
@pytest.mark.parametrize("chunks", [None, {}])
def test_stored_and_lazy_corpora_give_the_same_as_memory(sources, tmp_path, chunks):
    corpus = loops.build_corpus("In the red tape", "a tapes", "a x y in the red", end="</s>")
    corpus.chunk(time=3).to_zarr(tmp_path / "corpus.zarr")
    stored = xr.open_zarr(tmp_path / "corpus.zarr", chunks=chunks)
    with dask.config.set(scheduler=refuse):
        labels = label_corpus(stored, sources)
    xr.testing.assert_identical(labels, label_corpus(corpus, sources))


def refuse(*args, **kwargs):
    raise AssertionError("a block is read by the thread that labels it, never by the cluster")


def test_sources_travel_as_bytes(sources):
    corpus = loops.build_corpus("in the red", "a tape")
    copies = pickle.loads(pickle.dumps(sources))  # noqa: S301
    np.testing.assert_array_equal(label_block(corpus, copies, 0, 5), label_block(corpus, sources, 0, 5))


def test_same_concept_from_two_sources_is_refused():
    corpus = loops.build_corpus("a b")
    with pytest.raises(UsageError, match="There is no label source"):
        concept_names(corpus, {})
    twice = {"s": spans_of(corpus, "opening"), "opening": position(first=1)}
    with pytest.raises(UsageError, match="'opening' comes from the label source 's' and again from 'opening'"):
        label_corpus(corpus, twice)


def spans_of(corpus, concept):
    from lstm_analysis.labels.span import Spans
    from lstm_analysis.labels.span_table import SpanTable

    return Spans(SpanTable.build([0], [1], [0], [1], [concept], "here"))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "idioms.yaml").write_text("red tape: red tape\n")
    (tmp_path / "law.txt").write_text("act\n")
    (tmp_path / "law.yaml").write_text("law: [act]\n")
    (tmp_path / "my.csv").write_text("start,stop,concept\n0,1,a\n")
    write_wordnet(tmp_path / "wordnet")
    return tmp_path


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ({"source": "idioms", "file": "idioms.yaml"}, "idiom"),
        ({"source": "idioms", "file": "idioms.yaml", "max_gap": 2}, "idiom"),
        ({"source": "categories", "file": "law.txt"}, "law"),
        ({"source": "categories", "file": "law.yaml"}, "categories"),
        ({"source": "position", "first": 3}, "first 3 tokens"),
        ({"source": "position", "last": 2, "name": "close"}, "close"),
        ({"source": "part_of_speech", "column": "pos", "tags": {"noun": ["NN*"]}}, "part_of_speech"),
        ({"source": "spans"}, "spans"),
        ({"source": "spans", "file": "my.csv", "name": "mine"}, "mine"),
        ({"source": "spans", "pool": True, "min_tokens": 5}, "spans"),
        ({"source": "part_of_speech", "column": "x", "continued": "I-", "without_value": "baseline"}, "part_of_speech"),
        ({"source": "annotation", "column": "api", "tags": {"io": "java.io*"}}, "annotation"),
        ({"source": "categories", "file": "law.txt", "subtokens": True}, "law"),
        ({"source": "structure"}, "structure"),
        ({"source": "structure", "concepts": ["loop"], "depth": 2, "name": "code"}, "code"),
        ({"source": "wordnet", "path": "wordnet"}, "wordnet"),
        ({"source": "characters", "concepts": ["vowel"], "line": 3}, "characters"),
        ({"source": "wordnet", "path": "wordnet", "classes": ["noun.act"], "min_share": 0.5, "name": "w"}, "w"),
    ],
)
def test_entry_of_a_study_gives_name_and_source(folder, entry, name):
    found, source = build_source(entry, folder)
    assert found == name
    options = {key: folder / value if key in PATHS else value for key, value in entry.items()}
    expected = SOURCES[entry["source"]](**{k: v for k, v in options.items() if k not in ("source", "name")})
    assert isinstance(source, type(expected))
    assert ("file" in entry and entry["source"] == "spans") or source == expected


@pytest.mark.parametrize(
    ("entry", "wrong"),
    [
        ("idioms", "An entry of concepts needs the key 'source'"),
        ({"file": "x"}, "the key 'source', one of idioms, categories, position, annotation, part_of_speech, structure"),
        ({"source": "idoms"}, "Unknown label source 'idoms' in concepts; did you mean 'idioms'?"),
        ({"source": ["idioms"]}, "Unknown label source ['idioms']"),
        ({"source": "idioms", "flie": "x"}, "'idioms' has no key 'flie'; did you mean 'file'?"),
        ({"source": "position", 3: 1}, "has no key 3"),
        ({"source": "idioms"}, "The label source 'idioms' needs the key 'file'; found none"),
        ({"source": "annotation"}, "The label source 'annotation' needs the key 'column'; found none"),
        ({"source": "categories", "file": None}, "The label source 'categories' needs the key 'file'"),
        ({"source": "position", "first": 1, "name": 3}, "must be a text, found 3. Put it in quotes"),
        (
            {"source": "categories", "file": "no.txt", "subtokens": 1},
            "subtokens of the categories must be true or false",
        ),
        (
            {"source": "structure", "concepts": 3},
            "concepts of the label source structure must be a list such as [loop]",
        ),
        ({"source": "structure", "depth": 0}, "depth of the label source structure must be a whole number from 1 on"),
        ({"source": "categories", "file": "no.txt"}, "Cannot read the concept file"),
        ({"source": "wordnet", "path": "no"}, "is not a WordNet folder: there is no such folder"),
    ],
)
def test_wrong_entry_is_refused(tmp_path, entry, wrong):
    with pytest.raises(UsageError) as caught:
        build_source(entry, tmp_path)
    assert wrong in str(caught.value)


def test_what_a_source_reads_is_its_content(folder):
    entries = [{"source": "idioms", "file": "idioms.yaml"}, {"source": "wordnet", "path": "wordnet"},
               {"source": "position", "first": 1}, {"source": "spans"}]  # fmt: skip
    text, digest = concept_contents(entries, folder)
    assert text == "red tape: red tape\n"
    assert concept_contents(entries, folder) == [text, digest]
    with (folder / "wordnet" / "index.verb").open("a") as file:
        file.write("\n")
    assert concept_contents(entries, folder)[1] != digest


def test_two_sources_of_the_same_name_are_refused(tmp_path):
    entries = [{"source": "position", "first": 1}, {"source": "position", "last": 1}]
    assert list(build_sources(entries, tmp_path)) == ["first token", "last token"]
    with pytest.raises(UsageError, match="Two label sources are named 'x'; give one of them another name"):
        build_sources([{**entry, "name": "x"} for entry in entries], tmp_path)


def test_part_of_speech_does_not_depend_on_the_cut():
    corpus = loops.build_corpus("a b c").assign(pos_id=("time", [0, 1, 2])).assign_coords(pos=["X", "", "Y"])
    whole = part_of_speech().label(corpus, 0, 3)
    parts = [part_of_speech().label(corpus, t, t + 1) for t in range(3)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
