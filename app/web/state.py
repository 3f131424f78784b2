"""What a request can reach: opened in the lifespan, kept by nobody else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from pydantic import SecretStr
from starlette.requests import Request

from app.context import Deps
from app.pipeline.receive import Receiver
from app.web.limits import KeyLimit
from app.web.meters import Meters
from app.web.news import News


@dataclass(frozen=True, slots=True)
class Keys:
    """The two keys that open the service."""

    api_key: SecretStr
    secret_key: SecretStr


class AppState(TypedDict):
    """The lifespan's state."""

    deps: Deps
    keys: Keys
    key_limit: KeyLimit
    receiver: Receiver
    news: News
    meters: Meters
    started_at: datetime


AppRequest = Request[AppState]
