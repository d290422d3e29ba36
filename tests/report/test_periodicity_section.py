"""What the page says of periodic neurons: the numbers of the store, the twin beside, and what was not tested."""

import re
from dataclasses import replace

import numpy as np
import pytest
from bokeh.models import BoxAnnotation, ColumnDataSource, Span
from fake_run import write_run

from lstm_analysis.report import page
from lstm_analysis.report.analysis_sections import draw_spectra
from lstm_analysis.report.material import Material, gather
from lstm_analysis.report.periodicity_section import periodicity_section
from lstm_analysis.report.spectrum_figure import spectrum_figure


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    folder = tmp_path_factory.mktemp("runs") / "periodic"
    return gather(write_run(folder, draws=99, analyses=("periodicity",), twin="initial"))


def section_text(material: Material) -> str:
    html = page.template("periodicity.html").render(periodicity=periodicity_section(material), alpha=0.05)
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_called_neurons_stand_first_and_duplicates_once(material: Material) -> None:
    section, found = periodicity_section(material), material.periodicity
    assert section is not None
    assert found is not None
    size = found["line_fraction"].values[0]
    first = "0:0" if size[0] >= size[1] else "0:1"
    assert [(neuron.name, neuron.verdict) for neuron in section.neurons] == [
        (first, "periodic"),
        ("0:2", "sentence-locked"),
    ]
    assert section.neurons[0].duplicates == (("0:1",) if first == "0:0" else ("0:0",))
    assert section.neurons[1].scores["period"] == found["period"].values[0, 2]
    nearest = np.abs(found["frequency"].values - found["line_frequency"].values[0, 2]).argmin()
    assert section.neurons[1].f_stat == pytest.approx(found["f_stat"].values[nearest, 0, 2], nan_ok=True)
    assert (section.own.n_periodic, section.own.n_locked, section.own.n_tested) == (2, 1, 13)


def test_the_page_says_counts_segments_and_the_twins_best(material: Material) -> None:
    text = section_text(material)
    assert "2 periodic neurons, 1 locked to the sentences, of 13 tested; the random twin has 2 and 1 of 13" in text
    assert "40 segments of 64 tokens with 6.4 sentences each, at periods of 2 to 16 tokens" in text
    assert "twin's best" in text
    assert material.periodicity is not None
    assert f"a sharp line has {(1 + 1 / int(material.periodicity['n_taper'])) / 2:.2f} or more" in text
    assert not re.search(r"\bnan\b|None", text)


def test_without_a_called_neuron_the_nearest_are_listed(material: Material) -> None:
    assert material.periodicity is not None
    quiet = material.periodicity.copy(deep=True)
    quiet["rhythm"].values[quiet["rhythm"].values > 0] = 0
    section = periodicity_section(replace(material, periodicity=quiet))
    assert section is not None
    assert len(section.neurons) == 8
    sizes = [neuron.scores["line_fraction"] for neuron in section.neurons]
    assert sizes == sorted(sizes, reverse=True)
    assert "No neuron is called" in section_text(replace(material, periodicity=quiet))


def test_what_was_not_tested_is_said(material: Material) -> None:
    assert material.periodicity is not None
    none = material.periodicity[["rhythm", "period", "line_fraction", "p_value", "p_fwer", "n_segment"]]
    none = none.drop_vars("frequency", errors="ignore").assign_attrs(note="not tested: a test needs 30 segments")
    none["rhythm"] = none["rhythm"] * 0 - 1
    untested = replace(material, periodicity=none)
    assert "No neuron was tested for a period: a test needs 30 segments." in section_text(untested)
    assert draw_spectra(untested, periodicity_section(untested)) == {}
    assert periodicity_section(replace(material, periodicity=None)) is None


def test_a_spectrum_has_the_neurons_power_the_others_band_and_the_line(material: Material) -> None:
    found = material.periodicity
    assert found is not None
    plot = spectrum_figure(found, 0, 2, found)
    (source,) = plot.select(ColumnDataSource)
    frequency, relative = found["frequency"].values[1:], found["psd"].values[1:] / 0.1
    np.testing.assert_allclose(source.data["period"], 1 / frequency)
    np.testing.assert_allclose(source.data["power"], relative[:, 0, 2], rtol=1e-6)
    np.testing.assert_allclose(source.data["high"], np.percentile(relative.reshape(128, -1), 95, axis=1), rtol=1e-6)
    (line,) = plot.select(Span)
    assert line.location == float(found["period"][0, 2])
    (untested,) = plot.select(BoxAnnotation)
    assert untested.left == 16
    assert {plot.xaxis.axis_label, plot.yaxis.axis_label} == {"period (tokens)", "power / variance (tokens)"}
