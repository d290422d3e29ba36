"""Variables of ``sentence_position.zarr`` and of the plan of its boundaries."""

from .dims import NEURON, TUNING
from .variable import Variable

_FIT = {
    "baseline": (
        "1",
        "value at the first position, b of b + A (1 - exp(-p / tau)) fitted to the tuning curve",
        (None, None),
    ),
    "amplitude": ("1", "rise from the first position to the level approached, A of the fit", (None, None)),
    "tau": ("token", "tokens in which the distance to the level approached shrinks to 1/e", (0, None)),
    "r2": ("1", "share of the tuning curve's variance over positions that the fit has", (0, 1)),
}
_BOUNDARY_MEAN = {
    "cliff_mean": "mean over boundaries of h at a sentence's last token minus h at the next token",
    "short_rise": "mean of h at the end symbol minus h at the last word, sentences of at most 3 words",
}
_BOUNDARY_R = {
    "cliff_r_current": "Pearson correlation of the cliff with the length of the sentence just ended",
    "level_r_current": "Pearson correlation of h after the boundary with the length of the sentence just ended",
    "level_partial_r_previous": "correlation of h after the boundary with the length of the sentence before the one "
    "just ended, within strata of the latter's exact length and jackknife block",
}
_LENGTH = ("sentence_length_bin",)
_BOUNDARY = ("boundary",)
SENTENCE_POSITION: dict[str, Variable] = {
    "tuning_mean": Variable(TUNING, "float64", "1", "mean value at the position in the sentence"),
    "tuning_sd": Variable(TUNING, "float64", "1", "standard deviation at the position in the sentence", (0, None)),
    "eta2": Variable(NEURON, "float64", "1", "share of variance between positions, bias-corrected", (None, 1)),
}
SENTENCE_POSITION |= {
    f"{name}{scale}{end}": Variable(NEURON, "float64", units, f"{meaning}{of}{which}", limits)
    for name, (units, meaning, limits) in _FIT.items()
    for scale, of in (("", ""), ("_arctanh", "; of arctanh(h)"))
    for end, which in (("", ""), ("_low", "; lower end of its interval"), ("_high", "; upper end of its interval"))
}
SENTENCE_POSITION |= {
    f"{name}{end}": Variable(NEURON, "float64", "1", f"{meaning}{which}")
    for name, meaning in _BOUNDARY_MEAN.items()
    for end, which in (("", ""), ("_low", "; lower end of its interval"), ("_high", "; upper end of its interval"))
}
SENTENCE_POSITION |= {
    f"{name}{end}": Variable(NEURON, "float64", "1", f"{meaning}{which}", limits)
    for name, meaning in _BOUNDARY_R.items()
    for end, which, limits in (
        ("", "", (-1, 1)),
        ("_low", "; lower end of its interval", (-1, 1)),
        ("_high", "; upper end of its interval", (-1, 1)),
        ("_z", "; its score in units of its standard deviation under permutation", (None, None)),
        ("_p", "; two-sided p by permutation within strata", (0, 1)),
        ("_p_fwer", "; p adjusted for all neurons by max-T", (0, 1)),
        ("_q", "; Benjamini-Hochberg q over all neurons", (0, 1)),
    )
}
SENTENCE_POSITION |= {
    "tuning_mean_low": Variable(TUNING, "float64", "1", "lower end of the interval of tuning_mean"),
    "tuning_mean_high": Variable(TUNING, "float64", "1", "upper end of the interval of tuning_mean"),
    "value_sd": Variable(NEURON, "float64", "1", "standard deviation over all tokens", (0, None)),
    "n_clipped": Variable(NEURON, "int64", "token", "tokens with |h| of 1, whose arctanh counts as 9.01", (0, None)),
    "fit_reason": Variable(
        NEURON,
        "int8",
        "1",
        "why the fit has no tau: 0 it has, 1 too few positions, 2 constant, 3 flat within its noise, "
        "4 over within a token, 5 no end within the sentence; 6 a tau, but no interval",
        (0, 6),
    ),
    "fit_reason_arctanh": Variable(NEURON, "int8", "1", "the same of the fit to arctanh(h)", (0, 6)),
    "cliff_sd": Variable(NEURON, "float64", "1", "standard deviation of the cliff over boundaries", (0, None)),
    "cliff_by_length": Variable((*_LENGTH, *NEURON), "float64", "1", "mean cliff by length of the sentence just ended"),
    "cliff_sd_by_length": Variable((*_LENGTH, *NEURON), "float64", "1", "its standard deviation", (0, None)),
    "level_by_length": Variable((*_LENGTH, *NEURON), "float64", "1", "mean of h after the boundary by that length"),
    "n_boundary_by_length": Variable(
        _LENGTH, "int64", "boundary", "boundaries after sentences of that length", (0, None)
    ),
    "n_boundary": Variable((), "int64", "boundary", "boundaries that cliff and level are measured at", (0, None)),
    "n_boundary_found": Variable(
        (), "int64", "boundary", "boundaries of the corpus, of which a sample is measured", (0, None)
    ),
    "n_boundary_current": Variable((), "int64", "boundary", "boundaries in documents of two or more", (0, None)),
    "n_boundary_previous": Variable((), "int64", "boundary", "boundaries in strata of two or more", (0, None)),
    "n_boundary_short": Variable((), "int64", "boundary", "boundaries after sentences of at most 3 words", (0, None)),
    "eta2_type_adjusted": Variable(
        NEURON, "float64", "1", "share of the variance left by word types that lies between positions", (None, 1)
    ),
    "n_token_in_table": Variable((), "int64", "token", "tokens whose type is in the type table", (0, None)),
    "cliff_neuron": Variable(
        NEURON,
        "int8",
        "1",
        "1: drops (or jumps) at boundaries and works its way back whatever the words; -1 not tested",
        (-1, 1),
    ),
    "end_time": Variable(_BOUNDARY, "int64", "1", "last token of the sentence just ended: index on `time`", (0, None)),
    "next_time": Variable(_BOUNDARY, "int64", "1", "token after it: index on `time`", (1, None)),
    "before_time": Variable(
        _BOUNDARY, "int64", "1", "last word of a very short sentence, else -1: index on `time`", (-1, None)
    ),
    "length_current": Variable(_BOUNDARY, "int64", "token", "length of the sentence just ended", (1, None)),
    "length_previous": Variable(
        _BOUNDARY, "int64", "token", "length of the sentence before it; -1 without one", (-1, None)
    ),
    "length_next": Variable(_BOUNDARY, "int64", "token", "length of the sentence after it", (1, None)),
    "boundary_document": Variable(
        _BOUNDARY, "int64", "1", "document of the boundary: index in `document_name`", (0, None)
    ),
    "boundary_block": Variable(_BOUNDARY, "int64", "1", "jackknife block of the boundary", (0, None)),
}
