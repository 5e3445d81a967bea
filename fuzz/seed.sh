#!/bin/sh
# Begins the corpus of each target with what the tests read: copies, which are not kept in the repository.
set -eu
cd "$(dirname "$0")"
# The files of a target: $1 is its name, and the others are copied.
seed() {
    target=$1
    shift
    mkdir -p "corpus/$target"
    for file; do
        cp "$file" "corpus/$target/$(echo "${file#../}" | tr / -)"
    done
}
seed dash ../tests/manifests/*.mpd ../tests/media/*.mpd ../tests/media/*/*.mpd ../tests/streams/*/*.mpd
seed hls ../tests/manifests/*.m3u8 ../tests/media/*/*.m3u8 ../assets/film/film.m3u8 ../assets/film/720p/media.m3u8
seed mp4 ../tests/media/ondemand/*.mp4 ../tests/media/*/*init.mp4 ../tests/media/*/*/init.mp4
seed sniff ../tests/media/packed/[12].* ../tests/media/packed/muxed-init.mp4 ../tests/manifests/st-sl.mpd
seed ts ../remux/tests/streams/*.ts
seed captions ../assets/film/*.vtt
mkdir -p corpus/number
printf '9.984' > corpus/number/decimal
