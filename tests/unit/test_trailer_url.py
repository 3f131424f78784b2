"""A person's choice of trailer: no other host is ever fetched."""

from __future__ import annotations

import pytest

from schemas.media import canonical_trailer_url

WATCH = "https://www.youtube.com/watch?v=eRsGyueVLvQ"


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("eRsGyueVLvQ", WATCH),
        (" eRsGyueVLvQ ", WATCH),
        ("-RsGyueVLv_", "https://www.youtube.com/watch?v=-RsGyueVLv_"),
        ("https://www.youtube.com/watch?v=eRsGyueVLvQ&list=PL1&t=3", WATCH),
        ("https://youtu.be/eRsGyueVLvQ?si=x", WATCH),
        ("https://m.youtube.com/shorts/eRsGyueVLvQ", WATCH),
        ("https://www.youtube.com/embed/eRsGyueVLvQ", WATCH),
        ("https://vimeo.com/1084537", "https://vimeo.com/1084537"),
        ("https://player.vimeo.com/video/1084537", "https://vimeo.com/1084537"),
    ],
)
def test_one_form_is_stored(given: str, stored: str) -> None:
    assert canonical_trailer_url(given) == stored


@pytest.mark.parametrize(
    "given",
    [
        "",
        "eRsGyueVLv",
        "--exec=touch x",
        "http://www.youtube.com/watch?v=eRsGyueVLvQ",
        "https://www.youtube.com/playlist?list=PL1",
        "https://www.youtube.com:8443/watch?v=eRsGyueVLvQ",
        "https://user@youtu.be/eRsGyueVLvQ",
        "https://youtube.com.example.org/watch?v=eRsGyueVLvQ",
        "https://example.org/eRsGyueVLvQ",
        "https://vimeo.com/channels/staffpicks",
        "file:///etc/passwd",
        "ytsearch5:sintel",
    ],
)
def test_everything_else_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="YouTube id"):
        canonical_trailer_url(given)
