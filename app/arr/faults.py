"""What went wrong between us and an Arr, as one error of app.errors with one sentence for a person.

Every sentence names the app and its address and says what to do. None holds a secret, not even one that the other
side sent back.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto

import httpx

from app.arr.peer import WORDS_LENGTH, Peer, causes, cut
from app.context import RawItem
from app.errors import (
    ArrBadAnswer,
    ArrCaFileUnusable,
    ArrConnectionError,
    ArrError,
    ArrItemError,
    ArrItemGone,
    ArrNotAnArr,
    ArrRedirected,
    ArrRejected,
    ArrStartingUp,
    ArrTimeout,
    ArrUnauthorized,
    ArrUnreachable,
)
from app.http import Patience
from schemas.base import ArrType
from schemas.text import clean

# The last two come through httpx as they are: a host name with an empty label, a port above 65535 (in a group).
TransportFault = (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError, UnicodeError, ExceptionGroup)
# What nginx, Go's server and Apache say to http on their https port.
_WANTS_TLS = re.compile(rb"HTTPS (port|server)|SSL-enabled server", re.IGNORECASE)
_REJECTION_LENGTH = 400
_TITLE_LENGTH = 80
_API = "/api/v3"
# Bad text, a number of thousands of digits, endless nesting.
JsonFault = (ValueError, RecursionError)


class CallKind(Enum):
    """What a refusal means: of one item, of the connection, of what we sent."""

    ITEM = auto()
    READ = auto()
    WRITE = auto()
    REMOVE = auto()


@dataclass(frozen=True, slots=True)
class Call:
    """One request; `subject` completes "failed for ...", as in `movie 12` or `its list`."""

    kind: CallKind
    method: str
    path: str
    subject: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; `cut`: the body was too long and only its beginning is here."""

    status: int
    headers: httpx.Headers
    body: bytes
    cut: bool = False

    def json(self) -> object:
        """Decode the body. Raises ValueError or RecursionError."""
        value: object = json.loads(self.body.decode("utf-8-sig"))
        return value


def transport_error(peer: Peer, fault: Exception, patience: Patience, *, answered: bool) -> ArrConnectionError:
    """Explain an exchange that did not come to its end; `answered`: status and headers had come by then."""
    if isinstance(fault, (httpx.TimeoutException, TimeoutError)):
        return ArrTimeout(_timeout_text(peer, fault, patience))
    if answered:
        return ArrBadAnswer(
            f"The answer of {peer} broke off: check whether {peer.app} was restarted or a proxy in front of it "
            "cuts long answers."
        )
    return ArrUnreachable(peer.scrub(_unreachable_text(peer, fault)))


def _timeout_text(peer: Peer, fault: Exception, patience: Patience) -> str:
    if isinstance(fault, httpx.ConnectTimeout):
        return f"{peer} took no connection within {patience.connect:g} s: check the address and any firewall between."
    seconds = patience.read if isinstance(fault, httpx.TimeoutException) else patience.total or patience.read
    return f"{peer} did not answer within {seconds:g} s: check that it is not overloaded, or restart it."


def _unreachable_text(peer: Peer, fault: Exception) -> str:
    for cause in causes(fault):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"The certificate of {peer} is not trusted here ({cause.verify_message}): name the file of its "
                "authority (ca_file), or use http:// within your own network."
            )
        if isinstance(cause, ssl.SSLError):
            return f"{peer} does not speak TLS: use http:// in its address, or the port that {peer.app} has for https."
        if isinstance(cause, (socket.gaierror, UnicodeError)):
            return (
                f"{peer} cannot be found, no host is called {httpx.URL(peer.url).host!r} here: check the address; in "
                "Docker, use the container's name and the same network."
            )
        if isinstance(cause, ConnectionRefusedError):
            return f"Nothing listens where {peer} should be: check that {peer.app} runs and that the port is right."
    if isinstance(fault, (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)):
        return (
            f"{peer} closed the connection without an answer: check that {peer.app} runs under this address and "
            "whether it wants https://."
        )
    return f"{peer} cannot be reached: check the address and that {peer.app} runs."


def status_error(peer: Peer, call: Call, answer: Answer) -> ArrError:
    """Explain an answer whose status is not the one that the call promises."""
    body = _json_or_none(answer)
    error = _connection_fault(peer, answer, body) or _refusal(peer, call, answer, body)
    return type(error)(peer.scrub(error.message))


def _connection_fault(peer: Peer, answer: Answer, body: object) -> ArrConnectionError | None:
    """Tell what says nothing about the item asked for, whatever was asked."""
    status = answer.status
    if 300 <= status < 400:
        return _redirected(peer, answer)
    if status in {401, 403}:
        return ArrUnauthorized(_unauthorized_text(peer, answer, body))
    if status in {408, 429}:
        return ArrUnreachable(
            f"{peer} is asked too much or too fast ({status}): ease the limits of the proxy before it."
        )
    if status > 500:
        return _unavailable(peer, status, body)
    if status == 400 and _WANTS_TLS.search(answer.body):
        return ArrNotAnArr(f"{peer} wants https: write https:// at the beginning of its address.")
    # An Arr's own error has a JSON body or none; a 404 of its own always has an object.
    foreign = status == 404 and not isinstance(body, Mapping)
    if foreign or (status >= 400 and answer.body.strip() and body is None):
        return ArrNotAnArr(
            f"Something else than {peer.app} answers at {peer.url} ({status}): check the address, its port and path, "
            "and any proxy in front."
        )
    return None


def _redirected(peer: Peer, answer: Answer) -> ArrRedirected:
    try:
        place = httpx.URL(f"{peer.url}{_API}/").join(answer.headers.get("location", ""))
    except httpx.InvalidURL:
        return ArrRedirected(f"{peer} redirects to no usable address: give the address of {peer.app} itself.")
    base = place.copy_with(userinfo=b"", query=None, fragment=None, path=_url_base(place.path))
    better = str(base).rstrip("/")
    if "location" not in answer.headers or better == peer.url or not _leads_to_app(peer, place.path):
        shown = peer.quote(str(place.copy_with(userinfo=b"", query=None, fragment=None)))
        return ArrRedirected(
            f"{peer} redirects to {shown}: give the address under which {peer.app} itself answers, without a login "
            "page in front."
        )
    better = peer.quote(better)
    if better.startswith(f"{peer.url}/"):
        return ArrRedirected(f"{peer.app} answers under {better.removeprefix(peer.url)}: use {better}.")
    return ArrRedirected(f"{peer} has moved to {better}: use {better}.")


def _url_base(path: str) -> str:
    base, api, _ = path.partition(_API)
    return (base if api else path.rstrip("/")) or "/"


def _leads_to_app(peer: Peer, path: str) -> bool:
    return _API in path or path.strip("/").lower() == peer.app.lower()


def _unauthorized_text(peer: Peer, answer: Answer, body: object) -> str:
    if "www-authenticate" in answer.headers or (body is None and answer.body.strip()):
        return (
            f"A login in front of {peer} refused us ({answer.status}): let /api through without it, or give an address "
            f"that leads to {peer.app} directly."
        )
    return f"{peer} refused the API key ({answer.status}): copy it again from Settings > General in {peer.app}."


def _unavailable(peer: Peer, status: int, body: object) -> ArrConnectionError:
    said = body.get("errorMessage") if isinstance(body, Mapping) else None
    if status == 503 and isinstance(said, str) and "starting" in said.lower():
        return ArrStartingUp(f"{peer} is starting up: wait a moment.")
    return ArrUnreachable(
        f"{peer} is not available ({status}): check that {peer.app} runs and that any proxy in front can reach it."
    )


def _refusal(peer: Peer, call: Call, answer: Answer, body: object) -> ArrError:
    """Read the Arr's own word on what was asked of it."""
    if answer.status == 404 and call.kind in {CallKind.ITEM, CallKind.REMOVE}:
        return ArrItemGone(f"{peer} has no {call.subject}: it was removed there.")
    if call.kind in {CallKind.WRITE, CallKind.REMOVE}:
        return ArrRejected(_rejection_text(peer, call, answer, body))
    failure = ArrItemError if call.kind is CallKind.ITEM and answer.status >= 400 else ArrBadAnswer
    return failure(_failure_text(peer, call, answer, body))


def _failure_text(peer: Peer, call: Call, answer: Answer, body: object) -> str:
    words = _words(peer, body, WORDS_LENGTH)
    return (
        f"{peer} failed for {call.subject} with {answer.status}{f' ({words})' if words else ''}: look into the log of "
        f"{peer.app}."
    )


def _rejection_text(peer: Peer, call: Call, answer: Answer, body: object) -> str:
    words = _words(peer, body, _REJECTION_LENGTH) or f"it answered {answer.status} without a word"
    hint = ", or check that it can reach this address" if call.kind is CallKind.WRITE else ""
    return f"{peer} refused {call.subject}; put right what it says{hint}: {words}"


def _words(peer: Peer, body: object, length: int) -> str:
    """Give the Arr's own message; `description` is a stack trace and never shown."""
    if isinstance(body, list):
        said = [peer.quote(_complaint(each), length) for each in body if isinstance(each, Mapping)]
        return cut("; ".join(text for text in said if text), length)
    if not isinstance(body, Mapping):
        return ""
    texts = [body.get(key) for key in ("message", "errorMessage", "title")]
    said = [peer.quote(text, length) for text in texts if isinstance(text, str) and text]
    return cut("; ".join([*said[:1], *_field_complaints(peer, body)]), length)


def _complaint(failure: Mapping[object, object]) -> str:
    name, text = failure.get("propertyName"), failure.get("errorMessage")
    if not isinstance(text, str):
        return ""
    return f"{name}: {text}" if isinstance(name, str) and name else text


def _field_complaints(peer: Peer, body: Mapping[object, object]) -> Iterator[str]:
    errors = body.get("errors")
    for name, texts in errors.items() if isinstance(errors, Mapping) else ():
        for text in texts if isinstance(texts, list) else ():
            yield peer.quote(f"{name}: {text}")


def unreadable_answer(peer: Peer, subject: str, answer: Answer) -> ArrConnectionError:
    """Explain a success whose body is not JSON."""
    if answer.body.lstrip()[:1] in {b"{", b"["}:
        return ArrBadAnswer(f"The answer of {peer} for {subject} broke off or is damaged: try again.")
    return ArrNotAnArr(
        f"What answers at {peer.url} is not {peer.app}, no JSON comes from it: give the address that you open "
        f"{peer.app} under, with its port and path."
    )


def unexpected_answer(peer: Peer, subject: str, why: str) -> ArrBadAnswer:
    """Explain JSON that is not what the call promises."""
    return ArrBadAnswer(
        peer.scrub(f"{peer} gave an answer for {subject} that cannot be used, {why}: update {peer.app}.")
    )


def unusable_ca_file(peer: Peer, path: str, fault: OSError) -> ArrCaFileUnusable:
    """Explain a file of authorities that does not help; ssl.SSLError is an OSError too."""
    why = "it holds no certificate in PEM form" if isinstance(fault, ssl.SSLError) else fault.strerror or "unreadable"
    return ArrCaFileUnusable(f"The CA file {path} for {peer} cannot be used ({why}): correct ca_file.")


def unreadable_item(arr_type: ArrType, raw: RawItem, fault: str) -> ArrItemError:
    """Explain an item that does not validate; says its id, its title and the field at fault."""
    name = arr_type.item_word
    if isinstance(raw.id, int):
        name += f" {cut(str(raw.id), 20)}"
    if isinstance(raw.title, str):
        name += f' "{cut(" ".join(clean(raw.title).split()), _TITLE_LENGTH)}"'
    said = cut(clean(fault), WORDS_LENGTH)
    app = arr_type.app_name
    return ArrItemError(f"{app}'s {name} cannot be read, at fault: {said}; open it in {app} and refresh it.")


def _json_or_none(answer: Answer) -> object:
    try:
        return answer.json()
    except JsonFault:
        return None
