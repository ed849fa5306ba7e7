"""A follow-up that is taken again and again without an end is counted, so that it is given up one day."""

from __future__ import annotations

import pytest

from shopapp.models import FollowUp, db
from tests.fakes import FakeClock, World


@pytest.mark.parametrize("after_store_id", [0, 99])
def test_every_take_without_an_end_is_counted_whichever_store_was_served_last(
    world: World, clock: FakeClock, after_store_id: int
) -> None:
    world.pay_order()
    world.run_due_work()
    FollowUp.enqueue(world.document(), "state")
    db.session.commit()
    takes = []
    for _ in range(3):
        followup = FollowUp.take(after_store_id=after_store_id)
        assert followup is not None
        takes.append(followup.takes)
        clock.advance(61)
    assert takes == [1, 2, 3]
