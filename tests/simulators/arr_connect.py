"""A simulated app's Connect list: what is stored, what is shown, the Test, and who gets which event."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import Any

from tests.simulators import arr_flags
from tests.simulators.arr_sender import TIMEOUT, Delivery, send

JSON = dict[str, Any]
MASK = "********"
BLOCKED_CHECK = "NotificationStatusCheck"
_FIELDS: tuple[tuple[str, str, str, str, Any], ...] = (
    ("url", "Webhook URL", "url", "normal", None),
    ("method", "Method", "select", "normal", 1),
    ("username", "Username", "textbox", "userName", None),
    ("password", "Password", "password", "password", None),
    ("headers", "Headers", "keyValueList", "normal", []),
)
_METHODS = [
    {"value": value, "name": name, "order": value, "dividerAfter": False} for value, name in ((1, "POST"), (2, "PUT"))
]


class Refused(Exception):
    """A call is answered with this status and body."""

    def __init__(self, status: int, body: object) -> None:
        super().__init__(f"{status}")
        self.status, self.body = status, body


class Connect:
    """`entries` hold only what counts, with the password in clear; `timeout` is each send's, in seconds."""

    def __init__(self, app_name: str, version: str, test_body: Callable[[], JSON]) -> None:
        self.entries: dict[int, JSON] = {}
        self.deliveries: list[Delivery] = []
        self.blocked: set[int] = set()
        self.timeout = TIMEOUT
        self._app_name, self._version, self._test_body = app_name, version, test_body
        self._ids = itertools.count(1)

    def tell(self, body: JSON, tags: Collection[int] = (), flag: str | None = None) -> None:
        """Send to every entry that wants this event, one after another."""
        needed = arr_flags.needed_flags(body) if flag is None else {flag}
        of_an_item = "movie" in body or "series" in body
        for number, entry in list(self.entries.items()):
            wanted = all(entry.get(each) for each in needed)
            chosen = not of_an_item or not entry.get("tags") or not set(entry["tags"]).isdisjoint(tags)
            if wanted and chosen and number not in self.blocked:
                self.deliveries.append(self._deliver(entry, body))

    def check(self) -> list[JSON]:
        """Give what GET /health says of entries that are blocked after failures."""
        names = [self.entries[number]["name"] for number in sorted(self.blocked) if number in self.entries]
        if not names:
            return []
        message = f"Notifications unavailable due to failures: {', '.join(names)}"
        if len(names) == len(self.entries):
            message = "All notifications are unavailable due to failures"
        wiki = f"https://wiki.servarr.com/{self._app_name.lower()}/system#notifications-are-unavailable-due-to-failures"
        return [{"source": BLOCKED_CHECK, "type": "warning", "message": message, "wikiUrl": wiki}]

    def create(self, body: JSON) -> JSON:
        """Store a new entry after its Test; raises Refused."""
        entry = self._checked(body, number=0)
        self._test_if_used(entry)
        number = next(each for each in self._ids if each not in self.entries)
        self.entries[number] = {**entry, "id": number}
        return self.shown(self.entries[number])

    def change(self, number: int, body: JSON, *, forced: bool) -> JSON:
        """Overwrite an entry, after a Test where something changed and it is not `forced`; raises Refused."""
        present = self.entries[number]
        entry = {**self._checked(_unmasked(body, present), number), "id": number}
        if entry != present and not forced:
            self._test_if_used(entry)
            self.blocked.discard(number)
        self.entries[number] = entry
        return self.shown(entry)

    def test(self, body: JSON) -> None:
        """Run the Test of a body; one that names a stored entry unblocks it. Raises Refused."""
        number = body.get("id", 0)
        present = self.entries.get(number)
        self._test(self._checked(_unmasked(body, present) if present else body, number))
        self.blocked.discard(number)

    def test_all(self) -> list[JSON]:
        """Run the Test of every entry; gives what each was told."""
        told = []
        for number, entry in self.entries.items():
            failures: object = []
            try:
                self._test(entry)
                self.blocked.discard(number)
            except Refused as refused:
                failures = refused.body if isinstance(refused.body, list) else [refused.body]
            told.append({"id": number, "isValid": not failures, "validationFailures": failures})
        return told

    def schema(self) -> list[JSON]:
        """Give the templates; only the Webhook is simulated."""
        return [
            self.shown({"implementation": "Webhook", "configContract": "WebhookSettings", "fields": [], "tags": []})
        ]

    def shown(self, entry: JSON) -> JSON:
        """Give an entry as the API shows it: all fields, the password masked."""
        flags = {flag: entry.get(flag, False) for flag in arr_flags.known_flags(self._app_name, self._version)}
        supports = {f"supportsO{flag[1:]}": True for flag in flags if flag not in arr_flags.OPTIONS}
        values = {field["name"]: field.get("value") for field in entry["fields"]}
        shown = {
            **flags,
            **supports,
            "name": entry.get("name"),
            "fields": [self._field(order, values) for order in range(self._field_count())],
            "implementationName": "Webhook",
            "implementation": entry["implementation"],
            "configContract": entry["configContract"],
            "infoLink": f"https://wiki.servarr.com/{self._app_name.lower()}/supported#webhook",
            "tags": entry.get("tags", []),
            "id": entry.get("id"),
        }
        return {name: value for name, value in shown.items() if value is not None}

    def _field_count(self) -> int:
        return len(_FIELDS) if arr_flags.knows_headers(self._app_name, self._version) else len(_FIELDS) - 1

    def _field(self, order: int, values: JSON) -> JSON:
        name, label, kind, privacy, default = _FIELDS[order]
        value = values.get(name, default)
        field = {
            "order": order,
            "name": name,
            "label": label,
            "value": MASK if name == "password" and value else value,
            "type": kind,
            "advanced": name == "headers",
            "selectOptions": _METHODS if name == "method" else None,
            "privacy": privacy,
            "isFloat": False,
        }
        return {key: value for key, value in field.items() if value is not None}

    def _checked(self, body: JSON, number: int) -> JSON:
        """Give what counts of a body; raises Refused where the app's validation would."""
        for needed in ("name", "implementation", "configContract"):
            if not body.get(needed):
                raise Refused(400, [_invalid(needed, "must not be empty", body.get(needed), "NotEmptyValidator")])
        if body.get("fields") is None:
            raise Refused(400, [_invalid("fields", "must not be empty", None, "NotNullValidator")])
        others = {entry["name"].lower() for each, entry in self.entries.items() if each != number}
        if body["name"].lower() in others:
            raise Refused(400, [_invalid("name", "Should be unique", body["name"], "PredicateValidator")])
        given = {field["name"]: field.get("value") for field in body["fields"]}
        known = _FIELDS[: self._field_count()]
        fields = [{"name": name, "value": given.get(name, default)} for name, _, _, _, default in known]
        if not given.get("url"):
            raise Refused(400, [_invalid("url", "must not be empty", "", "NotEmptyValidator")])
        kept = {name: body[name] for name in ("name", "implementation", "configContract")}
        flags = {flag: bool(body.get(flag)) for flag in arr_flags.known_flags(self._app_name, self._version)}
        return {**kept, **flags, "tags": body.get("tags", []), "fields": fields}

    def _test_if_used(self, entry: JSON) -> None:
        flags = set(arr_flags.known_flags(self._app_name, self._version)) - arr_flags.OPTIONS
        if any(entry.get(flag) for flag in flags):
            self._test(entry)

    def _test(self, entry: JSON) -> None:
        """Send the Test, as the apps do inside the call; raises Refused in the shape of its failure."""
        delivery = self._deliver(entry, self._test_body())
        self.deliveries.append(delivery)
        if delivery.ok:
            return
        if delivery.status is None:
            detail = f"System.Net.Http.HttpRequestException: {delivery.error}\n   at …"
            raise Refused(500, {"message": delivery.error, "description": detail})
        fields = {field["name"]: field["value"] for field in entry["fields"]}
        method = "PUT" if fields.get("method") == 2 else "POST"
        reason = f"[{delivery.status}:{_status_name(delivery.status)}] [{method}] at [{fields['url']}]"
        words = f"Unable to send test message: Unable to post to webhook: HTTP request failed: {reason}"
        raise Refused(400, [{"isWarning": False, "propertyName": "Url", "errorMessage": words, "severity": "error"}])

    def _deliver(self, entry: JSON, body: JSON) -> Delivery:
        fields = {field["name"]: field.get("value") for field in entry["fields"]}
        return send(fields, body, f"{self._app_name}/{self._version} (alpine 3.22.2)", self.timeout)


def _unmasked(body: JSON, present: JSON) -> JSON:
    """Put the stored password where the mask came back."""
    known = {field["name"]: field["value"] for field in present["fields"]}
    fields = [
        {**field, "value": known.get("password")} if field.get("value") == MASK else field for field in body["fields"]
    ]
    return {**body, "fields": fields}


def _status_name(status: int) -> str:
    """Name a status as .NET does: InternalServerError."""
    try:
        return HTTPStatus(status).phrase.replace(" ", "").replace("-", "")
    except ValueError:
        return str(status)


def _invalid(name: str, message: str, value: object, code: str) -> JSON:
    property_name = name[0].upper() + name[1:]
    placeholders = {"propertyName": property_name, "propertyValue": value}
    text = message if message[0].isupper() else f"'{property_name}' {message}."
    return {
        "propertyName": property_name,
        "errorMessage": text,
        **({} if value is None else {"attemptedValue": value}),
        "severity": "error",
        "errorCode": code,
        "formattedMessagePlaceholderValues": {key: each for key, each in placeholders.items() if each is not None},
    }
