"""Media servers: as a person makes them and as the API shows them."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, StrictBool

from schemas.base import Model
from schemas.connection import CaFile, ConnectionName, PathMapping, arr_base_url


class ServerKind(StrEnum):
    """Which program a media server is."""

    PLEX = "plex"
    JELLYFIN = "jellyfin"
    EMBY = "emby"

    @property
    def app_name(self) -> str:
        """The name as people write it."""
        return self.value.capitalize()


class RefreshOutcome(StrEnum):
    """What a media server did: looked at the title, looks for it, or has no library with its folder."""

    REFRESHED = "refreshed"
    SCANNING = "scanning"
    NOT_FOUND = "not_found"


def server_base_url(text: str) -> str:
    """Check the address of a media server and give it without the path of its page; raises ValueError."""
    return re.sub(r"/web(/.*)?$", "", arr_base_url(text.strip().split("#")[0]))


def header_token(token: SecretStr) -> SecretStr:
    """Take a token without the white space around it; raises ValueError where no header can carry it."""
    text = token.get_secret_value().strip()
    if not re.fullmatch(r"[!#-~]+", text):
        message = "copy the token again: it is one line of letters and digits"
        raise ValueError(message)
    return SecretStr(text)


ServerUrl = Annotated[str, Field(max_length=2000), AfterValidator(server_base_url)]
Token = Annotated[SecretStr, Field(max_length=1000), AfterValidator(header_token)]


class ServerCreate(Model):
    """A new media server, which sees `path_from` where this machine sees `path_to`; `name` defaults to its kind."""

    name: ConnectionName | None = None
    kind: ServerKind
    url: ServerUrl
    token: Token
    path_mappings: tuple[PathMapping, ...] = ()
    ca_file: CaFile | None = None
    verify_tls: StrictBool = True


class ServerUpdate(Model):
    """What may change; what is absent stays. The mappings are replaced as a whole, and the kind cannot change."""

    name: ConnectionName = ""
    url: ServerUrl = ""
    token: Token = SecretStr("")
    path_mappings: tuple[PathMapping, ...] = ()
    enabled: StrictBool = True
    ca_file: CaFile | None = None
    verify_tls: StrictBool = True


class ServerRead(Model):
    """A media server without its token; `last_error` is why it was not told of the newest trailer."""

    id: int
    name: str
    kind: ServerKind
    url: str
    path_mappings: tuple[PathMapping, ...]
    enabled: bool
    ca_file: str | None
    verify_tls: bool
    last_ok_at: datetime | None
    last_error: str | None
    created_at: datetime


class ServerTest(Model):
    """How asking the media server just now went."""

    ok: bool
    message: str
