#!/bin/sh
# Makes the streams here that nobody else made, with ffmpeg 5.1 (libx264, libx265).
set -eu
cd "$(dirname "$0")"
make() {
    name=$1
    shift
    ffmpeg -v error -y -fflags +bitexact "$@" -flags:v +bitexact -flags:a +bitexact "$name.ts"
}
picture="-f lavfi -i testsrc2=s=192x108:r=25:d=2"
sound="-f lavfi -i sine=440:r=48000:d=2"
make ac3 $sound -c:a ac3 -b:a 96k
make eac3 $sound -c:a eac3 -b:a 64k
make open-gop $picture -c:v libx264 -b:v 100k \
    -x264-params open-gop=1:keyint=15:bframes=3:slices=3:aud=0:scenecut=0
make open-gop-h265 $picture -c:v libx265 -b:v 100k \
    -x265-params open-gop=1:keyint=15:bframes=3:slices=2:log-level=none:scenecut=0
# 2^33 ticks are 95,443.7 s: both tracks wrap within the stream.
make wrap $picture $sound -c:v libx264 -b:v 100k -c:a aac -b:a 48k -output_ts_offset 95441
