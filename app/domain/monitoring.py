"""Which titles get a trailer: the connection's rule, unless a person pinned the title (design rule "monitor")."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from schemas.base import MonitorType

NEW_SLACK = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class MonitorFacts:
    """What the rule looks at; `pinned` is a person's word, None where nobody gave one."""

    monitor_type: MonitorType
    connection_created_at: datetime
    arr_monitored: bool
    arr_added_at: datetime | None
    pinned: bool | None = None


def decide_monitor(facts: MonitorFacts) -> bool:
    """Say whether the title is monitored. `new` allows for clocks that differ by five minutes."""
    if facts.pinned is not None:
        return facts.pinned
    match facts.monitor_type:
        case MonitorType.MISSING:
            return True
        case MonitorType.NONE:
            return False
        case MonitorType.SYNC:
            return facts.arr_monitored
        case MonitorType.NEW:
            return facts.arr_added_at is not None and facts.arr_added_at > facts.connection_created_at - NEW_SLACK
        case _:
            assert_never(facts.monitor_type)
