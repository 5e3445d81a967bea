#!/bin/sh
# Makes the streams in this folder anew: needs ffmpeg with libx264, libvpx and libopus, openssl and python3.
# README.md says what each of them is.
set -eu
cd "$(dirname "$0")"
rm -rf ondemand h264 h264-large vp9 packed transport
mkdir ondemand h264 h264-large vp9 packed transport

# ffmpeg, with a picture that counts frames and seconds, and a tone: $1 is its size, $2 its pitch in hertz.
encode() {
    size=$1 pitch=$2
    shift 2
    ffmpeg -v error -y -f lavfi -i "testsrc2=size=$size:rate=12:duration=8" \
        -f lavfi -i "sine=frequency=$pitch:sample_rate=48000:duration=8" \
        -fflags +bitexact -map_metadata -1 "$@"
}
# No B-frames, so that decode times are presentation times.
H264="-c:v libx264 -profile:v main -preset veryslow -bf 0 -crf 44 -pix_fmt yuv420p -sc_threshold 0 -threads 1 -flags:v +bitexact"
AAC="-c:a aac -b:a 20k -ac 1 -flags:a +bitexact"
VP9="-c:v libvpx-vp9 -b:v 24k -deadline good -cpu-used 1 -pix_fmt yuv420p -threads 1 -flags:v +bitexact"
OPUS="-c:a libopus -b:a 16k -ac 1 -flags:a +bitexact"
INDEXED="-movflags +frag_keyframe+empty_moov+default_base_moof+global_sidx+skip_trailer -f mp4"
# Into the folder $DIR: video/init.mp4, video/1.m4s, ... and audio/ likewise, of two seconds each.
segments() {
    mkdir "$DIR/0" "$DIR/1"
    encode "$@" -map 0:v -map 1:a -f dash -seg_duration 2 -use_template 1 -use_timeline 0 -dash_segment_type mp4 \
        -adaptation_sets "id=0,streams=0 id=1,streams=1" \
        -init_seg_name '$RepresentationID$/init.mp4' -media_seg_name '$RepresentationID$/$Number$.m4s' "$DIR/made.mpd"
    mv "$DIR/0" "$DIR/video"
    mv "$DIR/1" "$DIR/audio"
    # What is left of the last frame of audio is not worth a segment.
    rm -f "$DIR/made.mpd" "$DIR/audio/5.m4s"
}

# One file for each representation, with a segment index.
encode 160x90 440 -map 0:v $H264 -g 12 $INDEXED ondemand/90p.mp4
encode 320x180 440 -map 0:v $H264 -crf 48 -g 12 $INDEXED ondemand/180p.mp4
encode 160x90 440 -map 1:a $AAC -frag_duration 1000000 $INDEXED ondemand/audio.mp4

# Segments in files of their own.
DIR=h264 segments 160x90 440 $H264 -g 24 $AAC
DIR=h264-large segments 320x180 880 $H264 -crf 48 -g 24 $AAC
DIR=vp9 segments 160x90 660 $VP9 -g 24 $OPUS

# HLS of video and audio in one: segments, and one file.
encode 160x90 440 -map 0:v -map 1:a $H264 -g 24 $AAC -f hls -hls_time 2 -hls_playlist_type vod -hls_segment_type fmp4 \
    -hls_fmp4_init_filename muxed-init.mp4 -start_number 1 -hls_segment_filename packed/muxed-%d.m4s packed/muxed.m3u8
encode 160x90 440 -map 0:v -map 1:a $H264 -g 24 $AAC -f hls -hls_time 2 -hls_playlist_type vod -hls_segment_type fmp4 \
    -hls_flags single_file -hls_segment_filename packed/byterange.mp4 packed/byterange.m3u8

# Packed audio.
encode 160x90 440 -map 1:a $AAC -f segment -segment_format adts -segment_time 2 -segment_start_number 1 packed/%d.aac
rm packed/5.aac

# Whole segments in AES-128: the first two by one key and one IV, the others by another key, and by an IV that is
# their media sequence number (7 for the first of all).
printf 'a key of 16 byte' > packed/1.key
printf 'another key here' > packed/2.key
encrypt() {
    openssl enc -aes-128-cbc -K "$(od -An -v -tx1 "packed/$2.key" | tr -d ' \n')" -iv "$3" \
        -in "h264/video/$1" -out "packed/aes-${4:-$1}"
}
encrypt 1.m4s 1 000102030405060708090a0b0c0d0e0f
encrypt 2.m4s 1 000102030405060708090a0b0c0d0e0f
encrypt 3.m4s 2 00000000000000000000000000000009
encrypt 4.m4s 2 0000000000000000000000000000000a
# Its init segment in the clear, and by the first key.
cp h264/video/init.mp4 packed/aes-init.mp4
encrypt init.mp4 1 000102030405060708090a0b0c0d0e0f init-encrypted.mp4

# MPEG-TS. With B-frames, and with times that wrap (after 2^33 ticks of 90 kHz, 95443.7 s) in the third segment.
PICTURES="-c:v libx264 -profile:v main -preset veryslow -bf 2 -g 24 -crf 44 -pix_fmt yuv420p -sc_threshold 0 -threads 1 -flags:v +bitexact"
transport() {
    name=$1
    shift
    encode 160x90 440 "$@" -output_ts_offset 95438.5 -f hls -hls_time 2 -hls_playlist_type vod -hls_segment_type mpegts \
        -start_number 1 -hls_segment_filename "transport/$name-%d.ts" "transport/$name.m3u8"
}
transport muxed -map 0:v -map 1:a $PICTURES $AAC
transport video -map 0:v $PICTURES
transport audio -map 1:a $AAC
transport mp3 -map 1:a -c:a libmp3lame -b:a 32k -ac 1
transport ac3 -map 0:v -map 1:a $PICTURES -c:a ac3 -b:a 32k -ac 1
# One file.
encode 160x90 440 -map 0:v -map 1:a $PICTURES $AAC -f hls -hls_time 2 -hls_playlist_type vod -hls_segment_type mpegts \
    -hls_flags single_file -hls_segment_filename transport/byterange.ts transport/byterange.m3u8
# AES-128: without an IV it is the media sequence number.
printf 'a key of 16 byte' > transport/aes.key
for number in 1 2 3 4; do
    openssl enc -aes-128-cbc -K "$(od -An -v -tx1 transport/aes.key | tr -d ' \n')" \
        -iv 0000000000000000000000000000000$number -in "transport/muxed-$number.ts" -out "transport/aes-$number.ts"
done
sed -e '/^#EXT-X-MEDIA-SEQUENCE/a #EXT-X-KEY:METHOD=AES-128,URI="aes.key"' -e 's/^muxed/aes/' \
    transport/muxed.m3u8 > transport/aes.m3u8
# MPEG-TS, fragmented MP4 of another encoding, MPEG-TS again.
cat > transport/discontinuity.m3u8 <<'END'
#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:2
#EXT-X-PLAYLIST-TYPE:VOD
#EXTINF:2,
muxed-1.ts
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="../packed/muxed-init.mp4"
#EXTINF:2,
../packed/muxed-2.m4s
#EXTINF:2,
../packed/muxed-3.m4s
#EXT-X-DISCONTINUITY
#EXTINF:2,
muxed-4.ts
#EXT-X-ENDLIST
END
# The second segment is missing.
sed -e '/muxed-2.ts/i #EXT-X-GAP' -e 's/muxed-2.ts/missing.ts/' -e 's/VERSION:3/VERSION:8/' \
    transport/muxed.m3u8 > transport/gap.m3u8
# Multivariant playlists: of two MPEG-TS, and of MPEG-TS beside fragmented MP4.
for audio in audio aac; do
    cat > "transport/split-$audio.m3u8" <<END
#EXTM3U
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="Tone",DEFAULT=YES,AUTOSELECT=YES,URI="$audio.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=60000,RESOLUTION=160x90,AUDIO="sound"
video.m3u8
END
done
cat > transport/mixed.m3u8 <<'END'
#EXTM3U
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="Tone",DEFAULT=YES,AUTOSELECT=YES,URI="audio-from-zero.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=60000,CODECS="avc1.4d400c,mp4a.40.2",RESOLUTION=160x90,AUDIO="sound"
../packed/video.m3u8
END
encode 160x90 440 -map 1:a $AAC -muxdelay 0 -muxpreload 0 -f hls -hls_time 2 -hls_playlist_type vod -hls_segment_type mpegts \
    -start_number 1 -hls_segment_filename transport/audio-from-zero-%d.ts transport/audio-from-zero.m3u8

python3 make.py
