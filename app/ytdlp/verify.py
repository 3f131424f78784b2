"""Check a fetched file to its last packet, in the child: a cut file must never be placed.

ffprobe and a look at the header miss a cut file whose index comes first; reading all packets and decoding the last
seconds does not. PyAV can deadlock on a broken file with frame threads or with its logging changed, so neither is used,
and all of this runs in the process that is killed when it takes too long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

_SLACK_SECONDS = 2.0
_SLACK_SHARE = 0.03
_DECODED_SECONDS = 1.5
_MOST_PICTURES = 900
"""Decoding begins at a key picture; where that one lies very far back, only so many are looked at."""
_SPARED = 2
"""Pictures or pieces of sound that may lack without a decoder's complaint: Opus keeps its first one back."""
_LEAST_FILLED = 16


class UnusableFile(Exception):
    """The file is no usable trailer; the subclass says why."""


class BrokenFile(UnusableFile):
    """It cannot be read, or it ends before its time."""


class NoVideoStream(UnusableFile):
    """There is no picture."""


class NoAudioStream(UnusableFile):
    """The sound that the video's page promised is missing."""


class TooShort(UnusableFile):
    """It is shorter than the policy allows."""


class TooLong(UnusableFile):
    """It is longer than the policy allows."""


class TooLow(UnusableFile):
    """It has fewer lines than the policy asks for."""


class TooHigh(UnusableFile):
    """It has more lines than the policy allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the file must be; `seconds` is the length that the page promised, where it did."""

    min_seconds: int
    max_seconds: int
    min_height: int = 0
    max_height: int = 1 << 16
    seconds: float | None
    audio: bool


@dataclass(frozen=True, slots=True)
class Verified:
    """What the file is; duration in seconds."""

    duration: float
    width: int
    height: int
    video_codec: str
    audio_codec: str | None


def verify(path: Path, wanted: Wanted) -> Verified:
    """Read the whole file and decode its end. Raises UnusableFile."""
    try:
        verified = _read(path, wanted)
        _check_length(verified.duration, wanted)
        _check_height(verified.height, wanted)
        _decode_end(path)
    except (av.error.FFmpegError, EOFError) as error:
        message = f"the file is broken: {getattr(error, 'strerror', None) or 'it ends too early'}"
        raise BrokenFile(message) from error
    return verified


def _read(path: Path, wanted: Wanted) -> Verified:
    with av.open(str(path)) as container:
        if "mp4" not in container.format.name.split(","):
            message = f"the file is no MP4 but {container.format.name}"
            raise BrokenFile(message)
        video = _picture(container)
        audio = next(iter(container.streams.audio), None)
        if audio is None and wanted.audio:
            message = "the file has no sound"
            raise NoAudioStream(message)
        duration = (container.duration or 0) / av.time_base
        _check_complete(container, video, audio, duration)
        return Verified(
            duration=duration,
            width=video.codec_context.width,
            height=video.codec_context.height,
            video_codec=video.codec_context.codec.canonical_name,
            audio_codec=audio.codec_context.codec.canonical_name if audio else None,
        )


def _picture(container: InputContainer) -> VideoStream:
    covers = av.stream.Disposition.attached_pic
    for stream in container.streams.video:
        if not stream.disposition & covers and stream.codec_context.width and stream.codec_context.height:
            return stream
    message = "the file has no picture"
    raise NoVideoStream(message)


def _check_complete(container: InputContainer, video: VideoStream, audio: AudioStream | None, duration: float) -> None:
    """Read all packets: the picture must last to the end of the file, the sound to where its own track ends."""
    ends = dict.fromkeys((stream.index for stream in container.streams), 0.0)
    for packet in container.demux():
        if packet.is_corrupt:
            message = "the file breaks off in the middle of a packet"
            raise BrokenFile(message)
        ends[packet.stream.index] = max(ends[packet.stream.index], _end_of(packet))
    begin = max((container.start_time or 0) / av.time_base, 0.0)
    _check_end("picture", ends[video.index] - begin, duration)
    if audio is not None:
        _check_end("sound", ends[audio.index] - begin, min(_length_of(audio) or duration, duration))


def _check_end(what: str, end: float, wanted: float) -> None:
    if wanted <= 0 or end < wanted - _slack(wanted):
        message = f"the {what} breaks off after {max(end, 0):.0f} of {wanted:.0f} seconds"
        raise BrokenFile(message)


def _length_of(stream: AudioStream) -> float | None:
    if stream.duration is None or stream.time_base is None:
        return None
    return float(stream.duration * stream.time_base)


def _end_of(packet: Packet[Any]) -> float:
    if packet.pts is None or packet.time_base is None:
        return 0.0
    return float((packet.pts + (packet.duration or 0)) * packet.time_base)


def _check_height(height: int, wanted: Wanted) -> None:
    message = f"it has {height} lines"
    if height < wanted.min_height:
        raise TooLow(message)
    if height > wanted.max_height:
        raise TooHigh(message)


def _check_length(duration: float, wanted: Wanted) -> None:
    if wanted.seconds is not None and abs(duration - wanted.seconds) > _slack(wanted.seconds):
        message = f"the file has {duration:.0f} of {wanted.seconds:.0f} seconds"
        raise BrokenFile(message)
    if duration < wanted.min_seconds - 1:
        message = f"it lasts {duration:.0f} seconds"
        raise TooShort(message)
    if duration > wanted.max_seconds + 1:
        message = f"it lasts {duration:.0f} seconds"
        raise TooLong(message)


def _decode_end(path: Path) -> None:
    """Decode the last seconds of picture and sound, each of its own track, up to its last packet."""
    with av.open(str(path)) as container:
        picture = _picture(container)
        # Other pictures build on it, yet nothing that is looked at here does.
        picture.codec_context.options = {"skip_loop_filter": "all"}
        picture.thread_type = "SLICE"
        _decode_end_of(container, picture, "picture")
        for sound in container.streams.audio[:1]:
            _decode_end_of(container, sound, "sound")


def _decode_end_of(container: InputContainer, stream: VideoStream | AudioStream, what: str) -> None:
    """Decode from the last key picture before; of pictures that no other needs only those of the last seconds."""
    begin = _begin_of_end(container, stream)
    container.seek(begin, stream=stream)
    wanted: set[int] = set()
    got: set[int] = set()
    for packet in container.demux(stream):
        _check_filled(packet, what)
        if packet.pts is not None and not packet.is_discard:
            wanted.add(packet.pts)
        for frame in _decoded(packet, stream, hurry=packet.pts is not None and packet.pts < begin):
            got.add(_time_of(frame, what))
        if isinstance(stream, VideoStream) and len(got) > _MOST_PICTURES:
            return
    _check_whole(wanted, got, begin, what)


def _begin_of_end(container: InputContainer, stream: VideoStream | AudioStream) -> int:
    """Give, in the stream's own time, when its last seconds begin."""
    ticks = 1 / (stream.time_base or Fraction(1, av.time_base))
    length = stream.duration or int((container.duration or 0) * ticks / av.time_base)
    return (stream.start_time or 0) + max(length - int(_DECODED_SECONDS * ticks), 0)


def _check_filled(packet: Packet[Any], what: str) -> None:
    """Refuse zeros, which a decoder may take for silence."""
    if packet.size >= _LEAST_FILLED and not any(bytes(packet)):
        message = f"the {what} has a hole at the end of the file"
        raise BrokenFile(message)


def _decoded(packet: Packet[Any], stream: VideoStream | AudioStream, *, hurry: bool) -> Sequence[Any]:
    # Other decoders hear of it too late: once they are open.
    if isinstance(stream, VideoStream) and stream.codec_context.name == "h264":
        stream.codec_context.skip_frame = "NONREF" if hurry else "DEFAULT"
    return packet.decode()


def _time_of(frame: VideoFrame | AudioFrame, what: str) -> int:
    if frame.is_corrupt:
        message = f"the {what} is damaged at the end of the file"
        raise BrokenFile(message)
    return frame.pts or 0


def _check_whole(wanted: set[int], got: set[int], begin: int, what: str) -> None:
    """Each packet is a picture, but for those that lead a key picture and need one before it."""
    first = max(begin, min(got, default=begin))
    if not got or sum(time >= first for time in wanted - got) > _SPARED:
        message = f"the {what} cannot be decoded to the end of the file"
        raise BrokenFile(message)


def _slack(seconds: float) -> float:
    return max(_SLACK_SECONDS, seconds * _SLACK_SHARE)
