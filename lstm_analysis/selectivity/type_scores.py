"""Scores of concepts that are decided by their words: the unit is the word type, not the token."""

import zlib

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .. import schema
from ..errors import UserError
from ..statistics.multiplicity import benjamini_hochberg
from ..statistics.strata import Matching, match_types
from ..statistics.type_membership import find_members
from ..statistics.type_order import TypeOrder, order_types
from ..statistics.type_permutation import describe_category, permute_category
from ..statistics.type_table import TABLE_DIMS, TypeTable, read_type_table

SCORES = (
    "type_smd", "type_auroc", "breadth", "type_smd_odd", "type_smd_even", "selectivity_over_control",
    "p_type", "p_fwer_type", "q_type",
)  # fmt: skip
COUNTS = ("n_type_member", "n_type_matched", "n_type_unmatched", "few_types", "type_null", "type_strata")
FEWEST_TESTED = 5
FEWEST_WANTED = 20
"""With fewer member types the test has little power: 10 find an effect of one standard deviation between types in
18 % of cases, 20 in 60 %, 40 in 98 %."""


def type_scores(tables: xr.Dataset, draws: int = 2000, seed: int = 0, alpha: float = 0.05) -> xr.Dataset:
    """Return how neurons tell the words of a concept from matched words.

    Type effects, over all tokens of a word, labelled or not, are those of `two_way_effects`: what a word adds to the
    neuron's value once what its documents add is taken out, in token standard deviations of the neuron, and
    `without_frequency`. Members are held against words of the same strata (`match_types`). The null permutes
    membership among the words of a stratum, the same permutation for all neurons.

    Parameters
    ----------
    tables
        The type and document tables of a summary: `TABLE_DIMS`, coordinates ``concept`` and, if there is one,
        ``source``.
    draws
        Random categories.
    seed
        Of the random categories. Those of a concept depend on its name, not on what other concepts there are.
    alpha
        The level at which neurons will be called.

    Returns
    -------
    Dims (concept, layer, neuron), float64:

    - ``type_smd``: mean effect of the member types minus that of the matched types (sd); neutral 0
    - ``type_auroc``: within strata, members against matched types; neutral .5
    - ``breadth``: share of member types beyond the 95th percentile of the matched types (5th where ``type_smd`` < 0)
    - ``type_smd_odd, type_smd_even``: ``type_smd`` of the member types of odd and of even rank by frequency
    - ``selectivity_over_control``: \\|type_smd\\| minus its mean over the random categories
    - ``p_type``: two-sided, this neuron alone; ``p_fwer_type``: max-T over all neurons of the model
    - ``q_type``: Benjamini-Hochberg over concepts x neurons, on p-values pooled over the draws of all neurons

    Dims (concept): ``n_type_member``, those with no match (``n_type_unmatched``), types that are no members in the
    strata (``n_type_matched``), ``few_types`` (1 where tested with fewer than 20 members), ``type_null`` (``""`` if
    tested, else why not) and ``type_strata`` (what the strata are made of).

    Scores are NaN for a concept that is not decided by its words (`find_members`), for a neuron that is absent or
    constant, and, of tests, with fewer than 5 member types that have a match.

    Memory: three times the type sums (8 bytes x types x neurons), and 12 bytes x draws x neurons.

    Raises
    ------
    UserError
        If the tables are damaged, or with so few draws that no p could reach ``alpha``.
    """
    if not alpha * (draws + 1) >= 1 - 1e-12:
        raise UserError(
            f"{draws} random categories give no p below 1/{draws + 1}, which cannot reach the level {alpha}; ask for "
            f"{round(1 / alpha) - 1} draws at least, better 2,000."
        )
    table = read_type_table(
        {name: tables[name].transpose(*dims).values for name, dims in TABLE_DIMS.items() if name in tables}
    )
    order = order_types(table.effect, table.resolution)
    shape = (tables.sizes["concept"], tables.sizes["layer"], tables.sizes["neuron"])
    scores = {name: np.full((shape[0], shape[1] * shape[2]), np.nan) for name in SCORES}
    counts: dict[str, list[int | str]] = {name: [] for name in COUNTS}
    for index, name in enumerate(_names(tables)):
        rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
        for score, values in _score(table, order, index, draws, rng, counts).items():
            scores[score][index, table.neuron] = values
    scores["q_type"] = benjamini_hochberg(scores["q_type"])
    return _dataset(tables, {name: values.reshape(shape) for name, values in scores.items()}, counts)


def _score(
    table: TypeTable,
    order: TypeOrder,
    concept: int,
    draws: int,
    rng: np.random.Generator,
    counts: dict[str, list[int | str]],
) -> dict[str, NDArray[np.float64]]:
    """Return the scores of one concept, dims (neuron), with the pooled p in the place of q; add its counts."""
    members = find_members(table.target[concept], table.labelled[concept])
    matching = match_types(table.classes, members.member, members.usable)
    n_used = int(matching.member.sum())
    reason = members.undecided or _too_few(n_used, matching.n_unmatched)
    counts["n_type_member"].append(int(members.member.sum()))
    counts["n_type_matched"].append(int((matching.stratum >= 0).sum()) - n_used)
    counts["n_type_unmatched"].append(matching.n_unmatched)
    counts["few_types"].append(int(not reason and n_used < FEWEST_WANTED))
    counts["type_null"].append(reason)
    counts["type_strata"].append(_strata(matching, table.remark))
    if members.undecided or n_used == 0 or len(table.neuron) == 0:
        return {}
    found = describe_category(table.effect, order, matching, table.n_token)
    scores = {
        "type_smd": found.smd,
        "type_smd_odd": found.smd_odd,
        "type_smd_even": found.smd_even,
        "type_auroc": found.auroc,
        "breadth": found.breadth,
    }
    if not reason:
        test = permute_category(table.effect, matching, draws, rng)
        scores |= {"p_type": test.p, "p_fwer_type": test.p_fwer, "q_type": test.p_pooled}
        scores["selectivity_over_control"] = np.abs(found.smd) - test.control
    return scores


def _too_few(n_used: int, n_unmatched: int) -> str:
    if n_used >= FEWEST_TESTED:
        return ""
    left = f"; {n_unmatched} more have no other words of the same frequency to be held against" if n_unmatched else ""
    words = "1 word" if n_used == 1 else f"{n_used} words"
    return f"The concept has {words} to test{left}: described only, a test needs {FEWEST_TESTED}."


def _strata(matching: Matching, remark: str) -> str:
    return " x ".join(matching.factors) + (f"; {remark}" if remark else "")


def _names(tables: xr.Dataset) -> list[str]:
    """Return a name for each concept that no other has."""
    source = tables["source"].values if "source" in tables.coords else [""] * tables.sizes["concept"]
    return [f"{origin}\n{name}" for origin, name in zip(source, tables["concept"].values, strict=True)]


def _dataset(
    tables: xr.Dataset, scores: dict[str, NDArray[np.float64]], counts: dict[str, list[int | str]]
) -> xr.Dataset:
    variables = {name: (schema.VARIABLES[name].dims, values) for name, values in scores.items()}
    for name, values in counts.items():
        dtype = schema.VARIABLES[name].dtype
        variables[name] = (("concept",), np.array(values, dtype=np.str_ if dtype == "str" else dtype))
    coords = {name: tables.coords[name] for name in ("concept", "source", "layer", "neuron") if name in tables.coords}
    return schema.attach_attrs(xr.Dataset(variables, coords=coords))
