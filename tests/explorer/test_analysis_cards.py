"""What cards show of analyses: the numbers of the stores, counted again slowly; nothing where a run has none."""

import re
from collections import Counter
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest
import xarray as xr
from bokeh.models import ColumnDataSource, GlyphRenderer
from fake_dynamics import fake_dynamics
from fake_run import NASTY, write_run
from served import Answer, served

from lstm_analysis.analyses.pca import principal_components
from lstm_analysis.explorer.address import Query
from lstm_analysis.explorer.card_parts import OF_CONCEPT, OF_NEURON, draw_parts, make_parts
from lstm_analysis.explorer.component_card import component_card
from lstm_analysis.explorer.graded_card import draw_graded, graded_card
from lstm_analysis.explorer.holdings import Holdings
from lstm_analysis.explorer.lesion_card import concept_lesions, neuron_lesions
from lstm_analysis.explorer.match_card import match_card
from lstm_analysis.explorer.neuron_card import facts_of
from lstm_analysis.explorer.pages import fragment
from lstm_analysis.explorer.probe_card import draw_probes, probed_concept, probed_neuron
from lstm_analysis.explorer.replicate_card import replicate_rows
from lstm_analysis.explorer.rhythm_card import draw_rhythm, rhythm_card
from lstm_analysis.explorer.separability_card import separability_card
from lstm_analysis.explorer.stretch import Neuron
from lstm_analysis.explorer.tables import TABLES
from lstm_analysis.explorer.training_card import training_card
from lstm_analysis.reductions.summarize import summarize
from lstm_analysis.run import Run, open_run

ANALYSES = ("tuning", "periodicity", "pca", "probes", "neuron_matching", "lesion")
NEURONS = [(layer, neuron) for layer, size in enumerate((7, 5)) for neuron in range(size)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("runs") / "fake & run"
    return write_run(folder, draws=99, analyses=ANALYSES, twin="initial", layer_sizes=(7, 5))


@pytest.fixture(scope="module")
def whole(run: Run) -> Holdings:
    return Holdings(run)


def twin_of(run: Run) -> Run:
    assert run.twin is not None
    return run.twin


def test_graded_variables_have_their_scores_and_the_twins_best(whole: Holdings) -> None:
    found, beside = whole.run.tuning, twin_of(whole.run).tuning
    names = found["variable"].values.tolist()
    for neuron in ((0, 2), (1, 3)):
        card = graded_card(whole, neuron)
        assert card is not None
        assert sorted(row.name for row in card.rows) == sorted(names)
        for row in card.rows:
            own = found.sel(variable=row.name).isel(layer=neuron[0], neuron=neuron[1])
            for name in ("r", "eta2", "eta2_type_adjusted", "p_fwer"):
                assert row.own.scores[name] == pytest.approx(float(own[name]), nan_ok=True)
            assert row.own.called == (int(own["graded_neuron"]) == 1)
            best = None
            for place in NEURONS:
                share = float(beside.sel(variable=row.name)["eta2_type_adjusted"][place])
                called = int(beside.sel(variable=row.name)["graded_neuron"][place]) == 1
                if not np.isnan(share) and (best is None or (called, share) > best[0]):
                    best = ((called, share), place)
            assert (row.twin is None) == (best is None) == (row.name == "never")
            assert row.twin is None or (row.twin.layer, row.twin.neuron) == best[1]
        keys = [(row.own.called, np.nan_to_num(row.own.scores["eta2_type_adjusted"], nan=-9)) for row in card.rows]
        assert keys == sorted(keys, reverse=True)


def test_the_curve_is_the_neurons_own_where_there_are_tokens_enough(whole: Holdings) -> None:
    card = graded_card(whole, (0, 2))
    assert card is not None
    figures = draw_graded(whole, (0, 2), card)
    assert sorted(figures) == [f"graded-{row.index}" for row in sorted(card.rows, key=lambda row: row.index)][:2]
    one = whole.run.tuning.isel(variable=0)
    kept = one["n_token"].values >= 10
    sources = figures["graded-0"].select({"type": ColumnDataSource})
    drawn = [list(source.data["mean"]) for source in sources if "mean" in source.data]
    assert one["tuning_mean"].isel(layer=0, neuron=2).values[kept].tolist() in drawn
    assert len(drawn) == 2, "its own and the twin's best"


def test_the_rhythm_is_what_the_analysis_calls_it(whole: Holdings) -> None:
    found, beside = whole.run.periodicity, twin_of(whole.run).periodicity
    said = {(0, 0): "Periodic", (0, 2): "Locked to the sentences", (0, 5): "Neither periodic nor locked to the"}
    sizes = [(int(beside["rhythm"][place] == 1), float(beside["line_fraction"][place]), place)
             for place in NEURONS if int(beside["rhythm"][place]) > 0]  # fmt: skip
    for neuron, words in said.items():
        card = rhythm_card(whole, neuron)
        assert card is not None
        assert card.own is not None
        assert card.twin is not None
        assert card.verdict.startswith(words)
        assert card.own.scores["period"] == float(found["period"][neuron])
        assert (card.twin.layer, card.twin.neuron) == max(sizes)[2]
        assert list(draw_rhythm(whole, neuron, card)) == ["spectrum"]
    untested = rhythm_card(whole, (1, 4))
    assert untested is not None
    assert untested.missing == "it varies in too few segments"
    assert draw_rhythm(whole, (1, 4), untested) == {}
    assert f"periodic, {float(found['period'][0, 0]):.1f} tokens" in facts_of(whole, (0, 0))


def test_shares_of_components_are_what_they_explain_of_the_neuron(run: Run) -> None:
    states = run.activations[["hidden_state"]].load()["hidden_state"]
    flat = states.values.reshape(len(states), -1)[:, :12].astype(np.float64)
    holdings = Holdings(run)
    covariance = np.zeros((14, 14))
    covariance[:12, :12] = np.cov(flat.T)
    mean = np.append(flat.mean(axis=0), [np.nan, np.nan]).reshape(2, 7)
    holdings.__dict__["pca"] = principal_components(covariance, mean)
    holdings.__dict__["summary"] = summarize(
        states, run.labels[["label"]].load(), sentence_position=run.corpus["sentence_position"].load()
    )
    own = flat[:, 9] - flat[:, 9].mean()
    values, vectors = np.linalg.eigh(np.cov(flat[:, 7:].T))
    score = (flat[:, 7:] - flat[:, 7:].mean(axis=0)) @ vectors[:, ::-1]
    card = component_card(holdings, (1, 2))
    assert card is not None
    assert [space.name for space in card.spaces] == ["layer 1", "all layers"]
    for n in range(1, 5):
        fit = score[:, :n] @ np.linalg.lstsq(score[:, :n], own, rcond=None)[0]
        assert card.spaces[0].told(n) == pytest.approx(fit @ fit / (own @ own), abs=1e-5)
    assert card.spaces[1].told(50) == pytest.approx(1, abs=1e-5)
    heaviest = card.spaces[0].heaviest[0]
    assert heaviest.share == max(one.share for one in card.spaces[0].components)
    assert abs(heaviest.loading) == pytest.approx(abs(vectors[:, ::-1][2, heaviest.number - 1]), abs=1e-6)
    assert heaviest.of_space == pytest.approx(values[::-1][heaviest.number - 1] / values.sum())


def test_without_the_sums_components_have_loadings_only(whole: Holdings) -> None:
    card = component_card(whole, (0, 3))
    assert card is not None
    assert np.isnan(card.spaces[0].told(2))
    loading = whole.run.pca["loading"].isel(space=0, layer=0, neuron=3).values
    assert card.spaces[0].heaviest[0].number == 1 + int(np.abs(loading).argmax())
    assert "components" not in draw_parts(OF_NEURON, whole, (0, 3), make_parts(OF_NEURON, whole, (0, 3)))


def test_neurons_alike_are_those_with_the_largest_correlation(whole: Holdings) -> None:
    states = whole.run.activations["hidden_state"].values
    columns = {place: states[:, place[0], place[1]].astype(np.float64) for place in NEURONS if place != (1, 4)}
    columns[0, 6] = -columns[0, 0]  # as the fake store has it
    for neuron in ((0, 0), (1, 1)):
        r = {place: np.corrcoef(columns[neuron], other)[0, 1] for place, other in columns.items() if place != neuron}
        order = sorted(r, key=lambda place: -abs(r[place]))[:5]
        card = match_card(whole, neuron)
        assert card is not None
        assert card.table["neuron"].tolist() == [f"{a}:{b}" for a, b in order]
        assert card.table["r"].tolist() == pytest.approx([r[place] for place in order], abs=1e-5)
    twin = match_card(whole, (0, 0))
    assert twin is not None
    assert (twin.mutual, twin.family, twin.duplicates) == (True, ("0:6",), ("0:6",))
    assert twin.r_twin == float(twin_of(whole.run).neuron_matching["r_twin"][0, 0])
    constant = match_card(whole, (1, 4))
    assert constant is not None
    assert constant.table.empty


def test_lesions_of_a_neuron_stand_beside_random_neurons(whole: Holdings) -> None:
    found = whole.run.lesion.sel(prediction="next")
    card = neuron_lesions(whole, (1, 2))
    assert card is not None
    assert card.alone is not None
    assert card.alone.overall == float(found["delta_loss_overall"].sel(lesion="1:2"))
    assert not card.sets
    first = card.rows[0]
    assert (first.cell.concept, first.hurt, first.cell.loss) == (found["concept"].values[1], True, 0.2)
    assert first.cell.random == pytest.approx(float(np.median(found["random_delta_loss"][:, 1, 1])))
    far = []
    for k in range(found.sizes["concept"]):
        random = found["random_delta_loss"].values[:, 1, k].astype(float)
        far.append((float(found["delta_loss"][1, k]) - random.mean()) / random.std())
    rest = [k for k in np.argsort(-np.array(far), kind="stable").tolist() if k != 1]
    assert [k for _, k in card.places] == [1, *rest][: len(card.places)]
    member = neuron_lesions(whole, (0, 3))
    assert member is not None
    assert member.alone is None
    assert [line.neurons for line in member.sets] == [("0:3", "1:4")]
    assert member.rows == ()
    assert neuron_lesions(whole, (0, 2)) is None


def test_a_concept_is_lost_with_its_lesions(whole: Holdings) -> None:
    concept = str(whole.run.lesion["concept"].values[0])
    card = concept_lesions(whole, concept)
    assert card is not None
    assert {row.cell.lesion for row in card.rows} == {"0:1", "1:2", "0:3,1:4"}
    assert all(row.cell.concept == concept for row in card.rows)
    assert [row.cell.lesion for row in card.rows if row.hurt] == ["0:1"]
    assert concept_lesions(whole, "nothing of the kind") is None


def test_probes_that_chose_a_neuron_are_counted(whole: Holdings) -> None:
    found = whole.run.probes
    for neuron in ((0, 0), (0, 6), (1, 1)):
        card = probed_neuron(whole, neuron)
        assert card is not None
        shares = {}
        for k, concept in enumerate(found["concept"].values):
            for n in range(4):
                for rank in range(8):
                    place = tuple(int(found[name][k, n, rank]) for name in ("chosen_layer", "chosen_neuron"))
                    if place == neuron:
                        share = float(found["chosen_share"][k, n, rank])
                        shares.setdefault(str(concept), [np.nan] * 4)[n] = max(share, shares.get(concept, [0] * 4)[n])
        assert {row.concept for row in card.rows} == set(shares) == ({NASTY} if neuron[0] == 0 else set())
        for row in card.rows:
            assert [np.isnan(share) for share in row.share] == [np.isnan(share) for share in shares[row.concept]]
        assert card.n_concept == 1


def test_the_probes_of_a_concept_are_drawn_with_the_twin(whole: Holdings) -> None:
    card = probed_concept(whole, NASTY)
    assert card is not None
    k = whole.run.probes["concept"].values.tolist().index(NASTY)
    plot = draw_probes(whole, NASTY, card)["probes"]
    drawn = {item.data_source.data["of"][0]: item.data_source.data["y"] for item in plot.renderers
             if isinstance(item, GlyphRenderer)}  # fmt: skip
    stored = {"probe": whole.run.probes["probe_auroc"], "random labels": whole.run.probes["control_auroc"],
              "random twin": twin_of(whole.run).probes["probe_auroc"]}  # fmt: skip
    assert drawn == {name: values[k].values.tolist() for name, values in stored.items()}
    untold = probed_concept(whole, "idiom")
    assert untold is not None
    assert untold.line is None
    assert untold.untold.startswith("The concept is not decided by its words")
    assert draw_probes(whole, "idiom", untold) == {}


def test_accuracy_in_components_stands_by_space_with_the_twins(whole: Holdings) -> None:
    card = separability_card(whole, NASTY)
    assert card is not None
    for s, row in enumerate(card.rows):
        for place, n in enumerate((2, 5, 10, 20)):
            one = whole.run.pca.sel(concept=NASTY, n_dimension=n).isel(space=s)
            assert row.told[place] == tuple(float(one[v]) for v in ("accuracy", "accuracy_null_high", "p_value"))
            beside = twin_of(whole.run).pca.sel(concept=NASTY, n_dimension=n).isel(space=s)
            assert row.twin[place] == float(beside["accuracy"])
    assert [row.name for row in card.rows] == ["layer 0", "layer 1", "all layers"]
    two = [row.told[0][0] for row in card.rows]
    assert card.scatter is not None
    assert card.scatter[1] == two.index(max(two))
    untold = separability_card(whole, "idiom")
    assert untold is not None
    assert untold.untold
    assert untold.scatter is None


def headings(answer: Answer) -> list[str]:
    """Return the headings of a card's parts, after checking that names and ids of the page fit together."""
    assert answer.status == 200
    ids = Counter(re.findall(r'\bid="([^"]*)"', answer.text))
    assert max(ids.values()) == 1
    assert set(re.findall(r'aria-labelledby="([^"]*)"', answer.text)) <= set(ids)
    assert set(re.findall(r'href="#([^"]*)"', answer.text)) <= set(ids)
    assert "<script>alert" not in answer.text
    assert "<b>nasty" not in answer.text
    assert not re.search(r"\bnan\b|None", re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", answer.text, flags=re.S))
    return re.findall(r'<h2 id="[^"]*">([^<]*)</h2>', answer.text)


def test_pages_have_the_parts_their_run_has(run: Run) -> None:
    of_neuron, of_concept = ({part.title for part in parts.values()} for parts in (OF_NEURON, OF_CONCEPT))
    with served(run) as server:
        for neuron, lost in (("0:0", []), ("1:4", ["Without this neuron"])):
            found = headings(server.get(f"/neuron?neuron={neuron}"))
            assert [title for title in found if title in of_neuron] == [
                "Neurons alike", "Graded variables", "Periodicity", *lost, "Sparse probes", "Principal components",
            ]  # fmt: skip
        assert 'href="/neuron?neuron=0%3A6"' in server.get("/neuron?neuron=0:0").text
        found = headings(server.get("/concept?" + urlencode({"concept": NASTY})))
        assert [title for title in found if title in of_concept] == [part.title for part in OF_CONCEPT.values()]


def test_parts_are_saved_as_tables(whole: Holdings) -> None:
    query = Query({"neuron": [b"1:2"], "concept": [NASTY.encode()]})
    tables = {name: TABLES[name](whole, query) for name in (*OF_NEURON, *OF_CONCEPT)}
    assert [name for name, table in tables.items() if table is None] == ["replicates", "rhythm", "training"]
    n_row = {name: len(table) for name, table in tables.items() if table is not None}
    assert n_row == {"matched": 5, "graded": 3, "lost": 7, "chosen": 0, "loadings": 24, "probes": 4,
                     "separability": 12, "lesions": 3}  # fmt: skip
    (first, *_) = tables["lost"].to_dict("records")
    assert (first["lesion"], first["delta_loss"], first["hurt"]) == ("1:2", 0.2, True)
    assert TABLES["probes"](whole, Query({"concept": [b"idiom"]})) is None


def test_no_part_reads_the_states(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def note(_: Run, name: str, *__: object) -> xr.Dataset:
        opened.append(name)
        return real(_, name, *__)

    real = Run._open
    monkeypatch.setattr(Run, "_open", note)
    holdings = Holdings(open_run(run.path))
    for parts, of in ((OF_NEURON, (1, 2)), (OF_CONCEPT, NASTY)):
        draw_parts(parts, holdings, of, make_parts(parts, holdings, of))
    assert {f"{name}.zarr" for name in ANALYSES} <= set(opened)
    assert "activations.zarr" not in opened


def test_a_run_without_analyses_has_no_such_part(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", analyses=("neuron_matching",))
    holdings = Holdings(run)
    assert list(make_parts(OF_NEURON, holdings, (0, 1))) == ["matched"]
    assert make_parts(OF_CONCEPT, holdings, "idiom") == {}
    assert holdings.missing == {}
    (run.path / "neuron_matching.zarr").rename(run.path / "elsewhere")
    with served(open_run(run.path)) as server:
        answer = server.get("/neuron?neuron=0:1")
        assert "On this card" not in answer.text
        assert "has no neuron_matching.zarr" in answer.text
        assert "Find them" in answer.text


def test_concepts_without_tokens_enough_have_no_loss_to_show(run: Run) -> None:
    holdings = Holdings(run)
    lesion = run.lesion.copy(deep=True)
    for name in ("delta_loss", "random_delta_loss", "p_value", "p_fwer"):
        lesion[name].loc[{"concept": lesion["concept"].values[2:]}] = np.nan
    holdings.__dict__["lesion"] = lesion
    card = neuron_lesions(holdings, (1, 2))
    assert card is not None
    assert [k for _, k in card.places] == [1, 0]
    assert card.n_row == 2
    assert concept_lesions(holdings, str(lesion["concept"].values[3])) is None


def matched_with_itself(run: Run) -> xr.Dataset:
    """Return what the neurons of a run match in a model that is the same."""
    found, sizes = run.neuron_matching, {"rank": 5, "layer": 2, "neuron": 7}
    assert found["r"].sizes == sizes
    return found.assign(excess_r=abs(found["r"].isel(rank=0)) - found["r_rotated"])


def part_of_page(holdings: Holdings, name: str, neuron: Neuron) -> str:
    made = OF_NEURON[name].make(holdings, neuron)
    titles = {name: OF_NEURON[name].title}
    return fragment(f"{name}.html", parts={name: made}, titles=titles, neuron=f"{neuron[0]}:{neuron[1]}")


def test_neurons_of_other_models_stand_beside(run: Run) -> None:
    holdings = Holdings(run)
    found = matched_with_itself(run)
    holdings.matched = {"second": found}
    (row,) = replicate_rows(holdings, (1, 1)).to_dict("records")
    at = found.isel(layer=1, neuron=1)
    assert row["neuron"] == f"{int(at['best_layer'][0])}:{int(at['best_neuron'][0])}"
    assert (row["model"], row["r"], row["mutual"]) == ("second", float(at["r"][0]), int(at["mutual"]) == 1)
    assert row["excess_r"] == pytest.approx(abs(float(at["r"][0])) - float(at["r_rotated"]))
    assert replicate_rows(holdings, (1, 4))["neuron"].tolist() == [""]  # the constant one
    page = part_of_page(holdings, "replicates", (1, 1))
    assert "In other trained models" in page
    assert ">second<" in page


def test_a_neuron_is_dated_on_its_card(run: Run) -> None:
    holdings = Holdings(run)
    assert training_card(holdings, (0, 0)) is None
    scores = run.selectivity.assign(p_fwer=run.selectivity["p_fwer"] / 5)  # that some are small
    holdings.training_dynamics = dynamics = fake_dynamics(scores)
    since = dynamics["selective_since"].transpose("layer", "neuron", "concept").values
    layer, neuron, _ = np.argwhere(np.isfinite(since))[0]
    card = training_card(holdings, (int(layer), int(neuron)))
    assert card is not None
    expected = {str(dynamics["concept"].values[i]): since[layer, neuron, i]
                for i in np.flatnonzero(np.isfinite(since[layer, neuron]))}  # fmt: skip
    assert dict(zip(card.table["concept"], card.table["selective_since"], strict=True)) == expected
    concept, epoch = card.table["concept"][0], card.epochs[-1]
    score = dynamics["auroc"].isel(epoch=-1, layer=int(layer), neuron=int(neuron)).sel(concept=concept)
    assert card.table[f"auroc {epoch}"][0] == pytest.approx(float(score))
    page = part_of_page(holdings, "training", (int(layer), int(neuron)))
    assert "Over training" in page
    assert "<b>nasty" not in page
