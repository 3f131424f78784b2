"""Video clips made on the spot by ffmpeg, once per directory and length."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import imageio_ffmpeg

WIDTH, HEIGHT = 1280, 720
MASTER = f"""#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=400000,CODECS="avc1.42c01f,mp4a.40.2",RESOLUTION={WIDTH}x{HEIGHT},FRAME-RATE=5.000
variant.m3u8
"""


def ffmpeg_here() -> Path:
    """Give the system's ffmpeg, else the one that imageio-ffmpeg brings."""
    return Path(shutil.which("ffmpeg") or imageio_ffmpeg.get_ffmpeg_exe())


def make_clip(ffmpeg: Path, directory: Path, seconds: int) -> Path:
    """Give a directory with one clip as clip.mp4, as separate video.mp4 and audio.m4a, and as HLS."""
    made = directory / f"{seconds}s"
    if (made / "done").exists():
        return made
    made.mkdir(parents=True, exist_ok=True)
    source = ["-f", "lavfi", "-i", f"testsrc2=size={WIDTH}x{HEIGHT}:rate=5:duration={seconds}"]
    tone = ["-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}"]
    encode = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "10", "-b:v", "200k"]
    sound = ["-c:a", "aac", "-b:a", "64k", "-shortest", "-movflags", "+faststart"]
    _run(ffmpeg, made, *source, *tone, *encode, *sound, "clip.mp4")
    apart = ["-c", "copy", "-movflags", "+faststart"]
    segments = ["-hls_time", "4", "-hls_playlist_type", "vod", "-hls_segment_filename", "part%03d.ts"]
    streams = ["-map", "0:v", *apart, "video.mp4", "-map", "0:a", *apart, "audio.m4a"]
    _run(ffmpeg, made, "-i", "clip.mp4", *streams, "-map", "0", "-c", "copy", *segments, "variant.m3u8")
    (made / "master.m3u8").write_text(MASTER)
    (made / "done").touch()
    return made


def _run(ffmpeg: Path, directory: Path, *arguments: str) -> None:
    command = [str(ffmpeg), "-hide_banner", "-loglevel", "error", "-y", *arguments]
    subprocess.run(command, cwd=directory, check=True, stdin=subprocess.DEVNULL)
