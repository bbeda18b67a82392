"""How long to wait after repeated failures."""


def exponential_backoff(failures: int, first: float, longest: float) -> float:
    """The wait after this many failures in a row, counted from 1: doubles from `first` up to `longest`."""
    return min(first * 2.0 ** min(failures - 1, 20), longest)
