#!/usr/bin/env python3
"""Records what ffprobe reads in transport streams, as the tests' second opinion.

    python3 remux/tests/data/record.py remux/tests/streams/*.ts

writes NAME.txt beside this script for each NAME.ts (with ffprobe 5.1). Lines: `video CODEC WIDTH HEIGHT` or `audio CODEC
RATE CHANNELS` for the first stream of each kind, then one line for each of its packets: `PTS DTS KEY COUNT CRC`, where a
time is `-` if there is none, and COUNT and CRC-32 are those of the NAL units (each behind its length of 4 bytes, without
delimiters, parameter sets and filler data), or of the audio frame without ADTS header.
"""
import json
import pathlib
import re
import struct
import subprocess
import sys
import zlib

LEFT_OUT = {"h264": {7, 8, 9, 12}, "hevc": {32, 33, 34, 35, 38}}


def nal_units(data, codec):
    """NAL units of a packet in byte stream format that count."""
    starts = [match.end() for match in re.finditer(b"\x00\x00\x01", data)]
    ends = [start - 3 for start in starts[1:]] + [len(data)]
    for start, end in zip(starts, ends):
        nal = data[start:end].rstrip(b"\x00")
        if not nal:
            continue
        kind = nal[0] & 0x1F if codec == "h264" else nal[0] >> 1 & 0x3F
        if kind not in LEFT_OUT[codec]:
            yield nal


def payload(data, codec):
    if codec in LEFT_OUT:
        units = list(nal_units(data, codec))
        return len(units), b"".join(struct.pack(">I", len(unit)) + unit for unit in units)
    if codec == "aac":
        data = data[7:] if data[1] & 1 else data[9:]
    return 1, data


def unhex(dump):
    """Bytes of ffprobe's dump: offset, groups of hexadecimal digits, characters."""
    return b"".join(bytes.fromhex(line.split(": ", 1)[1][:40].replace(" ", "")) for line in dump.strip().splitlines())


def record(path):
    command = ["ffprobe", "-v", "quiet", "-of", "json", "-show_streams", "-show_packets", "-show_data", str(path)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    lines = []
    for kind in "video", "audio":
        stream = next((it for it in found["streams"] if it["codec_type"] == kind), None)
        if not stream:
            continue
        codec = stream["codec_name"]
        numbers = ("width", "height") if kind == "video" else ("sample_rate", "channels")
        lines.append(" ".join([kind, codec, *(str(stream[number]) for number in numbers)]))
        for packet in found["packets"]:
            if packet["stream_index"] != stream["index"]:
                continue
            count, data = payload(unhex(packet["data"]), codec)
            key = "K" if "K" in packet["flags"] else "-"
            times = [str(packet.get(name, "-")) for name in ("pts", "dts")]
            lines.append(" ".join([*times, key, str(count), f"{zlib.crc32(data):08x}"]))
    return lines


def main():
    folder = pathlib.Path(__file__).parent
    for name in sys.argv[1:]:
        path = pathlib.Path(name)
        (folder / f"{path.stem}.txt").write_text("\n".join(record(path)) + "\n")


if __name__ == "__main__":
    main()
