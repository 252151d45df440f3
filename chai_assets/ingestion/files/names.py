"""Names of files: how they are shown, and what they say of what is inside."""

import mimetypes
import re
import unicodedata
from pathlib import PurePosixPath

VIDEO_SUFFIXES = {
    *(".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3g2", ".f4v", ".mj2", ".ismv", ".insv", ".lrv"),  # QuickTime and MP4
    *(".mkv", ".mk3d", ".webm", ".avi", ".divx"),
    *(".mpg", ".mpeg", ".mpe", ".mpv", ".m1v", ".m2v", ".m2p", ".vob", ".evo", ".mod"),  # MPEG program streams
    *(".ts", ".mts", ".m2ts", ".m2t", ".tp", ".trp", ".tod"),  # MPEG transport streams
    *(".wmv", ".asf", ".flv", ".ogv", ".ogm", ".rm", ".rmvb", ".nut", ".wtv"),
    *(".mxf", ".gxf", ".dv", ".dif", ".ivf", ".gif", ".y4m", ".mjpg", ".mjpeg"),
    *(".h264", ".264", ".avc", ".h265", ".265", ".hevc", ".obu"),  # pictures without a container
}
"""What is taken. The formats inside are those of FFmpeg that `probe.py` opens."""

NOT_READ = {".amv", ".braw", ".r3d", ".ari", ".arx", ".crm", ".nev", ".swf", ".bik", ".m3u8", ".mpd", ".iso", ".wlmp"}
"""Raw camera files, playlists and others that a person may mean as a video."""

PARTIAL_SUFFIXES = {".part", ".partial", ".crdownload", ".download", ".opdownload", ".filepart", ".aria2", ".!ut"}
PARTIAL_SUFFIXES |= {".tmp", ".temp", ".inprogress"}
"""Endings under which browsers and copying programs write what is not complete."""

_MAC_SHADOW = "._"
"""Prefix of the files in which a Mac keeps attributes on shares; they bear the names of the videos beside them."""

# Built in, and not read from this machine: a folder is read alike everywhere.
_MEDIA_TYPES = mimetypes.MimeTypes()

_STEERS_TEXT = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Characters that turn the direction of text, so that a name reads as another one."""

_HEADS = re.compile(
    rb"....ftyp|\x1a\x45\xdf\xa3|RIFF....(AVI |CDXA)|\x00\x00\x01[\xba\xb3]|FLV\x01|\x30\x26\xb2\x75\x8e\x66\xcf\x11"
    rb"|\x06\x0e\x2b\x34\x02\x05\x01\x01|OggS",
    re.DOTALL,
)


def shown(name: str) -> str:
    """A name as rows and messages hold it: one line of valid UTF-8, from which the bytes can be read.

    Bytes that are no UTF-8 are shown as `\\xe9`, control characters and what turns the direction of text as `\\u000a`.
    """
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(f"\\u{ord(each):04x}" if _misleads(each) else each for each in text)


def is_video(name: str) -> bool:
    """Whether a file of that name is taken; `name` may have folders before it."""
    return not is_hidden(name) and suffix(name) in VIDEO_SUFFIXES


def is_hidden(name: str) -> bool:
    """Whether the name, or that of a folder before it, begins with a dot."""
    return any(part.startswith(".") for part in name.split("/"))


def is_shadow(name: str) -> bool:
    """Whether it is a Mac's file of attributes."""
    return PurePosixPath(name).name.startswith(_MAC_SHADOW)


def is_partial(name: str) -> bool:
    """Whether the ending says that the file is not complete."""
    return suffix(name) in PARTIAL_SUFFIXES


def means_video(name: str) -> bool:
    """Whether any ending in the name is a video's, as in `.film.mp4.Xy12` of a program that copies."""
    parts = PurePosixPath(name).name.lower().split(".")
    return any(f".{part}" in VIDEO_SUFFIXES for part in parts[1:])


def suffix(name: str) -> str:
    """The last ending, in small letters."""
    return PurePosixPath(name).suffix.lower()


def is_unread_video(name: str) -> bool:
    """Whether the ending is that of a video in a form that is not taken."""
    return suffix(name) in NOT_READ or (_media_type(name).startswith("video/") and suffix(name) not in VIDEO_SUFFIXES)


def says_nothing(name: str) -> bool:
    """Whether the name leaves open what is inside: no ending, or one that is not known here."""
    return not is_hidden(name) and not _media_type(name)


def begins_like_video(head: bytes) -> bool:
    """Whether a file's first bytes are those of a video container; pictures in MP4's container are none."""
    return bool(_HEADS.match(head)) and head[8:12] not in (b"heic", b"heix", b"mif1", b"avif", b"M4A ", b"M4B ")


def _media_type(name: str) -> str:
    return _MEDIA_TYPES.guess_type(f"file{suffix(name)}")[0] or ""


def _misleads(each: str) -> bool:
    return unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") or bool(_STEERS_TEXT.match(each))
