"""Variables of ``selectivity.zarr``."""

from .dims import SCORE
from .variable import Variable

SCORES: dict[str, Variable] = {
    "auroc": Variable(SCORE, "float64", "1", "probability that a target value exceeds a baseline value", (0, 1)),
    "auroc_error_bound": Variable(SCORE, "float64", "1", "largest possible error of auroc; 0 if exact", (0, 0.5)),
    "d_prime": Variable(SCORE, "float64", "sd", "difference of the means over the root mean variance"),
    "mean_difference": Variable(SCORE, "float64", "1", "mean of the target minus mean of the baseline"),
    "average_precision": Variable(SCORE, "float64", "1", "mean precision over the recall steps", (0, 1)),
    "average_precision_error_bound": Variable(SCORE, "float64", "1", "its largest possible error", (0, 1)),
    "prevalence": Variable(("concept",), "float64", "1", "share of target tokens: average_precision by chance", (0, 1)),
    "mutual_information": Variable(SCORE, "float64", "bit", "plug-in information between value bin and label", (0, 1)),
    "mutual_information_bias": Variable(SCORE, "float64", "bit", "expected value for independent tokens", (0, None)),
    "auroc_low": Variable(SCORE, "float64", "1", "lower end of its block jackknife interval", (0, 1)),
    "auroc_high": Variable(SCORE, "float64", "1", "upper end of its block jackknife interval", (0, 1)),
    "d_prime_low": Variable(SCORE, "float64", "sd", "lower end of its block jackknife interval"),
    "d_prime_high": Variable(SCORE, "float64", "sd", "upper end of its block jackknife interval"),
    "mean_difference_low": Variable(SCORE, "float64", "1", "lower end of its block jackknife interval"),
    "mean_difference_high": Variable(SCORE, "float64", "1", "upper end of its block jackknife interval"),
    "p_shift": Variable(SCORE, "float64", "1", "p of the mean difference, labels shifted within documents", (0, 1)),
    "p_shift_rank": Variable(SCORE, "float64", "1", "the same of ranks instead of values", (0, 1)),
    "p_value": Variable(SCORE, "float64", "1", "p of the neuron alone, under the null `p_null`", (0, 1)),
    "p_fwer": Variable(SCORE, "float64", "1", "p corrected for all neurons (max-T), under `p_null`", (0, 1)),
    "q_value": Variable(SCORE, "float64", "1", "false discovery rate over concepts and neurons of a null", (0, 1)),
    "p_null": Variable(("concept",), "str", "", "what is exchanged under the null of `p_value`; or why there is no p"),
    "type_smd": Variable(SCORE, "float64", "sd", "mean type effect of member words minus that of matched words"),
    "type_auroc": Variable(SCORE, "float64", "1", "probability that a member word is above a matched one", (0, 1)),
    "breadth": Variable(SCORE, "float64", "1", "share of member words beyond 95 % of the matched words", (0, 1)),
    "type_smd_odd": Variable(SCORE, "float64", "sd", "type_smd of member words of odd rank by frequency"),
    "type_smd_even": Variable(SCORE, "float64", "sd", "type_smd of member words of even rank by frequency"),
    "selectivity_over_control": Variable(
        SCORE, "float64", "sd", "size of type_smd minus its mean over random categories of the same strata"
    ),
    "p_type": Variable(SCORE, "float64", "1", "p of type_smd, membership permuted within strata", (0, 1)),
    "p_fwer_type": Variable(SCORE, "float64", "1", "p_type corrected for all neurons of the model (max-T)", (0, 1)),
    "q_type": Variable(SCORE, "float64", "1", "false discovery rate over concepts x neurons, permuted words", (0, 1)),
    "n_type_member": Variable(
        ("concept",), "int64", "type", "member words of the concept in the type table", (0, None)
    ),
    "n_type_matched": Variable(("concept",), "int64", "type", "words that members are held against", (0, None)),
    "n_type_unmatched": Variable(("concept",), "int64", "type", "member words without match, left out", (0, None)),
    "few_types": Variable(("concept",), "int8", "1", "1 where fewer than 20 member words were tested", (0, 1)),
    "type_null": Variable(("concept",), "str", "", "why the concept was not tested over words; empty if it was"),
    "type_strata": Variable(("concept",), "str", "", "what member and matched words have in common"),
}
