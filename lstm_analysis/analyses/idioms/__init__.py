"""Idioms: do neurons respond to idioms as such, to single phrases, or to what any predictable phrase shares?

`plan_idioms` chooses occurrences and controls, `measure_idioms` scores a block of neurons at their tokens,
`gather_blocks` puts blocks together, `conclude_idioms` tests all neurons over idioms. The unit of inference is the
idiom: within one, the word before the final one differs from that of its controls, so some neuron always tells them
apart.
"""

from .blocks import gather_blocks
from .conclude import conclude_idioms
from .measure import measure_idioms
from .plan import plan_idioms

__all__ = ["conclude_idioms", "gather_blocks", "measure_idioms", "plan_idioms"]
