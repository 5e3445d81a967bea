#!/usr/bin/env python3
"""Makes laced.webm: the audio of vp9-opus.webm in blocks of several frames, laced in each of the three ways in turn."""
import pathlib
import struct

FOLDER = pathlib.Path(__file__).parent
AUDIO = 2
FRAME_MS = 20
SEGMENT, TRACKS, TRACK_ENTRY, INFO, CLUSTER = 0x18538067, 0x1654AE6B, 0xAE, 0x1549A966, 0x1F43B675
TRACK_NUMBER, FLAG_LACING, DEFAULT_DURATION, TIMESTAMP, SIMPLE_BLOCK = 0xD7, 0x9C, 0x23E383, 0xE7, 0xA3


def number(data, at, keeps_marker=False):
    length = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + length], "big")
    return value if keeps_marker else value & (1 << 7 * length) - 1, at + length


def elements(data):
    at = 0
    while at < len(data):
        name, at = number(data, at, True)
        size, at = number(data, at)
        yield name, data[at : at + size]
        at += size


def vint(value):
    length = next(length for length in range(1, 9) if value < (1 << 7 * length) - 1)
    return (value | 1 << 7 * length).to_bytes(length, "big")


def write(name, content):
    return name.to_bytes((name.bit_length() + 7) // 8, "big") + vint(len(content)) + content


def laced(frames, lacing):
    """Flags, and the content behind them."""
    head = bytes([len(frames) - 1])
    if lacing == 0:
        for frame in frames[:-1]:
            head += b"\xff" * (len(frame) // 255) + bytes([len(frame) % 255])
        return 0x82, head + b"".join(frames)
    if lacing == 1:
        head += vint(len(frames[0]))
        for before, frame in zip(frames, frames[1:-1]):
            difference = len(frame) - len(before)
            length = 1 if abs(difference) < 63 else 2
            head += (difference + (1 << 7 * length - 1) - 1 | 1 << 7 * length).to_bytes(length, "big")
        return 0x86, head + b"".join(frames)
    return 0x84, head + b"".join(frames)


def blocks(cluster):
    audio, lacing = [], 0
    for name, content in elements(cluster):
        if name != SIMPLE_BLOCK:
            continue
        if content[0] & 0x7F != AUDIO:
            yield write(SIMPLE_BLOCK, content)
            continue
        audio.append(content)
        same = len({len(it) for it in audio}) == 1
        if len(audio) == 6 or lacing == 2 and not same:
            # Frames of a lace of fixed size are equally long.
            rest = audio[-1:] if lacing == 2 and not same else []
            yield block(audio[: len(audio) - len(rest)], lacing)
            audio, lacing = rest, (lacing + 1) % 3
    if audio:
        yield block(audio, 0)


def block(audio, lacing):
    flags, content = laced([it[4:] for it in audio], lacing)
    return write(SIMPLE_BLOCK, audio[0][:3] + bytes([flags]) + content)


def entry(content):
    fields = [(name, value) for name, value in elements(content) if name != FLAG_LACING]
    if (TRACK_NUMBER, bytes([AUDIO])) in fields:
        fields.append((DEFAULT_DURATION, struct.pack(">I", FRAME_MS * 1_000_000)))
    return b"".join(write(*field) for field in fields)


def main():
    (ebml, segment) = elements((FOLDER / "vp9-opus.webm").read_bytes())
    out = b""
    for name, content in elements(segment[1]):
        if name == INFO:
            out += write(name, content)
        if name == TRACKS:
            out += write(name, b"".join(write(name, entry(it)) for name, it in elements(content) if name == TRACK_ENTRY))
        if name == CLUSTER:
            time = dict(elements(content))[TIMESTAMP]
            out += write(CLUSTER, write(TIMESTAMP, time) + b"".join(blocks(content)))
    (FOLDER / "laced.webm").write_bytes(write(*ebml) + write(SEGMENT, out))


if __name__ == "__main__":
    main()
