/** HLS of every kind of source, published as fast as the server reads, as ffmpeg and gstreamer see it. */
import assert from 'node:assert/strict';
import fs from 'node:fs';

import { Client } from './support/client';
import { enhancedTags } from './support/enhanced';
import {
  decodesSilently,
  download,
  fetchBytes,
  framesOf,
  HTTP_SERVER,
  httpUrl,
  listedMs,
  playlistOnce,
  segmentInput,
  streamsOf,
} from './support/hls';
import type { Download, Frame } from './support/hls';
import { Sandbox } from './support/sandbox';
import { source } from './support/sources';
import type { SourceName } from './support/sources';
import { Srs } from './support/srs';

const SECONDS = 12;
/** A file that is played in time by somebody is never this far off. */
const TOLERANCE_MS = 2;
/** More frames of audio than are put into one packet where there are no pictures. */
const PACKET_FRAMES = 12;
const CUT =
  'enabled on; hls_fragment 2; hls_window 60; hls_master_file [app]/[stream].master.m3u8;';
const RAM_MOUNT = 'hls_mount /ram/[app]/[stream].m3u8;';
const VHOSTS = `
${HTTP_SERVER}
vhost fmp4 { hls { ${CUT} hls_path html/fmp4; hls_format fmp4; } }
vhost ram { hls { ${CUT} hls_path html/ram; hls_storage ram; ${RAM_MOUNT} } }
vhost keys { hls { ${CUT} hls_path html/keys; hls_keys on; hls_fragments_per_key 2; } }
`;

interface Case {
  readonly vhost: 'ts' | 'fmp4' | 'ram' | 'keys';
  readonly stream: string;
  readonly source: SourceName;
  readonly streams: readonly string[];
  readonly codecs: RegExp;
}

const H264 = 'h264 320 180';
const HEVC = 'hevc 320 180';
const AAC = 'aac 44100 1';
const CASES: readonly Case[] = [
  ['ts', 'plain', 'h264-aac.flv', [H264, AAC], /^avc1\.42c00[c-d],mp4a\.40\.2$/],
  ['ts', 'b', 'h264-b-frames-aac.flv', [H264, AAC], /^avc1\.4d400[c-d],mp4a\.40\.2$/],
  ['ts', 'mp3', 'h264-mp3.flv', [H264, 'mp3 44100 1'], /^avc1\.42c00[c-d],mp4a\.40\.34$/],
  ['ts', 'audio', 'aac.flv', [AAC], /^mp4a\.40\.2$/],
  ['ts', 'video', 'h264.flv', [H264], /^avc1\.42c00[c-d]$/],
  ['ts', 'hevc', 'hevc-aac.mp4', [HEVC, AAC], /^hvc1\.1\.6\.L60\.\w+,mp4a\.40\.2$/],
  ['fmp4', 'b', 'h264-b-frames-aac.flv', [H264, AAC], /^avc1\.4d400[c-d],mp4a\.40\.2$/],
  ['fmp4', 'hevc', 'hevc-aac.mp4', [HEVC, AAC], /^hvc1\.1\.6\.L60\.\w+,mp4a\.40\.2$/],
  ['fmp4', 'av1', 'av1-opus.mp4', ['av1 320 180', 'opus 48000 1'], /^av01\.0\.00M\.08,opus$/],
  ['ram', 'b', 'h264-b-frames-aac.flv', [H264, AAC], /^avc1\.4d400[c-d],mp4a\.40\.2$/],
  ['keys', 'b', 'h264-b-frames-aac.flv', [H264, AAC], /^avc1\.4d400[c-d],mp4a\.40\.2$/],
].map(([vhost, stream, name, streams, codecs]) => ({
  ...{ vhost, stream, source: name, streams, codecs },
})) as Case[];

const pathOf = ({ vhost, stream }: Case, extension = 'm3u8'): string =>
  `/${vhost}/live/${stream}.${extension}`;

/** Frames of the source that can be in segments: those since the first key frame. */
function usable(frames: readonly Frame[]): Frame[] {
  const from = frames.find(({ kind, isKey }) => kind === 'video' && isKey)?.dtsMs ?? -Infinity;
  return frames.filter(({ dtsMs }) => dtsMs >= from - 0.5);
}

/** When frames are shown or heard, in their order, since the first of them all. */
function timesOf(frames: readonly Frame[], kind: string): number[] {
  const from = Math.min(...frames.map(({ ptsMs }) => ptsMs));
  return frames.filter((frame) => frame.kind === kind).map(({ ptsMs }) => ptsMs - from);
}

function assertSameTimes(actual: readonly number[], expected: readonly number[]): void {
  const errors = actual.map((ms, index) => Math.abs(ms - expected[index]!));
  assert.ok(Math.max(0, ...errors) <= TOLERANCE_MS, `off by up to ${Math.max(...errors)} ms`);
}

/** Each segment begins, where the lengths of those before it say, with a key frame. */
function assertKeyStarts(frames: readonly Frame[], { segments }: Download): void {
  const pictures = frames.filter(({ kind }) => kind === 'video');
  let startMs = pictures[0]?.dtsMs ?? 0;
  for (const { uri, durationMs } of pictures.length === 0 ? [] : segments) {
    const at = startMs;
    const first = pictures.find(({ dtsMs }) => Math.abs(dtsMs - at) <= TOLERANCE_MS);
    assert.equal(first?.isKey, true, `${uri} does not begin with a key frame at ${at} ms`);
    startMs += durationMs;
  }
}

describe('HLS', () => {
  let sandbox: Sandbox;
  let server: Srs;

  before(async () => {
    sandbox = new Sandbox();
    fs.mkdirSync(sandbox.path('html'));
    const vhost = `hls { ${CUT} hls_path html/ts; }`;
    server = await Srs.start(sandbox, { vhost, global: VHOSTS });
    await Promise.all(CASES.map((one) => publishAll(one)));
  });

  after(() => sandbox.close());

  async function publishAll(one: Case): Promise<void> {
    const path = await source(one.source, SECONDS);
    const query = one.vhost === 'ts' ? '' : `?vhost=${one.vhost}`;
    if (path.endsWith('.mp4')) {
      const client = await Client.publish(server.port, `${one.stream}${query}`);
      client.send(await enhancedTags(path));
      client.close();
    } else {
      const url = `rtmp://127.0.0.1:${server.port}/live${query}/${one.stream}`;
      await sandbox
        .start('ffmpeg', ['-v', 'error', '-i', path, '-c', 'copy', '-f', 'flv', url])
        .succeeds();
    }
    const leastMs = SECONDS * 1000 - 100;
    await playlistOnce(
      httpUrl(server, pathOf(one)),
      'complete',
      (list) => listedMs(list) >= leastMs,
    );
  }

  for (const one of CASES) {
    it(`of ${one.source} (${one.vhost}) has every frame, at its time`, async () => {
      const fetched = await download(sandbox, server, pathOf(one));
      const inputs = fetched.segments.map((segment) => segmentInput(fetched, segment));
      if (one.vhost !== 'keys') await decodesSilently(inputs);
      await decodesSilently([fetched.path]);
      assert.deepEqual(await streamsOf(fetched.url), one.streams);

      const [frames, sent] = await Promise.all([
        framesOf(fetched.path),
        source(one.source, SECONDS).then((path) => framesOf(path)),
      ]);
      for (const kind of ['video', 'audio']) {
        const [times, due] = [timesOf(frames, kind), timesOf(usable(sent), kind)];
        assert.equal(times.length, due.length);
        // The hls reader of ffmpeg gives the first two of many frames in one packet the same time.
        const from = one.stream === 'audio' ? PACKET_FRAMES : 0;
        assertSameTimes(times.slice(from), due.slice(from));
      }
      assert.ok(Math.abs(listedMs(fetched) - SECONDS * 1000) <= 40, fetched.text);
      const longestMs = Math.max(...fetched.segments.map(({ durationMs }) => durationMs));
      assert.ok(fetched.targetDuration >= Math.round(longestMs / 1000), fetched.text);
      assert.equal(fetched.segments.length, SECONDS / 2);
      assertKeyStarts(frames, fetched);
      assert.doesNotMatch(fetched.text, /DISCONTINUITY/);
    });

    it(`of ${one.source} (${one.vhost}) has a master playlist that ffprobe takes`, async () => {
      const url = httpUrl(server, pathOf(one, 'master.m3u8'));
      assert.deepEqual(await streamsOf(url), one.streams);
      const text = (await fetchBytes(url)).toString();
      assert.match(/CODECS="([^"]+)"/.exec(text)?.[1] ?? text, one.codecs);
      const size =
        one.streams[0] === H264
          ? /RESOLUTION=320x180,FRAME-RATE=25\.000\n/
          : /RESOLUTION=320x180\n/;
      if (one.stream !== 'audio') assert.match(text, size);
      const { segments, pathOf: at } = await download(sandbox, server, pathOf(one));
      const rates = segments.map(
        ({ uri, durationMs }) => (fs.statSync(at(uri)).size * 8000) / durationMs,
      );
      const bandwidth = Number(/[:,]BANDWIDTH=(\d+)/.exec(text)?.[1]);
      const peak = Math.max(...rates);
      assert.ok(bandwidth >= peak && bandwidth < peak * 1.2, `${bandwidth}, but it is ${peak}`);
    });
  }

  it('from memory is the same, and nothing of it is on disk', async () => {
    const [disk, ram] = await Promise.all(
      ['/ts/live/b.m3u8', '/ram/live/b.m3u8'].map((path) => download(sandbox, server, path)),
    );
    const bytesOf = ({ segments, pathOf: at }: Download): Buffer[] =>
      segments.map(({ uri }) => fs.readFileSync(at(uri)));
    assert.deepEqual(bytesOf(ram!), bytesOf(disk!));
    assert.equal(sandbox.has('html/ram'), false);
  });

  it('is encrypted where it has to be, with a key for two segments', async () => {
    const [clear, secret] = await Promise.all(
      ['/ts/live/b.m3u8', '/keys/live/b.m3u8'].map((path) => download(sandbox, server, path)),
    );
    const keys = secret!.segments.map(({ keyUri }) => keyUri);
    assert.equal(new Set(keys).size, SECONDS / 4);
    const plain = fs.readFileSync(clear!.pathOf('b-0.ts'));
    const cipher = fs.readFileSync(secret!.pathOf('b-0.ts'));
    assert.notDeepEqual(cipher.subarray(0, 188), plain.subarray(0, 188));
    for (const [name, input] of Object.entries({ clear, secret })) {
      const out = sandbox.path(`${name}.ts`);
      const args = ['-v', 'error', '-allowed_extensions', 'ALL', '-i', input!.path];
      await sandbox.start('ffmpeg', [...args, '-c', 'copy', out]).succeeds();
    }
    assert.ok(
      fs.readFileSync(sandbox.path('clear.ts')).equals(fs.readFileSync(sandbox.path('secret.ts'))),
    );
  });

  it('is played to its end by gstreamer', async () => {
    const fetched = await download(sandbox, server, '/ts/live/plain.m3u8');
    const fmp4 = await download(sandbox, server, '/fmp4/live/b.m3u8');
    const play = (url: string, ...elements: string[]): Promise<unknown> =>
      sandbox
        .start('gst-launch-1.0', [
          '-q',
          'souphttpsrc',
          `location=${url}`,
          '!',
          'hlsdemux',
          ...elements,
        ])
        .succeeds();
    const decode = ['!', 'tsdemux', '!', 'h264parse', '!', 'openh264dec'];
    await play(fetched.url, ...decode, '!', 'filesink', 'location=pictures.yuv');
    const pictureBytes = (320 * 180 * 3) / 2;
    assert.equal(fs.statSync(sandbox.path('pictures.yuv')).size, SECONDS * 25 * pictureBytes);

    await play(fmp4.url, '!', 'filesink', 'location=all.mp4');
    const uris = [fmp4.segments[0]!.mapUri!, ...fmp4.segments.map(({ uri }) => uri)];
    const all = Buffer.concat(uris.map((uri) => fs.readFileSync(fmp4.pathOf(uri))));
    assert.ok(fs.readFileSync(sandbox.path('all.mp4')).equals(all));
  });

  it('has left no error in the log', async () => {
    const { stdout } = await server.stop();
    assert.doesNotMatch(stdout, /\[error\]/);
    assert.doesNotMatch(stdout, /\[warn\](?!.* (client disconnect peer|HTTP path unknown))/);
  });
});
