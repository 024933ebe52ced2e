/** Owns what a player of HLS does, by hand: playlists read line by line, and all they list fetched over HTTP. */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';

import type { Sandbox } from './sandbox';
import type { Srs } from './srs';

const run = promisify(execFile);

/** A wait that takes longer fails the test with a message of its own. */
const WAIT_LIMIT_MS = 30_000;
const LOOK_MS = 20;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const MS_PER_SECOND = 1000;

/** A segment as a playlist lists it. */
export interface Segment {
  readonly uri: string;
  readonly durationMs: number;
  readonly isDiscontinuity: boolean;
  readonly mapUri: string | undefined;
  readonly keyUri: string | undefined;
}

/** A playlist as a player sees it. */
export interface Playlist {
  readonly text: string;
  readonly targetDuration: number;
  readonly mediaSequence: number;
  readonly segments: readonly Segment[];
}

/** A playlist with all that it lists, in a directory that the server delivers, too. */
export interface Download extends Playlist {
  /** The playlist, with an end. */
  readonly path: string;
  /** The same over HTTP. */
  readonly url: string;
  /** Path of something that is listed. */
  readonly pathOf: (uri: string) => string;
}

/** A packet of a file or playlist; times in ms. */
export interface Frame {
  readonly kind: string;
  readonly ptsMs: number;
  readonly dtsMs: number;
  readonly isKey: boolean;
}

/** Configuration of the HTTP server that all these tests use. */
export const HTTP_SERVER = 'http_server { enabled on; listen 127.0.0.1:0; dir html; }';

/** A url at the HTTP server. */
export function httpUrl(server: Srs, path: string): string {
  const match = /HTTP listen at \S*[:=](\d+) started success/.exec(server.program.stdout);
  if (match === null) throw new Error(`no HTTP listener in ${server.program.stdout}`);
  return `http://127.0.0.1:${match[1]!}${path}`;
}

/** What a playlist says. Tags that are of no interest here are passed over. */
export function parsePlaylist(text: string): Playlist {
  const segments: Segment[] = [];
  let isDiscontinuity = false;
  let durationMs = 0;
  let mapUri: string | undefined;
  let keyUri: string | undefined;
  for (const line of text.trimEnd().split('\n')) {
    if (line === '#EXT-X-DISCONTINUITY') isDiscontinuity = true;
    if (line.startsWith('#EXT-X-MAP:')) mapUri = uriIn(line);
    if (line.startsWith('#EXT-X-KEY:')) keyUri = uriIn(line);
    if (line.startsWith('#EXTINF:')) durationMs = Math.round(numberIn(line) * MS_PER_SECOND);
    if (line.startsWith('#')) continue;
    segments.push({ uri: line, durationMs, isDiscontinuity, mapUri, keyUri });
    isDiscontinuity = false;
  }
  const valueOf = (tag: string): number =>
    numberIn(text.split('\n').find((line) => line.startsWith(`#EXT-X-${tag}:`)) ?? '');
  const targetDuration = valueOf('TARGETDURATION');
  return { text, targetDuration, mediaSequence: valueOf('MEDIA-SEQUENCE'), segments };
}

/** The bytes at a url; rejects for any other status than 200. */
export async function fetchBytes(url: string): Promise<Buffer> {
  const response = await fetch(url);
  if (response.status !== 200) throw new Error(`${url}: status ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}

/** The playlist once the condition holds; `holds` is not asked before there is one. */
export async function playlistOnce(
  url: string,
  what: string,
  holds: (playlist: Playlist) => boolean,
): Promise<Playlist> {
  const endMs = Date.now() + WAIT_LIMIT_MS;
  for (;;) {
    const response = await fetch(url);
    const text = await response.text();
    const playlist = response.status === 200 ? parsePlaylist(text) : undefined;
    if (playlist !== undefined && holds(playlist)) return playlist;
    if (Date.now() > endMs) throw new Error(`${url}: not ${what}, ${response.status} ${text}`);
    await setTimeout(LOOK_MS);
  }
}

/** Milliseconds of media that a playlist lists. */
export function listedMs({ segments }: Pick<Playlist, 'segments'>): number {
  return segments.reduce((sum, { durationMs }) => sum + durationMs, 0);
}

/** Fetches a playlist and everything in it into `html/vod/<name>`. */
export async function download(sandbox: Sandbox, server: Srs, path: string): Promise<Download> {
  const url = httpUrl(server, path);
  const text = (await fetchBytes(url)).toString();
  const playlist = parsePlaylist(text);
  const name = path.slice(1).replaceAll('/', '-').replace('.m3u8', '');
  const directory = sandbox.path('html', 'vod', name);
  fs.mkdirSync(directory, { recursive: true });
  const pathOf = (uri: string): string => join(directory, uri);
  const uris = playlist.segments.flatMap(({ uri, mapUri, keyUri }) => [uri, mapUri, keyUri]);
  for (const uri of new Set(uris.filter((uri) => uri !== undefined))) {
    fs.writeFileSync(pathOf(uri), await fetchBytes(new URL(uri, url).href));
  }
  fs.writeFileSync(pathOf('all.m3u8'), `${text}#EXT-X-ENDLIST\n`);
  const ownUrl = httpUrl(server, `/vod/${name}/all.m3u8`);
  return { ...playlist, path: pathOf('all.m3u8'), url: ownUrl, pathOf };
}

/** Input of a segment for ffmpeg: with what it cannot be played without. */
export function segmentInput({ pathOf }: Download, { uri, mapUri }: Segment): string {
  return mapUri === undefined ? pathOf(uri) : `concat:${pathOf(mapUri)}|${pathOf(uri)}`;
}

/** Decodes all of the inputs; rejects when ffmpeg has anything to say. */
export async function decodesSilently(inputs: readonly string[]): Promise<void> {
  const each = inputs.flatMap((input) => [...optionsFor(input), '-i', input]);
  const maps = inputs.flatMap((_, index) => ['-map', `${index}`]);
  const args = ['-v', 'warning', '-xerror', ...each, ...maps, '-f', 'null', '-'];
  const { stderr } = await run('ffmpeg', args);
  if (stderr !== '') throw new Error(`ffmpeg says of ${inputs.join()}:\n${stderr}`);
}

/** The packets of an input as ffprobe sees them. */
export async function framesOf(input: string): Promise<Frame[]> {
  const args = ['-v', 'error', '-show_entries', 'packet=codec_type,pts_time,dts_time,flags'];
  args.push(...optionsFor(input), '-of', 'json', '-i', input);
  const { stdout } = await run('ffprobe', args, { maxBuffer: MAX_OUTPUT_BYTES });
  const { packets } = JSON.parse(stdout) as { packets: Record<string, string>[] };
  return packets.map((packet) => ({
    kind: packet['codec_type'] ?? '',
    ptsMs: Number(packet['pts_time']) * MS_PER_SECOND,
    dtsMs: Number(packet['dts_time']) * MS_PER_SECOND,
    isKey: packet['flags']?.startsWith('K') === true,
  }));
}

/** Codec and size or rate of the streams of an input. */
export async function streamsOf(input: string): Promise<string[]> {
  const entries = 'stream=codec_name,width,height,sample_rate,channels';
  const args = ['-v', 'error', '-show_entries', entries, '-of', 'json', '-i', input];
  const { stdout } = await run('ffprobe', args);
  const { streams } = JSON.parse(stdout) as { streams: Record<string, string | number>[] };
  return streams.map((stream) => {
    const { codec_name: codec, width, height, sample_rate: rate, channels } = stream;
    return [codec, ...(width === undefined ? [rate, channels] : [width, height])].join(' ');
  });
}

/** A playlist on disk may list files of any name. */
function optionsFor(input: string): string[] {
  return input.endsWith('.m3u8') ? ['-allowed_extensions', 'ALL'] : [];
}

function uriIn(line: string): string | undefined {
  return /URI="([^"]+)"/.exec(line)?.[1];
}

function numberIn(line: string): number {
  return Number(/:([\d.]+)/.exec(line)?.[1]);
}
