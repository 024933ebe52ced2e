/** Owns the short media files that the tests publish: made by ffmpeg once a run, when first wanted. */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Length of a source unless told. */
const SECONDS = 3;
const VIDEO = ['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25'];
const AUDIO = ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=44100'];
const H264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '25'];
const AAC = ['-c:a', 'aac', '-b:a', '64k'];
const MP3 = ['-c:a', 'libmp3lame', '-b:a', '64k'];

/** Arguments of ffmpeg that make each source, by file name. */
const RECIPES = {
  'h264-aac.flv': [...VIDEO, ...AUDIO, ...H264, '-bf', '0', ...AAC],
  'h264-b-frames-aac.flv': [...VIDEO, ...AUDIO, ...H264, '-bf', '3', '-b_strategy', '0', ...AAC],
  'h264-mp3.flv': [...VIDEO, ...AUDIO, ...H264, '-bf', '0', ...MP3],
  'h264.flv': [...VIDEO, ...H264, '-bf', '0'],
  'aac.flv': [...AUDIO, ...AAC],
  'mp3.flv': [...AUDIO, ...MP3],
  'sorenson-mp3.flv': [...VIDEO, ...AUDIO, '-c:v', 'flv1', '-g', '25', ...MP3],
  'hevc-aac.mp4': [
    ...[...VIDEO, ...AUDIO, '-c:v', 'libx265', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'],
    ...['-x265-params', 'log-level=none:keyint=25:bframes=2', '-tag:v', 'hvc1', ...AAC],
  ],
  'av1-opus.mp4': [
    ...[...VIDEO, ...AUDIO, '-c:v', 'libaom-av1', '-usage', 'realtime', '-cpu-used', '8'],
    ...['-pix_fmt', 'yuv420p', '-g', '25', '-b:v', '300k', '-c:a', 'libopus', '-b:a', '48k'],
  ],
} as const;

/** A source that exists. */
export type SourceName = keyof typeof RECIPES;

let directory: string | undefined;
const made = new Map<string, Promise<string>>();

/** The path of a source, with a key frame a second where there is video. */
export function source(name: SourceName, seconds = SECONDS): Promise<string> {
  const file = `${seconds}s-${name}`;
  let path = made.get(file);
  if (path === undefined) {
    path = make(file, name, seconds);
    made.set(file, path);
  }
  return path;
}

async function make(file: string, name: SourceName, seconds: number): Promise<string> {
  directory ??= fs.mkdtempSync(join(tmpdir(), 'srs-e2e-sources-'));
  const path = join(directory, file);
  await run('ffmpeg', ['-v', 'error', '-y', ...RECIPES[name], '-t', `${seconds}`, path]);
  return path;
}

after(() => {
  if (directory !== undefined) fs.rmSync(directory, { recursive: true });
});
