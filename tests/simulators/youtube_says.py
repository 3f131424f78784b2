"""Why YouTube does not play a video, in its own words; the plugin adds to them what yt-dlp adds."""

from __future__ import annotations

PRIVATE = "Private video. Sign in if you've been granted access to this video"
BOT_CHECK = "Sign in to confirm you\u2019re not a bot. This helps protect our community. Learn more"
AGE = "Sign in to confirm your age. This video may be inappropriate for some users."
REMOVED = "Video unavailable. This video has been removed by the uploader"
NOT_AVAILABLE = "Video unavailable. This video is not available"
RATE_LIMIT = "Video unavailable. This content isn't available, try again later."
UNAVAILABLE = "Video unavailable. This content isn't available."
PREMIERE = "Premieres in 5 hours"
NO_GEO = "The uploader has not made this video available in your country"
"""Give it together with `geo=True`."""
