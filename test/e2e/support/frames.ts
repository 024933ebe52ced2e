/** Owns the comparison of media across containers: coded frames by their hash and time, whatever is wrapped around. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const MS_PER_SECOND = 1000;
/** A container may round times, and tell those of some frames of audio only. */
const TOLERANCE_MS = 3;

/**
 * What is done to frames before they are compared. Parameter sets and delimiters (NAL units 7 to 9 of H.264, 32 to 35
 * and 39 of H.265) are repeated by some containers, and ADTS headers stand before AAC in some.
 */
const FILTERS: Readonly<Record<string, string>> = {
  h264: 'h264_mp4toannexb,filter_units=remove_types=7|8|9',
  hevc: 'hevc_mp4toannexb,filter_units=remove_types=32|33|34|35|39',
  aac: 'aac_adtstoasc',
};
const KINDS = ['video', 'audio'] as const;
/** What ffmpeg says of raw audio, whoever wrote it. */
const ESTIMATE = /^\[(?:aac|mp3) @ \w+\] Estimating duration from bitrate.*\n/gm;

/** A track of a file. */
export type Kind = (typeof KINDS)[number];

/** One coded frame; times in ms, as the file has them. */
export interface Frame {
  readonly dts: number;
  readonly pts: number;
  readonly hash: string;
}

/** All of a file that is looked at. */
export interface Media {
  readonly path: string;
  /** As the container tells it, in ms. */
  readonly durationMs: number;
  /** Codec names; undefined where there is no such track. */
  readonly codecs: Readonly<Partial<Record<Kind, string>>>;
  readonly frames: Readonly<Record<Kind, readonly Frame[]>>;
  /** What ffmpeg had to say while it decoded everything. */
  readonly complaints: string;
}

interface Probed {
  readonly format: { readonly duration?: string };
  readonly streams: readonly { readonly codec_type: Kind; readonly codec_name: string }[];
}

/** Reads and decodes a file. */
export async function inspect(path: string): Promise<Media> {
  const { durationMs, codecs } = await probe(path);
  const kinds = KINDS.filter((kind) => codecs[kind] !== undefined);
  const maps = kinds.flatMap((kind) => ['-map', `0:${initial(kind)}:0`]);
  const filters = kinds.flatMap((kind) => {
    const filter = FILTERS[codecs[kind]!];
    return filter === undefined ? [] : [`-bsf:${initial(kind)}`, filter];
  });
  const copy = [...maps, '-c', 'copy', ...filters, '-f', 'framemd5', '-'];
  const args = ['-v', 'warning', '-copyts', '-i', path, ...copy, ...maps, '-f', 'null', '-'];
  const { stdout, stderr } = await run('ffmpeg', args, { maxBuffer: MAX_OUTPUT_BYTES });
  const framesOf = (kind: Kind): Frame[] => parseFrames(stdout, kinds.indexOf(kind));
  return {
    path,
    durationMs,
    codecs,
    frames: { video: framesOf('video'), audio: framesOf('audio') },
    complaints: stderr.replace(ESTIMATE, ''),
  };
}

/** Hashes of the frames of a kind. */
export function hashesOf({ frames }: Pick<Media, 'frames'>, kind: Kind): string[] {
  return frames[kind].map(({ hash }) => hash);
}

/** What is left of a file when it has to begin with its first picture. */
export function fromFirstPicture(media: Media): Media {
  const from = media.frames.video[0]?.dts ?? -Infinity;
  const audio = media.frames.audio.filter(({ dts }) => dts >= from);
  return { ...media, frames: { ...media.frames, audio } };
}

/**
 * Fails unless a file holds the same frames as another, and decodes without a complaint.
 *
 * @param kinds the tracks that it should have of the other
 */
export function assertSameFrames(got: Media, sent: Media, kinds: readonly Kind[] = KINDS): void {
  for (const kind of KINDS) {
    const wanted = kinds.includes(kind) ? hashesOf(sent, kind) : [];
    assert.deepEqual(hashesOf(got, kind), wanted, `${kind} of ${got.path}`);
  }
  assert.equal(got.complaints, '', got.path);
}

/** Fails unless the frames of both, which are the same, have the same times since the first picture or sound. */
export function assertSameTimes(got: Media, sent: Media): void {
  const [gotFrom, sentFrom] = [got, sent].map(({ frames }) => [
    frames.video[0]?.dts ?? frames.audio[0]?.dts ?? 0,
  ]) as [[number], [number]];
  for (const kind of KINDS) {
    got.frames[kind].forEach(({ dts, pts }, index) => {
      const frame = sent.frames[kind][index]!;
      const off = [dts - gotFrom[0] - frame.dts + sentFrom[0], pts - dts - frame.pts + frame.dts];
      const isNear = off.every((ms) => Math.abs(ms) <= TOLERANCE_MS);
      assert.ok(isNear, `${kind} ${index} of ${got.path} is off by ${off.join(' and ')} ms`);
    });
  }
}

/** Time of the first picture that is shown after seeking to so many seconds, ms; fails when ffmpeg complains. */
export async function seek(input: string, seconds: number): Promise<number> {
  const from = ['-v', 'warning', '-copyts', '-ss', `${seconds}`, '-i', input];
  const one = ['-map', '0:v', '-frames:v', '1', '-fps_mode', 'passthrough'];
  const output = ['-enc_time_base', '1:1000', '-f', 'framemd5', '-'];
  const { stdout, stderr } = await run('ffmpeg', [...from, ...one, ...output]);
  assert.equal(stderr, '', input);
  const line = stdout.split('\n').find((text) => text.startsWith('0,'));
  assert.ok(line, `no picture after ${seconds} s of ${input}`);
  return Number(line.split(',')[2]);
}

async function probe(path: string): Promise<Pick<Media, 'durationMs' | 'codecs'>> {
  const args = ['-v', 'error', '-show_entries', 'format=duration', '-show_streams', '-of', 'json'];
  const { format, streams } = JSON.parse((await run('ffprobe', [...args, path])).stdout) as Probed;
  const named = streams.map(({ codec_type: type, codec_name: name }) => [type, name]);
  return {
    durationMs: Number(format.duration) * MS_PER_SECOND,
    codecs: Object.fromEntries(named) as Media['codecs'],
  };
}

/** The frames of the stream of that number in what the muxer framemd5 has written. */
function parseFrames(text: string, index: number): Frame[] {
  const [, numerator, denominator] =
    new RegExp(`^#tb ${index}: (\\d+)/(\\d+)$`, 'm').exec(text) ?? [];
  const unitMs = (Number(numerator) / Number(denominator)) * MS_PER_SECOND;
  const lines = text.split('\n').filter((line) => line.startsWith(`${index},`));
  return lines.map((line) => {
    const [, dts = '', pts = '', , , hash = ''] = line.split(',').map((part) => part.trim());
    return { dts: Number(dts) * unitMs, pts: Number(pts) * unitMs, hash };
  });
}

/** As ffmpeg calls it. */
function initial(kind: Kind): string {
  return kind === 'video' ? 'v' : 'a';
}
