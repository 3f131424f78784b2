"""Video clips made on the spot by ffmpeg, once per directory and length."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg


@dataclass(frozen=True, slots=True)
class Picture:
    """What the clips show: lines, pictures a second, the most bits a second, and seconds between key frames."""

    width: int = 1280
    height: int = 720
    rate: int = 5
    bits: str = "200k"
    key_every: int = 2

    @property
    def master(self) -> str:
        """The HLS playlist that names the only variant."""
        size = f"RESOLUTION={self.width}x{self.height},FRAME-RATE={self.rate}.000"
        return f'#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=400000,CODECS="avc1.42c01f,mp4a.40.2",{size}\nvariant.m3u8\n'


SMALL = Picture()
FULL_HD = Picture(width=1920, height=1080, rate=24, bits="3600k")


def ffmpeg_here() -> Path:
    """Give the system's ffmpeg, else the one that imageio-ffmpeg brings."""
    return Path(shutil.which("ffmpeg") or imageio_ffmpeg.get_ffmpeg_exe())


def make_clip(ffmpeg: Path, directory: Path, seconds: int, picture: Picture = SMALL) -> Path:
    """Give a directory with one clip as clip.mp4, as separate video.mp4 and audio.m4a, and as HLS."""
    made = directory / f"{seconds}s"
    if (made / "done").exists():
        return made
    made.mkdir(parents=True, exist_ok=True)
    size = f"size={picture.width}x{picture.height}:rate={picture.rate}"
    source = ["-f", "lavfi", "-i", f"testsrc2={size}:duration={seconds}"]
    tone = ["-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}"]
    keys = str(picture.rate * picture.key_every)
    encode = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", keys, "-b:v", picture.bits]
    sound = ["-c:a", "aac", "-b:a", "64k", "-shortest", "-movflags", "+faststart"]
    _run(ffmpeg, made, *source, *tone, *encode, *sound, "clip.mp4")
    apart = ["-c", "copy", "-movflags", "+faststart"]
    segments = ["-hls_time", "4", "-hls_playlist_type", "vod", "-hls_segment_filename", "part%03d.ts"]
    streams = ["-map", "0:v", *apart, "video.mp4", "-map", "0:a", *apart, "audio.m4a"]
    _run(ffmpeg, made, "-i", "clip.mp4", *streams, "-map", "0", "-c", "copy", *segments, "variant.m3u8")
    (made / "master.m3u8").write_text(picture.master)
    (made / "done").touch()
    return made


def make_webm(ffmpeg: Path, clips: Path) -> None:
    """Make clip.webm, in VP9 and Opus, of the clip that is there."""
    if not (clips / "clip.webm").exists():
        quick = ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "200k", "-c:a", "libopus"]
        _run(ffmpeg, clips, "-i", "clip.mp4", *quick, "clip.webm")


def _run(ffmpeg: Path, directory: Path, *arguments: str) -> None:
    command = [str(ffmpeg), "-hide_banner", "-loglevel", "error", "-y", *arguments]
    subprocess.run(command, cwd=directory, check=True, stdin=subprocess.DEVNULL)
