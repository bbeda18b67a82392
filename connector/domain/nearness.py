"""Decides which segments are near a text. Pure functions. All similarities are cosine similarities.

How high the similarity of a good match is depends on the model, the embedding option and the text, so a fixed threshold
would not work. A segment is compared with other segments instead, for the same text and option.
"""

from collections.abc import Mapping
from statistics import median

from connector.domain.sink_model import Similarities

STANDS_OUT = 5.0
"""Chance alone does not reach this many deviations, even with a million segments."""
ENOUGH = 10
"""Fewer segments are too few to tell what is usual."""
_MEDIAN_TO_STANDARD = 1.4826


def least_similarities(found: Mapping[str, Similarities]) -> dict[str, float] | None:
    """Option -> the least similarity of a near segment; None if there are too few segments to tell.

    An option is omitted if not even its best segment stands out: at least STANDS_OUT standard deviations above the
    median. Otherwise the least similarity is the middle between the median and the best one.
    """
    if all(len(option.sample) < ENOUGH for option in found.values()):
        return None
    least = {}
    for name, option in found.items():
        if not option.sample:
            continue
        usual = median(option.sample)
        deviation = _MEDIAN_TO_STANDARD * median(abs(similarity - usual) for similarity in option.sample)
        if option.best > usual and option.best - usual >= STANDS_OUT * deviation:
            least[name] = (usual + option.best) / 2
    return least
