"""What the page's first line says of how states were carried."""

from types import SimpleNamespace
from typing import Any

import pytest

from lstm_analysis.report.overview import _carry


def material(inference: dict[str, Any], **facts: object) -> Any:
    study = {"inference": inference, "store": {"activations": "float16"}}
    return SimpleNamespace(study=study, facts=facts, states=object())


@pytest.mark.parametrize(
    ("inference", "facts", "said"),
    [
        ({"carry": "sentence"}, {}, "states reset at each|sentence|carried on within it; stored as float16"),
        (
            {"carry": "document", "precision": "bfloat16"},
            {},
            "states reset at each|document|carried on within it; stored as float16, computed in bfloat16",
        ),
        ({"carry": "streams", "streams": 20}, {}, "states reset in|20 places|equal streams; stored as float16"),
        (
            {"carry": "continuous"},
            {
                "lanes": {"plan": {"n_lane": 25}},
                "activations": {"boundary_error": [[4e-7, 3e-7], [3e-5, 2e-4]]},
            },
            "states reset|never|25 lanes meet within 4e-07 in h, 2e-04 in c; stored as float16",
        ),
        (
            {"carry": "continuous"},
            {
                "lanes": {"plan": {"n_lane": 15}},
                "activations": {"boundary_error": [[4e-7], [3e-5]], "n_settled": 1041},
            },
            "states reset|never|15 lanes meet within 4e-07 in h, 3e-05 in c, 1,041 starts of saturated cells "
            "corrected; stored as float16",
        ),
        (
            {"carry": "continuous"},
            {"lanes": {"plan": {"n_lane": 2}}, "summary": {"boundary_error": [[4e-7]]}},
            "states reset|never|2 lanes meet within 4e-07 in h; stored as float16",
        ),
        (
            {"carry": "continuous"},
            {"lanes": {"plan": {"n_lane": 1}}},
            "states reset|never|one stream, read in sequence; stored as float16",
        ),
    ],
)
def test_how_states_were_carried(inference: dict[str, Any], facts: dict[str, Any], said: str) -> None:
    fact = _carry(material(inference, **facts))
    assert "|".join((fact.name, fact.value, fact.note)) == said
