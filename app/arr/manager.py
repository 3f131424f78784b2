"""What the managers of Radarr and Sonarr have in common: `ArrManagerProtocol` over HTTP."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from typing import ClassVar

from pydantic import ValidationError

from app.arr.client import ArrClient
from app.arr.faults import unexpected_answer
from app.arr.notification import IMPLEMENTATION, notification_body
from app.context import RawItem, WebhookEntry
from app.domain.webhook_events import parse_version
from app.errors import ArrItemError, ArrItemGone, ArrNotAnArr
from schemas.arr.common import HealthIssue, Notification, RootFolder, SystemStatus, Tag
from schemas.base import ArrType


class ArrManager:
    """One Arr; a subclass says which app, and how its list is asked for."""

    arr_type: ClassVar[ArrType]
    list_params: ClassVar[Mapping[str, str]] = {}

    def __init__(self, client: ArrClient) -> None:
        self._client = client

    async def get_system_status(self) -> SystemStatus:
        """Ask who answers there; see ArrManagerProtocol."""
        peer = self._client.peer
        answer = await self._client.get_json("/system/status", "its status")
        try:
            status = SystemStatus.model_validate(answer)
        except ValidationError as fault:
            message = f"What answers at {peer.url} is not {peer.app}: check the address, its port and path."
            raise ArrNotAnArr(message) from peer.cause(fault)
        if status.app_name != self.arr_type.app_name:
            other = peer.quote(status.app_name, 40)
            message = (
                f"This is {other}, not {peer.app}: give the address of {peer.app} instead of {peer.url}, or make a "
                f"connection of the type {other}."
            )
            raise ArrNotAnArr(peer.scrub(message))
        return status

    def get_all_media(self) -> AsyncGenerator[RawItem, None]:
        """Stream the whole list; see ArrManagerProtocol. Close it (`aclose`) to end it early."""
        patience = self._client.patience.listing
        return self._client.stream_array(f"/{self.arr_type.item_word}", "its list", patience, self.list_params)

    async def get_media(self, arr_id: int) -> RawItem:
        """Get one item; see ArrManagerProtocol."""
        word = self.arr_type.item_word
        item = await self._client.get_item(f"/{word}/{arr_id}", f"{word} {arr_id}")
        if isinstance(item.id, int) and item.id != arr_id:
            message = f"{self._client.peer} gave another {word} than {arr_id}: check any cache in front of it."
            raise ArrItemError(message)
        return item

    async def get_root_folders(self) -> list[RootFolder]:
        """List the root folders; see ArrManagerProtocol."""
        subject, patience = "its root folders", self._client.patience.folders
        raws = [raw async for raw in self._client.stream_array("/rootfolder", subject, patience)]
        try:
            return [RootFolder.model_validate(json.loads(raw.text)) for raw in raws]
        except ValidationError as fault:
            raise self._unexpected(subject, fault) from self._client.peer.cause(fault)

    async def get_tags(self) -> dict[int, str]:
        """Name the tags; see ArrManagerProtocol."""
        subject = "its tags"
        try:
            tags = [Tag.model_validate(raw) for raw in await self._client.get_array("/tag", subject)]
        except ValidationError as fault:
            raise self._unexpected(subject, fault) from self._client.peer.cause(fault)
        return {tag.id: tag.label for tag in tags}

    async def get_webhooks(self) -> list[Notification]:
        """List the Connect entries of the kind Webhook; see ArrManagerProtocol."""
        subject = "its Connect entries"
        raws = await self._client.get_array("/notification", subject)
        try:
            return [Notification.model_validate(raw) for raw in raws if raw.get("implementation") == IMPLEMENTATION]
        except ValidationError as fault:
            raise self._unexpected(subject, fault) from self._client.peer.cause(fault)

    async def save_webhook(self, entry: WebhookEntry, notification_id: int | None) -> int:
        """Create or restore our Connect entry; see ArrManagerProtocol. Asks for the version first."""
        version = parse_version((await self.get_system_status()).version)
        subject = f"the webhook {entry.url}"
        if notification_id is None:
            body = notification_body(self.arr_type, version, entry)
            answer = await self._client.post("/notification", body, subject, entry.password)
        else:
            path = f"/notification/{notification_id}"
            present = await self._client.get_object(path, f"Connect entry {notification_id}")
            body = notification_body(self.arr_type, version, entry, present)
            answer = await self._client.put(path, body, subject, entry.password)
        try:
            saved = Notification.model_validate(answer).id or notification_id
        except ValidationError as fault:
            raise self._unexpected(subject, fault) from self._client.peer.hiding(entry.password).cause(fault)
        if not saved:
            raise unexpected_answer(self._client.peer, subject, "it has no id")
        return saved

    async def test_webhook(self, notification_id: int) -> None:
        """Let the Arr test a stored entry; see ArrManagerProtocol. It keeps the password that it shows masked."""
        subject = f"Connect entry {notification_id}"
        present = await self._client.get_object(f"/notification/{notification_id}", subject)
        await self._client.post("/notification/test", present, "the test of its webhook")

    async def get_health(self) -> list[HealthIssue]:
        """List what the app finds wrong; see ArrManagerProtocol."""
        subject = "its health"
        try:
            return [HealthIssue.model_validate(raw) for raw in await self._client.get_array("/health", subject)]
        except ValidationError as fault:
            raise self._unexpected(subject, fault) from self._client.peer.cause(fault)

    async def delete_webhook(self, notification_id: int) -> None:
        """Remove a Connect entry; see ArrManagerProtocol."""
        try:
            await self._client.delete(f"/notification/{notification_id}", f"Connect entry {notification_id}")
        except ArrItemGone:
            return

    def _unexpected(self, subject: str, fault: ValidationError) -> Exception:
        first = fault.errors(include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "it is no object"
        return unexpected_answer(self._client.peer, subject, f"at fault: {where}")
