#!/bin/sh
# Makes doc/sample.flv, the looping test stream that the built-in ingester publishes. Needs ffmpeg with libx264, and a
# TrueType font. Picture and sound are synthetic. Run by hand: the result is part of the source tree.
set -eu

output=${1:-$(dirname "$0")/../doc/sample.flv}
font=$(fc-match --format '%{file}' 'DejaVu Sans Mono')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# 10.24 s is a whole number of video frames (256 of 40 ms) and of AAC frames (441 of 1024 samples at 44.1 kHz), and
# every tone below has a whole number of periods in it: the end joins the start without gap or click.
frames=256
seconds=10.24
clock="SRS %{eif\\:t\\:d\\:2}.%{eif\\:mod(t*100+0.5\\,100)\\:d\\:2}"
beep="0.2*sin(2*PI*875*t)*lt(mod(t\,1.28)\,0.08)"
tones="0.1*sin(2*PI*437.5*t)+$beep|0.1*sin(2*PI*546.875*t)+$beep"

# Three rounds are encoded and the second is kept, so that the first AAC frame continues the sound of the last one.
# The AAC encoder's delay of one frame puts that round at 10.263 s. A key frame every two seconds (the last one waits
# 2.24 s for the next round) and no B-frames: joining is quick, and no frame is held back for a later one.
ffmpeg -loglevel error -y \
  -f lavfi -i "testsrc2=size=640x360:rate=25:duration=$seconds" \
  -f lavfi -i "aevalsrc=exprs=$tones:sample_rate=44100:channel_layout=stereo" \
  -filter_complex "[0:v]drawtext=fontfile=$font:fontsize=36:fontcolor=white:box=1:boxcolor=black@0.6:boxborderw=8:x=(w-tw)/2:y=h-th-24:text='$clock',loop=loop=2:size=$frames,setpts=N/25/TB[video]" \
  -map '[video]' -map 1:a -t 30.72 \
  -c:v libx264 -preset slow -tune zerolatency -profile:v high -level 3.0 -pix_fmt yuv420p -bf 0 -threads 1 \
  -g 56 -keyint_min 50 -sc_threshold 0 -force_key_frames "expr:eq(mod(mod(n,$frames),50),0)*lt(mod(n,$frames),250)" \
  -b:v 250k -maxrate 300k -bufsize 600k -c:a aac -b:a 64k -bitexact \
  -f nut "$work/rounds.nut"
ffmpeg -loglevel error -y -i "$work/rounds.nut" -ss 10.26 -t "$seconds" -c copy \
  -bitexact -map_metadata -1 -avoid_negative_ts make_zero -flvflags no_duration_filesize -f flv "$output"
