#!/bin/sh
# Makes the files here that nobody else made, with ffmpeg 5.1 (libx264, libx265, libvpx) and mkvmerge 74.
set -eu
cd "$(dirname "$0")"
picture="-f lavfi -i testsrc2=s=64x36:r=25:d=6"
sound="-f lavfi -i sine=440:r=48000:d=6"
other="-f lavfi -i sine=880:r=44100:d=6"
make() {
    name=$1
    shift
    ffmpeg -v error -y -fflags +bitexact "$@" -flags:v +bitexact -flags:a +bitexact "$name"
}
h264="-c:v libx264 -b:v 20k -x264-params keyint=30:bframes=2:scenecut=0"
aac="-c:a aac -b:a 16k"

make first.mp4 $picture $sound $h264 $aac -movflags +faststart
make last.mp4 $picture $sound $other -map 0 -map 1 -map 2 $h264 $aac \
    -metadata:s:a:0 language=eng -metadata:s:a:1 language=deu
make negative.mp4 $picture $h264 -vf setsar=4/3 -movflags +negative_cts_offsets
make intra.mp4 $picture -c:v libx264 -g 1 -b:v 20k -t 2.5
make quicktime.mov $picture $sound $h264 $aac
make hevc.mp4 $picture $sound -c:v libx265 -tag:v hvc1 -b:v 20k -x265-params keyint=30:log-level=none $aac
make delayed.mp4 $picture -itsoffset 0.5 $sound -map 0 -map 1 $h264 $aac
fragments="-movflags +frag_keyframe+empty_moov+default_base_moof"
make sidx.mp4 $picture $h264 $fragments+dash+global_sidx
make mfra.mp4 $picture $sound $h264 $aac $fragments
make neither.mp4 $picture $sound $h264 $aac $fragments+skip_trailer
# Positions in the file, as before CMAF.
make offsets.mp4 $picture $sound $other -map 0 -map 1 -map 2 $h264 $aac -movflags +frag_keyframe+empty_moov
# An index before each fragment.
make dash.mp4 $picture $sound $h264 $aac -movflags +frag_keyframe+empty_moov+dash -frag_duration 2000000
# Each track fragment begins where the one before ends.
make default-base.mp4 $picture $sound $other -map 0 -map 1 -map 2 $h264 $aac \
    -movflags +frag_keyframe+empty_moov+omit_tfhd_offset+skip_trailer
make h264-aac.mkv $picture $sound $h264 $aac
make hevc-ac3.mkv $picture $sound -c:v libx265 -b:v 20k -x265-params keyint=30:log-level=none -c:a ac3 -b:a 64k
make h264-flac.mkv $picture $sound $h264 -c:a flac -t 3
make vp8-vorbis.webm $picture $sound -c:v libvpx -b:v 20k -g 50 -c:a libvorbis -b:a 48k
make vp9-opus.webm $picture $sound -c:v libvpx-vp9 -b:v 20k -g 50 -c:a libopus -b:a 16k
make two-audio.webm $picture $sound $other -map 0 -map 1 -map 2 -c:v libvpx-vp9 -b:v 20k -g 50 -c:a libopus -b:a 16k \
    -metadata:s:a:0 language=eng -metadata:s:a:1 language=deu
# Video that only WebM can have, and audio that only MP4 can have.
make vp8-aac.mkv $picture $sound -c:v libvpx -b:v 20k -g 50 $aac
# Without Cues, duration and sizes, as a recording is.
ffmpeg -v error -i vp9-opus.webm -c copy -fflags +bitexact -live 1 -f webm - | cat > live.webm
ffmpeg -v error -i h264-aac.mkv -c copy -fflags +bitexact -live 1 -f matroska - | cat > live.mkv
# Audio in laces.
mkvmerge -q --deterministic 1 -o laced.mkv h264-aac.mkv
python3 lace.py
python3 change.py
