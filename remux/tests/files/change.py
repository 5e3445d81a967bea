#!/usr/bin/env python3
"""Makes what ffmpeg does not: 64-bit sizes and offsets, and a rotated picture, of last.mp4 and first.mp4."""
import pathlib
import struct

FOLDER = pathlib.Path(__file__).parent
CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl"}


def boxes(data):
    at = 0
    while at < len(data):
        size, name = struct.unpack(">I4s", data[at : at + 8])
        yield name, data[at + 8 : at + size]
        at += size


def write(name, content):
    return struct.pack(">I4s", len(content) + 8, name) + content


def change(data, rule):
    out = b""
    for name, content in boxes(data):
        if name in CONTAINERS:
            content = change(content, rule)
        out += write(*rule(name, content))
    return out


def wide(name, content):
    if name != b"stco":
        return name, content
    count = struct.unpack(">I", content[4:8])[0]
    offsets = struct.unpack(f">{count}I", content[8:])
    return b"co64", content[:8] + struct.pack(f">{count}Q", *offsets)


def rotated(name, content):
    if name == b"tkhd" and content[-8:-4] != bytes(4):
        matrix = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 36 << 16, 0, 1 << 30)
        content = content[:40] + matrix + content[76:]
    return name, content


def main():
    data = (FOLDER / "last.mp4").read_bytes()
    ftyp, free, mdat = list(boxes(data))[:3]
    assert free == (b"free", b"") and mdat[0] == b"mdat"
    moov = write(*list(boxes(data))[3])
    # The empty box before `mdat` becomes the first half of its header.
    head = struct.pack(">I4sQ", 1, b"mdat", len(mdat[1]) + 16)
    (FOLDER / "wide.mp4").write_bytes(write(*ftyp) + head + mdat[1] + change(moov, wide))
    data = (FOLDER / "first.mp4").read_bytes()
    (FOLDER / "rotated.mp4").write_bytes(change(data, rotated))


if __name__ == "__main__":
    main()
