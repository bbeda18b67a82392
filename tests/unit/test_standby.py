"""When a replica leaves its work to the others."""

from dataclasses import dataclass, field

import pytest

from connector.domain.standby import PATIENCE_SEC, Standby


@dataclass
class Clock:
    now: float = 100.0
    standby: Standby = field(init=False)

    def __post_init__(self) -> None:
        self.standby = Standby(lambda: self.now)

    def later(self, seconds: float, *, can_work: bool = False, others_can: bool = True) -> bool:
        self.now += seconds
        return self.standby.update(can_work=can_work, others_can=others_can)


def test_it_stands_by_after_some_time_in_which_others_can_work() -> None:
    clock = Clock()

    assert not clock.later(0)
    assert not clock.later(PATIENCE_SEC - 0.1)
    assert clock.later(0.1)
    assert clock.later(1000)


def test_it_works_again_as_soon_as_it_can() -> None:
    clock = Clock()
    clock.later(0)
    assert clock.later(PATIENCE_SEC)

    assert not clock.later(1, can_work=True)
    assert not clock.later(1)
    assert clock.later(PATIENCE_SEC)


@pytest.mark.parametrize("can_work", [True, False])
def test_if_no_other_can_work_it_never_stands_by(can_work: bool) -> None:
    clock = Clock()

    assert not any(clock.later(PATIENCE_SEC, can_work=can_work, others_can=False) for _ in range(3))


def test_an_outage_of_all_starts_the_time_again() -> None:
    """When it ends, the others may notice first."""
    clock = Clock()
    clock.later(0)
    assert not clock.later(PATIENCE_SEC - 1)
    assert not clock.later(PATIENCE_SEC, others_can=False)

    assert not clock.later(1)
    assert not clock.later(PATIENCE_SEC - 1)
    assert clock.later(1)


def test_it_takes_part_again_when_the_only_other_one_is_gone() -> None:
    clock = Clock()
    clock.later(0)
    assert clock.later(PATIENCE_SEC)

    assert not clock.later(1, others_can=False)
