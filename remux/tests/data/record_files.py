#!/usr/bin/env python3
"""Records what ffprobe reads in files, as the tests' second opinion.

    python3 remux/tests/data/record_files.py FOLDER-OF-FILES FOLDER-OF-RECORDS

writes NAME.txt for each file (with ffprobe 5.1). Lines: `video CODEC TIMEBASE START` or `audio CODEC TIMEBASE START` for each
stream, then one line for each of its packets: `PTS KEY SIZE CRC`. Packets are those without edit lists; START is the
time in seconds of the first packet with edit lists that is shown, and behind it the number of that packet. TIMEBASE is in
seconds, as a fraction.
"""
import json
import pathlib
import subprocess
import sys
import zlib


def unhex(dump):
    """Bytes of ffprobe's dump: offset, groups of hexadecimal digits, characters."""
    return b"".join(bytes.fromhex(line.split(": ", 1)[1][:40].replace(" ", "")) for line in dump.strip().splitlines())


def probe(path, *options):
    command = ["ffprobe", "-v", "quiet", *options, "-of", "json", "-show_streams", "-show_packets", "-show_data"]
    return json.loads(subprocess.run([*command, str(path)], check=True, capture_output=True).stdout)


def record(path):
    is_mp4 = path.suffix in (".mp4", ".mov")
    found = probe(path, *(["-ignore_editlist", "1"] if is_mp4 else []))
    shown = probe(path)
    lines = []
    for stream in found["streams"]:
        kind = stream["codec_type"]
        if kind not in ("video", "audio"):
            continue
        packets, cut = ([it for it in all["packets"] if it["stream_index"] == stream["index"]] for all in (found, shown))
        data = [unhex(packet["data"]) for packet in packets]
        first = next((it for it in cut if "D" not in it["flags"] and "pts" in it), None)
        start, number = "-", "-"
        if first:
            start = first["pts_time"]
            number = data.index(unhex(first["data"]))
        lines.append(f"{kind} {stream['codec_name']} {stream['time_base']} {start} {number}")
        for packet, content in zip(packets, data):
            key = "K" if "K" in packet["flags"] else "-"
            lines.append(f"{packet.get('pts', '-')} {key} {len(content)} {zlib.crc32(content):08x}")
    return lines


def main():
    files, records = (pathlib.Path(name) for name in sys.argv[1:])
    for path in sorted(files.iterdir()):
        if path.suffix in (".mp4", ".mov", ".mkv", ".webm"):
            (records / f"{path.name}.txt").write_text("\n".join(record(path)) + "\n")


if __name__ == "__main__":
    main()
