#!/usr/bin/env python3
"""Makes the sample video: generated pictures and sound, then DASH and HLS over the same segments.

Needed only to make the film again: `python3 assets/film/make.py` (Python 3, ffmpeg with libx264 and
libass, the DejaVu fonts). The film is this project's own work, under the project's licence.

The film tells what it is played by: a MediaSource made in a worker, whose handle crosses to the
page. Every frame carries the rendition's name, the time code and the segment's number; every second
a ring flashes and a tick sounds, on the same instant, so that eye and ear can check the sync.
"""

import array
import math
import pathlib
import re
import shutil
import subprocess
import tempfile
import wave

HERE = pathlib.Path(__file__).resolve().parent
SECONDS = 32
SEGMENT = 2  # seconds; a multiple of the key frame distance in every rendition
FPS = 30
SAMPLE_RATE = 48_000
AAC_FRAME = 1024  # samples

# name, width, height, H.264 profile and level, their RFC 6381 string, target and peak kbit/s
RENDITIONS = [
    ("720p", 1280, 720, "main", "3.1", "avc1.4d401f", 500, 800),
    ("1080p", 1920, 1080, "high", "4.0", "avc1.640028", 950, 1500),
    ("360p", 640, 360, "main", "3.0", "avc1.4d401e", 220, 350),
    ("240p", 426, 240, "main", "2.1", "avc1.4d4015", 120, 200),
]
AUDIO_KBITS = 96
AUDIO_CODEC = "mp4a.40.2"

# ---------------------------------------------------------------------------- the picture

INK, SOFT, WORKER, PAGE, SPARK = "F4EFE6", "A9B4C8", "F2A65A", "6CB8F0", "FFD98A"


def bgr(rgb):
    return f"&H{rgb[4:6]}{rgb[2:4]}{rgb[0:2]}&"


def clock(t):
    hundredths = round(t * 100)
    return f"{hundredths // 360000}:{hundredths // 6000 % 60:02}:{hundredths // 100 % 60:02}.{hundredths % 100:02}"


class Drawing:
    """Events of an ASS subtitle, which libass draws as vectors at every size."""

    def __init__(self):
        self.lines = []

    def add(self, layer, start, end, tags, text):
        self.lines.append(f"Dialogue: {layer},{clock(start)},{clock(end)},Line,,0,0,0,,{{{tags}}}{text}")

    def shape(self, layer, start, end, path, colour, tags="", alpha=0, at=(0, 0)):
        place = "" if "\\move" in tags or "\\pos" in tags else f"\\pos({at[0]},{at[1]})"
        self.add(
            layer, start, end,
            f"{place}\\an7\\bord0\\shad0\\1c{bgr(colour)}\\1a&H{alpha:02X}&{tags}\\p1", f"{path}{{\\p0}}",
        )

    def text(self, start, end, at, size, colour, words, tags=""):
        self.add(
            9, start, end,
            f"\\an5\\pos({at[0]},{at[1]})\\fs{size}\\bord0\\shad0\\1c{bgr(colour)}\\fad(450,350){tags}", words,
        )


def box(width, height):
    return f"m 0 0 l {width} 0 {width} {height} 0 {height}"


def disc(radius):
    k = round(radius * 0.5523, 1)
    r = radius
    return (
        f"m {-r} 0 b {-r} {-k} {-k} {-r} 0 {-r} b {k} {-r} {r} {-k} {r} 0 "
        f"b {r} {k} {k} {r} 0 {r} b {-k} {r} {-r} {k} {-r} 0"
    )


def ring(radius, width):
    # The inner disc runs the other way round, so that it is cut out.
    r = radius - width
    k = round(r * 0.5523, 1)
    return (
        disc(radius) + f" m {-r} 0 b {-r} {k} {-k} {r} 0 {r} b {k} {r} {r} {k} {r} 0 "
        f"b {r} {-k} {k} {-r} 0 {-r} b {-k} {-r} {-r} {-k} {-r} 0"
    )


def frame(width, height, line):
    return (
        box(width, height)
        + f" m {line} {line} l {line} {height - line} {width - line} {height - line} {width - line} {line}"
    )


def picture():
    d = Drawing()
    page_y, worker_y = 330, 700
    source, screen = (620, worker_y), (1300, page_y)

    # The two lanes, from the second scene on.
    for y, colour, name in ((page_y, PAGE, "THE PAGE"), (worker_y, WORKER, "A WORKER")):
        d.shape(1, 4, SECONDS - 4, box(1560, 4), colour, "\\fad(900,700)", 0x70, (180, y + 118))
        d.text(4, SECONDS - 4, (270, y + 150), 34, colour, name, "\\fsp6")

    # Scene 1: a title and two discs.
    d.text(0.1, 4, (960, 430), 112, INK, "A film from another thread")
    d.text(0.7, 4, (960, 560), 44, SOFT, "made in a worker, shown by a page")
    for y, colour in ((700, WORKER), (260, PAGE)):
        d.shape(4, 0.2, 4, disc(26), colour, f"\\move(960,{y},960,{480 + (y - 480) // 2})\\blur5\\fad(500,500)", 0x30)

    # The captions of the scenes.
    scenes = [
        (4, 8, "A worker makes a MediaSource"),
        (8, 12, "Its handle leaves the thread …"),
        (12, 16, "… and arrives on the page:  video.srcObject"),
        (16, 20, "Segments are fetched, appended, played"),
        (20, 24, "The worker does all of it"),
        (24, 28, "The page may freeze. The film plays on."),
    ]
    for start, end, words in scenes:
        d.text(start, end, (960, 130), 58, INK, words)

    # Scene 2 and after: the MediaSource, a box in the worker's lane that grows from its middle.
    x, y = source
    d.shape(3, 4.6, 28, frame(280, 170, 7), WORKER, "\\fad(500,700)", 0, (x - 140, y - 85))
    d.shape(2, 4.6, 28, box(280, 170), WORKER, "\\fad(900,700)\\blur12", 0xC8, (x - 140, y - 85))
    d.text(5, 28, (x, y - 45), 32, WORKER, "MediaSource")

    # The screen, empty until the handle is there.
    x, y = screen
    d.shape(3, 8.4, 28, frame(340, 196, 7), PAGE, "\\fad(600,700)", 0, (x - 170, y - 98))
    d.text(8.8, 28, (x, y - 128), 32, PAGE, "video")
    d.shape(2, 14.4, 28, box(326, 182), PAGE, "\\fad(300,700)", 0xA0, (x - 163, y - 91))
    d.shape(4, 14.8, 28, "m 0 0 l 62 36 0 72", INK, "\\fad(400,700)", 0x10, (x - 22, y - 36))

    # The handle: appears in the box, rises to the screen and stays there, with a tail.
    path = [(8.4, 620, 715), (10.2, 620, 560), (12.2, 940, 500), (14.2, 1300, 330)]
    for delay, size, alpha in ((0, 30, 0), (0.07, 26, 0x80), (0.14, 22, 0xA8), (0.21, 18, 0xC8)):
        for (t0, x0, y0), (t1, x1, y1) in zip(path, path[1:]):
            d.shape(6, t0 + delay, t1 + delay, disc(size), SPARK, f"\\move({x0},{y0},{x1},{y1})\\blur3", alpha)
    d.text(9, 12, (880, 560), 38, SPARK, "MediaSourceHandle")
    d.shape(5, 14.2, 15.4, ring(40, 8), SPARK, "\\pos(1300,330)\\fad(0,900)\\t(\\fscx520\\fscy520)")

    # Segments: from the left into the box, from there up to the screen, one every half second.
    colours = ["E4572E", "F2A65A", "FFD98A", "8FD694", "6CB8F0", "B08CE8"]
    for n in range(22):
        t = 16 + n * 0.5
        colour = colours[n % len(colours)]
        d.shape(5, t, t + 1, box(44, 60), colour, f"\\move(120,{worker_y - 30},{620 - 22},{worker_y - 10})\\fad(250,0)")
        d.shape(5, t + 1, t + 2, box(44, 60), colour, f"\\move({620 - 22},{worker_y - 10},1278,300)\\fad(0,250)")

    # Scene 7: the page freezes; the stream goes on.
    d.shape(7, 24.2, 27.8, box(1560, 250), "CFE8FF", "\\fad(400,400)\\blur8", 0xB0, (180, page_y - 128))
    d.text(24.4, 27.8, (760, page_y + 20), 46, INK, "page frozen", "\\fsp4")

    # Scene 8: credits.
    d.text(28, 31.8, (960, 440), 112, INK, "yew-mse-worker")
    d.text(28.5, 31.8, (960, 565), 44, SOFT, "Rust  ·  WebAssembly  ·  Yew  ·  gloo-worker")

    # The sync mark, seen: a ring that flashes on each whole second and shrinks until the next.
    for second in range(SECONDS):
        big = second % 4 == 0
        colour = SPARK if big else INK
        d.shape(8, second, second + 0.9, ring(46, 9), colour, "\\pos(1790,940)\\t(0,850,\\fscx38\\fscy38\\1a&HD0&)")
        d.shape(8, second, second + 0.12, disc(46 if big else 38), colour, "\\pos(1790,940)")
        d.shape(8, second, second + 1, box(round(1560 * (second + 1) / SECONDS), 4), SOFT, "", 0x60, (180, 1046))
    return d.lines


def ass(lines):
    return "\n".join(
        [
            "[Script Info]", "ScriptType: v4.00+", "PlayResX: 1920", "PlayResY: 1080", "",
            "[V4+ Styles]",
            "Format: Name, Fontname, Fontsize, PrimaryColour, Bold, Alignment, Encoding",
            "Style: Line,DejaVu Sans,48,&H00FFFFFF,0,5,1", "",
            "[Events]",
            "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text",
            *lines, "",
        ]
    )


# ---------------------------------------------------------------------------- the sound

CHORDS = [  # four seconds each, in Hz
    (110.00, 220.00, 261.63, 329.63), (87.31, 220.00, 261.63, 349.23),
    (130.81, 196.00, 261.63, 329.63), (98.00, 196.00, 246.94, 293.66),
    (110.00, 220.00, 329.63, 440.00), (87.31, 174.61, 261.63, 440.00),
    (98.00, 246.94, 293.66, 392.00), (130.81, 196.00, 261.63, 392.00),
]


def sound(path):
    samples = array.array("h")
    # An AAC encoder puts one frame of silence before the sound, which CMAF has no edit list to cut
    # off: so the sound begins one frame in, and the ticks are heard when the rings are seen.
    for n in range(AAC_FRAME, SECONDS * SAMPLE_RATE + AAC_FRAME):
        t = n / SAMPLE_RATE
        bar, within = CHORDS[int(t // 4) % len(CHORDS)], t % 4
        # A chord swells and fades, so that none is cut by the next.
        swell = min(1, within / 0.7) * min(1, (4 - within) / 0.5)
        left = right = 0.0
        for k, hertz in enumerate(bar):
            left += math.sin(math.tau * hertz * 0.9985 * within) / (k + 2)
            right += math.sin(math.tau * hertz * 1.0015 * within) / (k + 2)
        # A slow arpeggio above it, an octave up.
        beat = t % 0.5
        note = 2 * bar[1 + int(t * 2) % 3]
        pluck = math.sin(math.tau * note * beat) * math.exp(-7 * beat) * min(1, beat * 400)
        # The sync mark, heard.
        tick = t % 1
        mark = math.sin(math.tau * (1760 if int(t) % 4 == 0 else 1320) * tick) * math.exp(-45 * tick)
        for side in (left, right):
            samples.append(int(32767 * (0.16 * swell * side + 0.07 * pluck + 0.22 * mark)))
    with wave.open(str(path), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        out.writeframes(samples.tobytes())


# ---------------------------------------------------------------------------- the captions

CAPTIONS = [
    (0.3, 3.8, "A film from another thread."),
    (4.2, 7.8, "A worker makes a MediaSource."),
    (8.2, 11.8, "Its handle leaves the worker’s thread …"),
    (12.2, 15.8, "… and arrives on the page, which sets video.srcObject."),
    (16.2, 19.8, "Segments are fetched, appended, played."),
    (20.2, 23.8, "The worker does all of it. [arpeggio]"),
    (24.2, 27.8, "The page may freeze. The film plays on."),
    (28.2, 31.8, "[a tick on every second, to the end]"),
]

CHAPTERS = [
    (0, 4, "Title"),
    (4, 8, "A worker makes a MediaSource"),
    (8, 16, "Its handle crosses"),
    (16, 24, "Segments arrive"),
    (24, 28, "The page freezes"),
    (28, SECONDS, "Credits"),
]


def vtt_time(t):
    return f"{int(t) // 60:02}:{t % 60:06.3f}"


def vtt(lines):
    cues = [f"{vtt_time(a)} --> {vtt_time(b)}\n{words}\n" for a, b, words in lines]
    return "WEBVTT\n\n" + "\n".join(cues)


# ---------------------------------------------------------------------------- the encoder


def run(*command):
    subprocess.run([str(part) for part in command], check=True)


def encode(work):
    (work / "film.ass").write_text(ass(picture()), encoding="utf-8")
    sound(work / "film.wav")
    quiet = ("ffmpeg", "-hide_banner", "-loglevel", "warning", "-stats", "-y")
    # One master, drawn once; the renditions differ in size and label only.
    run(
        *quiet, "-f", "lavfi", "-i",
        f"gradients=s=480x270:r={FPS}:d={SECONDS}:n=4:speed=0.006:seed=11"
        ":c0=0x0B1026:c1=0x1B2A4A:c2=0x2A1B3D:c3=0x0E2233",
        "-vf", f"scale=1920:1080:flags=bicubic,ass={work}/film.ass,format=yuv420p",
        "-c:v", "libx264", "-preset", "ultrafast", "-qp", "4", work / "master.mkv",
    )
    for name, width, height, profile, level, _, kbits, peak in RENDITIONS:
        # Small pictures get larger letters: the label must be read in every one of them.
        size = max(15, round(height / 27))
        label = (
            f"drawtext=font=DejaVu Sans Mono:fontsize={size}:fontcolor=0xF4EFE6:x={round(width * 0.094)}:"
            f"y={round(height * 0.915)}:text='{name}   %{{pts\\:hms}}   segment %{{eif\\:t/{SEGMENT}+1\\:d\\:2}}'"
        )
        keys = FPS * SEGMENT
        run(
            *quiet, "-i", work / "master.mkv", "-vf", f"scale={width}:{height}:flags=lanczos,{label}",
            "-c:v", "libx264", "-preset", "veryslow", "-profile:v", profile, "-level", level,
            "-b:v", f"{kbits}k", "-maxrate", f"{peak}k", "-bufsize", f"{2 * peak}k",
            "-g", keys, "-keyint_min", keys, "-sc_threshold", 0, "-flags", "+cgop",
            # No B-frames: they would put the first frame after zero.
            "-bf", 0, "-pix_fmt", "yuv420p", work / f"{name}.mp4",
        )
    run(
        *quiet, "-i", work / "film.wav", "-c:a", "aac", "-b:a", f"{AUDIO_KBITS}k", "-ac", 2,
        work / "audio.mp4",
    )


def segment(work, name):
    """Cuts one encoded track into a CMAF init segment and media segments of SEGMENT seconds."""
    out = HERE / name
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    run(
        "ffmpeg", "-hide_banner", "-loglevel", "warning", "-i", work / f"{name}.mp4", "-c", "copy",
        # A little over: the sound's last frame must not become a segment of its own.
        "-f", "hls", "-hls_time", SEGMENT + (0.002 if name == "audio" else 0), "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4",
        "-hls_flags", "independent_segments", "-hls_segment_options", "movflags=+cmaf+negative_cts_offsets",
        "-hls_fmp4_init_filename", "init.mp4", "-start_number", 1,
        "-hls_segment_filename", out / "%d.m4s", out / "media.m3u8",
    )
    return out


def rates(out):
    """Peak and mean bit rate of the media segments, in bit/s."""
    text = (out / "media.m3u8").read_text()
    pairs = re.findall(r"#EXTINF:([\d.]+),\n(\S+)", text)
    sizes = [((out / file).stat().st_size * 8, float(seconds)) for seconds, file in pairs]
    peak = max(bits / seconds for bits, seconds in sizes)
    return math.ceil(peak), math.ceil(sum(b for b, _ in sizes) / sum(s for _, s in sizes))


def manifests():
    audio_peak, audio_mean = rates(HERE / "audio")
    hls = [
        "#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS",
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Music",DEFAULT=YES,AUTOSELECT=YES,'
        'CHANNELS="2",URI="audio/media.m3u8"',
        '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="captions",NAME="English",LANGUAGE="en",DEFAULT=NO,'
        'AUTOSELECT=YES,FORCED=NO,URI="captions.m3u8"',
    ]
    video = []
    for name, width, height, _, _, codec, _, _ in RENDITIONS:
        peak, mean = rates(HERE / name)
        hls.append(
            f"#EXT-X-STREAM-INF:BANDWIDTH={peak + audio_peak},AVERAGE-BANDWIDTH={mean + audio_mean},"
            f'CODECS="{codec},{AUDIO_CODEC}",RESOLUTION={width}x{height},FRAME-RATE={FPS}.000,'
            f'AUDIO="audio",SUBTITLES="captions",NAME="{name}"'
        )
        hls.append(f"{name}/media.m3u8")
        video.append(
            (
                height,
                f'      <Representation id="{name}" codecs="{codec}" bandwidth="{peak}" '
                f'width="{width}" height="{height}"/>',
            )
        )
    (HERE / "film.m3u8").write_text("\n".join(hls) + "\n")
    (HERE / "captions.m3u8").write_text(
        f"#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{SECONDS}\n#EXT-X-PLAYLIST-TYPE:VOD\n"
        f"#EXTINF:{SECONDS},\ncaptions.vtt\n#EXT-X-ENDLIST\n"
    )
    (HERE / "captions.vtt").write_text(vtt(CAPTIONS), encoding="utf-8")
    (HERE / "chapters.vtt").write_text(vtt(CHAPTERS), encoding="utf-8")

    # The ladder from the bottom up, as players list it; the playlist begins with the one to start on.
    video = "\n".join(line for _, line in sorted(video))
    template = (
        f'<SegmentTemplate timescale="1" duration="{SEGMENT}" startNumber="1" '
        'initialization="$RepresentationID$/init.mp4" media="$RepresentationID$/$Number$.m4s"/>'
    )
    (HERE / "film.mpd").write_text(
        f"""<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" profiles="urn:mpeg:dash:profile:isoff-live:2011"
     mediaPresentationDuration="PT{SECONDS}S" minBufferTime="PT{SEGMENT}S">
  <Period id="film" start="PT0S">
    <AdaptationSet id="1" contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1"
                   frameRate="{FPS}" par="16:9" maxWidth="1920" maxHeight="1080">
      {template}
{video}
    </AdaptationSet>
    <AdaptationSet id="2" contentType="audio" mimeType="audio/mp4" segmentAlignment="true" startWithSAP="1">
      {template}
      <Representation id="audio" codecs="{AUDIO_CODEC}" bandwidth="{audio_peak}" audioSamplingRate="{SAMPLE_RATE}">
        <AudioChannelConfiguration schemeIdUri="urn:mpeg:dash:23003:3:audio_channel_configuration:2011" value="2"/>
      </Representation>
    </AdaptationSet>
    <AdaptationSet id="3" contentType="text" mimeType="text/vtt" lang="en">
      <Role schemeIdUri="urn:mpeg:dash:role:2011" value="caption"/>
      <Representation id="captions" bandwidth="256">
        <BaseURL>captions.vtt</BaseURL>
      </Representation>
    </AdaptationSet>
  </Period>
</MPD>
"""
    )


def main():
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        encode(work)
        for name in [rendition[0] for rendition in RENDITIONS] + ["audio"]:
            segment(work, name)
    manifests()
    total = sum(file.stat().st_size for file in HERE.rglob("*") if file.is_file())
    print(f"{total / 1e6:.1f} MB in {HERE.relative_to(HERE.parent.parent)}")


if __name__ == "__main__":
    main()
