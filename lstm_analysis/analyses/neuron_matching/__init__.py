"""Which neurons do the same: within a model, and in two models read over the same tokens."""

from .assignment import assign_one_to_one, mutual_best
from .best import N_BEST, Best, best_of, empty_best, merge_best
from .columns import BlockSums, Quantiser, quantisers
from .families import DUPLICATE_R, FAMILY_R, families
from .fingerprint import MIN_CONCEPT, fingerprint_correlation
from .products import ProductSums
from .rotation import N_ROTATION, rotated_best

__all__ = [
    "DUPLICATE_R", "FAMILY_R", "MIN_CONCEPT", "N_BEST", "N_ROTATION", "Best", "BlockSums", "ProductSums", "Quantiser",
    "assign_one_to_one", "best_of", "empty_best", "families", "fingerprint_correlation", "merge_best", "mutual_best",
    "quantisers", "rotated_best",
]  # fmt: skip
