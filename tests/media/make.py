"""Writes what ffmpeg did not: manifests by the real positions of bytes, a segment index of two levels, and the
time stamps of packed audio. Run by make.sh."""

import struct
from pathlib import Path

AVC, AVC_LARGE, AAC = "avc1.4d400c", "avc1.4d4015", "mp4a.40.2"
VP9, OPUS = "vp09.00.10.08.01.02.02.02.00", "opus"


def boxes(data, at=0):
    """The boxes that follow one another: position, size and type of each."""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        yield at, size, kind
        at += size


def index_range(path):
    """Where the first segment index of a file begins, and where it ends."""
    return next((at, at + size) for at, size, kind in boxes(path.read_bytes()) if kind == b"sidx")


def sidx(timescale, time, references, first_offset=0):
    """A segment index of (is index, bytes, ticks) each, in version 0, as ffmpeg writes the other one."""
    body = struct.pack(">IIIIIHH", 0, 1, timescale, time, first_offset, 0, len(references))
    for is_index, size, duration in references:
        body += struct.pack(">III", is_index << 31 | size, duration, 0x90000000)
    return struct.pack(">I4s", 8 + len(body), b"sidx") + body


def hierarchical(source, target, group):
    """Copies a file, and puts an index of its own before every so many of its segments."""
    data = source.read_bytes()
    start, end = index_range(source)
    timescale, = struct.unpack(">I", data[start + 16 : start + 20])
    media = []
    for at, size, kind in boxes(data, end):
        if kind == b"moof":
            media.append(data[at : at + size])
        else:
            media[-1] += data[at : at + size]
    upper, lower, time = [], b"", 0
    for first in range(0, len(media), group):
        members = media[first : first + group]
        index = sidx(timescale, time, [(0, len(segment), timescale) for segment in members])
        part = index + b"".join(members)
        upper.append((1, len(part), len(members) * timescale))
        lower += part
        time += len(members) * timescale
    target.write_bytes(data[:start] + sidx(timescale, 0, upper) + lower)


def mpd(duration, *periods, profile="isoff-live"):
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:{profile}:2011" type="static"
     mediaPresentationDuration="PT{duration}S" minBufferTime="PT2S">
{"".join(periods)}</MPD>
"""


def period(name, duration, *sets):
    return f"""  <Period id="{name}" duration="PT{duration}S">
{"".join(sets)}  </Period>
"""


def adaptation_set(mime, *inside):
    return f"""    <AdaptationSet mimeType="{mime}" segmentAlignment="true" startWithSAP="1">
{"".join(inside)}    </AdaptationSet>
"""


def indexed(name, path, codecs, bandwidth, more=""):
    """A representation that is one file with a segment index."""
    start, end = index_range(Path("ondemand", path))
    return f"""      <Representation id="{name}" codecs="{codecs}" bandwidth="{bandwidth}"{more}>
        <BaseURL>{path}</BaseURL>
        <SegmentBase indexRange="{start}-{end - 1}">
          <Initialization range="0-{start - 1}"/>
        </SegmentBase>
      </Representation>
"""


def numbered(folder, codecs, bandwidth, more="", first=1):
    """A representation of segments in files of their own, from the one with a number on."""
    return f"""      <SegmentTemplate duration="2" startNumber="{first}" presentationTimeOffset="{2 * (first - 1)}" initialization="{folder}/init.mp4" media="{folder}/$Number$.m4s"/>
      <Representation id="{folder}-{first}" codecs="{codecs}" bandwidth="{bandwidth}"{more}/>
"""


SMALL, LARGE, MONO = (
    ' width="160" height="90" frameRate="12"',
    ' width="320" height="180" frameRate="12"',
    ' audioSamplingRate="48000"',
)


def write_manifests():
    hierarchical(Path("ondemand/90p.mp4"), Path("ondemand/hierarchical.mp4"), 3)
    audio = adaptation_set("audio/mp4", indexed("audio", "audio.mp4", AAC, 24000, MONO))
    for name, video in {
        "ondemand": indexed("90p", "90p.mp4", AVC, 30000, SMALL)
        + indexed("180p", "180p.mp4", AVC_LARGE, 40000, LARGE),
        "hierarchical": indexed("90p", "hierarchical.mp4", AVC, 30000, SMALL),
    }.items():
        whole = period("all", 8, adaptation_set("video/mp4", video), audio)
        Path(f"ondemand/{name}.mpd").write_text(mpd(8, whole, profile="isoff-on-demand"))

    for folder, video, audio in ("h264", AVC, AAC), ("vp9", VP9, OPUS):
        whole = period(
            "all",
            8,
            adaptation_set("video/mp4", numbered("video", video, 35000, SMALL)),
            adaptation_set("audio/mp4", numbered("audio", audio, 24000, MONO)),
        )
        Path(folder, "stream.mpd").write_text(mpd(8, whole))

    def picture(folder, codecs, size, first):
        return adaptation_set("video/mp4", numbered(f"{folder}/video", codecs, 35000, size, first))

    def sound(folder, codecs, first):
        return adaptation_set("audio/mp4", numbered(f"{folder}/audio", codecs, 24000, MONO, first))

    Path("multiperiod.mpd").write_text(
        mpd(
            12,
            period("h264", 4, picture("h264", AVC, SMALL, 1), sound("h264", AAC, 1)),
            period("vp9", 4, picture("vp9", VP9, SMALL, 3), sound("vp9", OPUS, 3)),
            period("silent", 4, picture("h264-large", AVC_LARGE, LARGE, 3)),
        )
    )


def stamp_packed_audio():
    """Puts the ID3 tag of RFC 8216 § 3.4 before each file. A frame of AAC is of 1024 samples. Copies have the times of
    the streams in MPEG-TS, in ticks of 90 kHz."""
    samples = 0
    for number in range(1, 5):
        path = Path(f"packed/{number}.aac")
        frames = path.read_bytes()
        for folder, start in [("packed", 0), ("transport", 8589589080)]:
            stamp = (start + samples * 90 // 48) % (1 << 33)
            private = b"com.apple.streaming.transportStreamTimestamp\0" + struct.pack(">Q", stamp)
            frame = struct.pack(">4sIH", b"PRIV", len(private), 0) + private
            tag = struct.pack(">3sHBI", b"ID3", 0x0400, 0, len(frame)) + frame
            Path(f"{folder}/{number}.aac").write_bytes(tag + frames)
        at = 0
        while at < len(frames):
            at += (frames[at + 3] & 3) << 11 | frames[at + 4] << 3 | frames[at + 5] >> 5
            samples += 1024


HEAD = """#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:2
#EXT-X-PLAYLIST-TYPE:VOD
"""


def playlist(name, *lines, sequence=1):
    text = HEAD + f"#EXT-X-MEDIA-SEQUENCE:{sequence}\n" + "".join(lines) + "#EXT-X-ENDLIST\n"
    Path(f"packed/{name}.m3u8").write_text(text)


def listed(pattern, numbers, init=None):
    before = [f'#EXT-X-MAP:URI="{init}"\n'] if init else []
    return "".join(before + [f"#EXTINF:2,\n{pattern.format(number)}\n" for number in numbers])


def multivariant(name, video, audio, size=(160, 90)):
    Path(f"packed/{name}.m3u8").write_text(
        f"""#EXTM3U
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="Tone",DEFAULT=YES,AUTOSELECT=YES,URI="{audio}"
#EXT-X-STREAM-INF:BANDWIDTH=60000,CODECS="{AVC},{AAC}",RESOLUTION={size[0]}x{size[1]},AUDIO="sound"
{video}
"""
    )


def write_playlists():
    playlist("aac", listed("{}.aac", range(1, 5)))
    Path("transport/aac.m3u8").write_text(Path("packed/aac.m3u8").read_text())
    playlist("video", listed("../h264/video/{}.m4s", range(1, 5), "../h264/video/init.mp4"))
    multivariant("packed", "video.m3u8", "aac.m3u8")

    def key(number, more=""):
        return f'#EXT-X-KEY:METHOD=AES-128,URI="{number}.key"{more}\n'

    playlist(
        "aes",
        # Before the key, so it does not apply to the init segment.
        '#EXT-X-MAP:URI="aes-init.mp4"\n',
        key(1, ",IV=0x000102030405060708090A0B0C0D0E0F"),
        listed("aes-{}.m4s", (1, 2)),
        key(2),
        listed("aes-{}.m4s", (3, 4)),
        sequence=7,
    )
    playlist(
        "aes-map",
        key(1, ",IV=0x000102030405060708090A0B0C0D0E0F"),
        # After the key, so it applies to the init segment as well.
        '#EXT-X-MAP:URI="aes-init-encrypted.mp4"\n',
        listed("aes-{}.m4s", (1, 2)),
        key(2),
        # Whose init segment is still the one before.
        listed("aes-{}.m4s", (3, 4)),
        sequence=7,
    )

    for kind in "video", "audio":
        first, then = f"../h264/{kind}/", f"../h264-large/{kind}/"
        playlist(
            f"discontinuity-{kind}",
            listed(first + "{}.m4s", (1, 2), first + "init.mp4"),
            "#EXT-X-DISCONTINUITY\n",
            listed(then + "{}.m4s", (1, 2), then + "init.mp4"),
        )
    multivariant("discontinuity", "discontinuity-video.m3u8", "discontinuity-audio.m3u8")

    playlist(
        "gap",
        listed("muxed-{}.m4s", (1,), "muxed-init.mp4"),
        "#EXT-X-GAP\n",
        listed("missing-{}.m4s", (2,)),
        listed("muxed-{}.m4s", (3, 4)),
    )


write_manifests()
stamp_packed_audio()
write_playlists()
