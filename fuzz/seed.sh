#!/bin/sh
# Fills the corpus of each target with copies of the files that the tests read. They are not committed.
set -eu
cd "$(dirname "$0")"
# seed TARGET FILE...: copies the files into the corpus of a target.
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
seed file ../remux/tests/files/*.mp4 ../remux/tests/files/*.mkv ../remux/tests/files/*.webm
seed ts ../remux/tests/streams/*.ts
seed captions ../assets/film/*.vtt
mkdir -p corpus/number
printf '9.984' > corpus/number/decimal
