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
TERMINATED = (
    "Video unavailable. This video is no longer available because the YouTube account associated with this video has "
    "been terminated."
)
COPYRIGHT = "Video unavailable. This video is no longer available due to a copyright claim by Somebody"
MEMBERS = "Join this channel to get access to members-only content like this video, and other exclusive perks."
LIVE_SOON = "This live event will begin in 2 days."
CAPTCHA = "Video unavailable"
"""Give it together with `refusal="captcha"`."""
NO_JS_RUNTIME = (
    "No supported JavaScript runtime could be found. Only deno is enabled by default; to use another runtime add  "
    "--js-runtimes RUNTIME[:PATH]  to your command/config."
)
NO_SOLUTION = "n challenge solving failed: Some formats may be missing."
"""Both are warnings of yt-dlp, beside `kind="images"`."""
