"""Variables of ``periodicity.zarr``: a table of its own, for scores have names they have elsewhere."""

from .dims import NEURON
from .variable import Variable

_SPECTRUM = ("frequency", *NEURON)

PERIODICITY: dict[str, Variable] = {
    "frequency": Variable(("frequency",), "float64", "1 / token", "frequency, 1 / period", (0, 0.5)),
    "psd": Variable(_SPECTRUM, "float32", "token", "one-sided power density of h within segments", (0, None)),
    "f_stat": Variable(_SPECTRUM, "float32", "1",
                       "F of a line at the frequency, pooled over segments; NaN where none can be told", (0, None)),
    "rhythm": Variable(NEURON, "int8", "1", "1 periodic, 2 sentence-locked, 0 neither; -1 not tested", (-1, 2)),
    "period": Variable(NEURON, "float64", "token", "period of the neuron's line, or of the likeliest if none is found",
                       (2, None)),
    "line_frequency": Variable(NEURON, "float64", "1 / token", "its frequency, between those tested", (0, 0.5)),
    "line_fraction": Variable(NEURON, "float64", "1",
                              "share of the neuron's variance that the line has; around 0 by chance", (None, 1)),
    "line_band_share": Variable(NEURON, "float64", "1",
                                "share of the energy within half_bandwidth of the line that it has, mean over segments",
                                (0, 1)),
    "p_value": Variable(NEURON, "float64", "1", "p of the line, Bonferroni over the frequencies tested", (0, 1)),
    "p_fwer": Variable(NEURON, "float64", "1", "p of the line, Bonferroni over frequencies and neurons", (0, 1)),
    "line_fraction_residual": Variable(NEURON, "float64", "1",
                                       "line_fraction of what the mean at each position in the sentence leaves; NaN "
                                       "where no line is found or sentences cannot make one", (None, None)),
    "line_fraction_shuffled": Variable(NEURON, "float64", "1",
                                       "line_fraction with whole sentences in another order; NaN as there",
                                       (None, None)),
    "sentence_share": Variable(NEURON, "float64", "1",
                               "share of the line that the mean at each position in the sentence has; NaN as there",
                               (None, None)),
    "sentence_coherence": Variable(NEURON, "float64", "1",
                                   "coherence over segments of the line with that of the sentences' first tokens, 0 if "
                                   "these have none; NaN as there", (0, 1)),
    "n_segment": Variable(NEURON, "int64", "1", "segments in which the neuron varies, on which all rests", (0, None)),
    "segment_variance": Variable(NEURON, "float64", "1", "variance of h over all tokens of these", (0, None)),
    "segment_length": Variable((), "int64", "token", "tokens of a segment", (1, None)),
    "n_sentence_in_segment": Variable((), "float64", "1", "mean number of sentences in a segment", (0, None)),
    "n_taper": Variable((), "int64", "1", "Slepian tapers", (1, None)),
    "half_bandwidth": Variable((), "float64", "1 / token", "power farther away than that does not leak in", (0, 0.5)),
    "sentences_matter": Variable((), "bool", "", "whether segments hold enough sentences for these to make a line"),
}  # fmt: skip
"""Variables of ``periodicity.zarr``."""
