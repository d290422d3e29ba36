"""The explorer on real runs: other cells, layers of different sizes, pieces of words, states halved or not kept."""

import csv
import io
import shutil
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest
import torch
from random_model import random_layer
from served import Served, served
from tiny import WORDS, random_tensors, write_study, write_texts

from lstm_analysis import study
from lstm_analysis.config import load_study
from lstm_analysis.explorer.holdings import Holdings
from lstm_analysis.explorer.neuron_card import distribution
from lstm_analysis.explorer.word_map import word_map
from lstm_analysis.inference.checkpoints import save_model
from lstm_analysis.inference.checkpoints.safetensors_file import save_weights
from lstm_analysis.inference.model import Decoder, LanguageModel
from lstm_analysis.run import Run
from lstm_analysis.study import run_study
from lstm_analysis.vocabulary import Vocabulary

pytestmark = pytest.mark.slow

CHARACTERS = Vocabulary((" ", "\n", "w", *"0123456789"))
VIEWS = ("/", "/text", "/neuron", "/concept")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with a study; its runs have no report."""
    monkeypatch.setattr(study, "write_report", lambda run: (run.path / "report.html").touch())
    write_study(tmp_path / "study")
    return tmp_path / "study"


def run_of(folder: Path, *settings: str) -> Run:
    """Run the study of a folder."""
    keys = ["inference.states=[hidden]" if "gru" in settings else "inference.states=[hidden,cell]"]
    given = [text for text in settings if text != "gru"]
    return run_study(load_study(folder / "tiny.yaml", [*keys, *given]), folder / "run", in_process=True)


def look(server: Served) -> dict[str, str]:
    """Return all views."""
    pages = {view: server.get(view) for view in VIEWS}
    assert all(page.status == 200 and "data-root-id" in page.text for page in pages.values())
    return {view: page.text for view, page in pages.items()}


def test_a_run_with_all_there_is(folder: Path) -> None:
    run = run_of(folder)
    with served(run) as server:
        pages = look(server)
        assert "Words by the mean state after them" in pages["/"]
        assert '<span class="found">' not in pages["/"]
        assert 'value="tanh_c"' in pages["/text"]
        answer = server.get("/text.csv?state=tanh_c&neurons=1:3&at=200&width=50")
        values = [float(row["tanh(c) of 1:3"]) for row in csv.DictReader(io.StringIO(answer.text))]
        wanted = np.tanh(run.activations["cell_state"].values[200:250, 1, 3])
        assert values == pytest.approx(wanted.tolist(), abs=1e-6)
    holdings = Holdings(run)
    hidden = run.activations["hidden_state"].values
    found = distribution(holdings, (0, 4))
    assert found is not None
    assert found.n_token == len(hidden)
    words = word_map(holdings, layer=1)
    assert words is not None
    assert words.n_neuron == 10
    rows = run.corpus["type_id"].values
    for i in (0, len(words.word) // 2):
        code = run.corpus["type"].values.tolist().index(words.word[i])
        assert words.n_token[i] == (rows == code).sum()


def test_cells_without_c_and_layers_of_different_sizes(folder: Path) -> None:
    torch.manual_seed(2)
    names, sizes = Vocabulary(("<unk>", "</s>", *WORDS)), (14, 6)
    layers = tuple(random_layer("gru", a, n, torch.float32, a) for a, n in zip((10, 14), sizes, strict=True))
    decoder = Decoder(torch.randn(len(names), 6), torch.randn(len(names)))
    save_model(LanguageModel(torch.randn(len(names), 10), layers, decoder, names), folder / "model.safetensors")
    with served(run_of(folder, "gru", "store.activations=float16")) as server:
        pages = look(server)
        assert 'value="tanh_c"' not in pages["/text"]
        assert "14 + 6 neurons" in pages["/"]
        assert "1:6: no such neuron" in server.get("/neuron?neuron=1:6").text
        assert server.get("/matches.csv?span=200:201&left=0").status == 200
        scores = list(csv.DictReader(io.StringIO(server.get("/map.csv").text)))
        assert len(scores) == 20


def test_pieces_of_words(folder: Path) -> None:
    save_weights(folder / "model.safetensors", random_tensors(n_token=13), CHARACTERS, {}, torch.float32)
    shutil.rmtree(folder / "text")
    write_texts(folder / "text", (60, 5, 40))
    run = run_of(folder, "corpus.unit=token", "inference.shard_tokens=150")
    with served(run) as server:
        assert "data-root-id" in look(server)["/text"]
        rows = list(csv.DictReader(io.StringIO(server.get("/text.csv?at=0&width=40").text)))
        assert {row["token"] for row in rows} >= {"␣", "w"}
        word = str(run.corpus["type"].values[run.corpus["word_type_id"].values[7]])
        found = server.get("/text?" + urlencode({"phrase": word})).text
        assert "of 1 occurrence" in found or "occurrences" in found
        assert server.get("/passages.csv?neuron=0:1").status == 200


def test_states_that_are_not_kept(folder: Path) -> None:
    with served(run_of(folder, "store.activations=none")) as server:
        pages = look(server)
        assert "keeps no states" in pages["/text"]
        assert "Selectivity" in pages["/neuron"]
        assert "highest: " in pages["/neuron"]
        assert "Neurons alike" not in pages["/neuron"]
        assert "Neurons by auroc" in pages["/"]
        assert server.get("/matches.csv?span=0:2").status == 404
        assert len(server.get("/text.csv?at=3&width=10").text.splitlines()) == 11
