/** HLS over a long time, over a crash, and over publishers that come, change and go. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { setTimeout } from 'node:timers/promises';

import { Client } from './support/client';
import {
  download,
  framesOf,
  HTTP_SERVER,
  httpUrl,
  listedMs,
  parsePlaylist,
  playlistOnce,
} from './support/hls';
import type { Frame, Playlist } from './support/hls';
import { mediaOf } from './support/media';
import { publish } from './support/recorders';
import { Sandbox } from './support/sandbox';
import { source } from './support/sources';
import { Srs } from './support/srs';

const PATH = '/live/s.m3u8';
const CUT = 'enabled on; hls_path html; hls_fragment 1; hls_window 60;';
/** Half a second of the source, more or less. */
const RECOVERABLE_BYTES = 40_000;
const LONG_CUT = 'enabled on; hls_path html; hls_fragment 4; hls_window 3600;';
const LONG_SECONDS = 600;
const MAX_DRIFT_MS = 20;
/** Publications of a little more than half a second each. */
const FLAPS = 200;
const STREAMS = ['s', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'];
/** A playlist with its segments, which are to fill at least three target durations. */
const MOST_FILES = STREAMS.length * 12;

/** First and last time of a kind. */
function span(frames: readonly Frame[], kind: string): { first: number; last: number } {
  const times = frames.filter((frame) => frame.kind === kind).map(({ ptsMs }) => ptsMs);
  return { first: Math.min(...times.slice(0, 50)), last: Math.max(...times.slice(-50)) };
}

/** How far sound is ahead of pictures at the end, less the same at the beginning. */
function drift(frames: readonly Frame[]): number {
  const [video, audio] = [span(frames, 'video'), span(frames, 'audio')];
  return audio.last - video.last - (audio.first - video.first);
}

describe('HLS goes on', () => {
  let sandbox: Sandbox;

  beforeEach(() => {
    sandbox = new Sandbox();
    fs.mkdirSync(sandbox.path('html'));
  });

  afterEach(() => sandbox.close());

  const start = (hls: string): Promise<Srs> =>
    Srs.start(sandbox, { vhost: `hls { ${hls} }`, global: HTTP_SERVER });

  /** Publishes a file as fast as the server reads. */
  const push = (server: Srs, path: string): Promise<unknown> =>
    sandbox
      .start('ffmpeg', ['-v', 'error', '-i', path, '-c', 'copy', '-f', 'flv', server.url('s')])
      .succeeds();

  const lists = (server: Srs, count: number): Promise<Playlist> =>
    playlistOnce(
      httpUrl(server, PATH),
      `${count} long`,
      ({ segments }) => segments.length >= count,
    );

  /** How many pictures ffmpeg decodes, without an error. It does not care for discontinuities, so there are warnings. */
  async function picturesOf(path: string): Promise<number> {
    const input = ['-v', 'error', '-xerror', '-allowed_extensions', 'ALL', '-i', path, '-an'];
    const output = ['-vf', 'scale=64:36', '-fps_mode', 'passthrough', '-f', 'rawvideo', 'all.yuv'];
    const { stderr } = await sandbox.start('ffmpeg', ['-y', ...input, ...output]).succeeds();
    assert.equal(stderr, '');
    return fs.statSync(sandbox.path('all.yuv')).size / ((64 * 36 * 3) / 2);
  }

  it('for ten minutes without drift, gap or overlap', async () => {
    const path = sandbox.path('long.flv');
    await sandbox
      .start('ffmpeg', [
        ...['-v', 'error', '-f', 'lavfi', '-i', 'color=size=64x36:rate=30000/1001'],
        ...['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=44100', '-t', `${LONG_SECONDS}`],
        ...['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '60', '-bf', '2', '-b_strategy', '0'],
        ...['-c:a', 'aac', '-b:a', '32k', path],
      ])
      .succeeds();
    const server = await start(LONG_CUT);
    await push(server, path);
    const leastMs = LONG_SECONDS * 1000 - 100;
    await playlistOnce(httpUrl(server, PATH), 'complete', (list) => listedMs(list) >= leastMs);
    const fetched = await download(sandbox, server, PATH);
    assert.doesNotMatch(fetched.text, /DISCONTINUITY/);

    const [frames, sent] = await Promise.all([framesOf(fetched.path), framesOf(path)]);
    const countOf = (list: readonly Frame[], kind: string): number =>
      list.filter((frame) => frame.kind === kind).length;
    assert.equal(countOf(frames, 'video'), countOf(sent, 'video'));
    assert.ok(Math.abs(countOf(frames, 'audio') - countOf(sent, 'audio')) <= 4);
    const driftMs = drift(frames) - drift(sent);
    process.stdout.write(`      drift in ${LONG_SECONDS} s: ${driftMs.toFixed(2)} ms\n`);
    assert.ok(Math.abs(driftMs) < MAX_DRIFT_MS, `${driftMs} ms`);
    for (const kind of ['video', 'audio']) {
      const times = frames.filter((frame) => frame.kind === kind).map(({ dtsMs }) => dtsMs);
      const steps = times.slice(1).map((time, index) => time - times[index]!);
      const [least, most] = kind === 'video' ? [32, 35] : [22, 25];
      const off = steps.filter((step) => step < least || step > most);
      assert.deepEqual(off, [], kind);
    }
    const { stdout } = await server.stop();
    assert.doesNotMatch(stdout, /\[error\]/);
  });

  it('after a crash: numbers, files, and the segment that was not complete', async () => {
    const path = await source('h264-aac.flv', 6);
    const first = await start(CUT);
    publish(sandbox, path, first.url('s'));
    const before = await lists(first, 2);
    const count = before.segments.length;
    const tmp = (): string | undefined =>
      fs.readdirSync(sandbox.path('html/live')).find((name) => name.endsWith('.tmp'));
    await sandbox.until(
      'an unfinished segment',
      () => {
        const name = tmp();
        if (name === undefined) return false;
        const file = fs.statSync(sandbox.path('html/live', name), { throwIfNoEntry: false });
        return file !== undefined && file.size > RECOVERABLE_BYTES;
      },
      'html/live',
    );
    first.program.kill('SIGKILL');
    await first.program.ended;
    const left = parsePlaylist(sandbox.read('html/live/s.m3u8'));

    const second = await start(CUT);
    await push(second, path);
    await lists(second, left.segments.length + 7);
    const fetched = await download(sandbox, second, PATH);
    assert.equal(fetched.mediaSequence, left.mediaSequence);
    const uris = fetched.segments.map(({ uri }) => uri);
    assert.deepEqual(
      uris,
      [...uris.keys()].map((number) => `s-${number}.ts`),
    );
    const recovered = fetched.segments[left.segments.length];
    assert.ok(count >= 2 && recovered !== undefined && recovered.durationMs > 200, fetched.text);
    const cuts = fetched.segments.flatMap(({ isDiscontinuity }, at) =>
      isDiscontinuity ? [at] : [],
    );
    assert.deepEqual(cuts, [left.segments.length + 1]);
    const pictures = await picturesOf(fetched.path);
    assert.ok(Math.abs(pictures * 40 - listedMs(fetched)) <= 80, `${pictures}, ${fetched.text}`);
    assert.equal(tmp(), undefined);
    await second.stop();
  });

  it('with another size of picture, behind a discontinuity', async () => {
    const large = sandbox.path('large.flv');
    const small = await source('h264-aac.flv', 3);
    const args = [
      '-v',
      'error',
      '-i',
      small,
      '-vf',
      'scale=640:360',
      '-c:v',
      'libx264',
      '-g',
      '25',
    ];
    await sandbox
      .start('ffmpeg', [...args, '-preset', 'ultrafast', '-bf', '0', '-c:a', 'copy', large])
      .succeeds();
    const server = await start(CUT);
    await push(server, large);
    await lists(server, 3);
    await push(server, small);
    await lists(server, 6);
    const fetched = await download(sandbox, server, PATH);
    const cuts = fetched.segments.map(({ isDiscontinuity }) => isDiscontinuity);
    assert.deepEqual(cuts, [false, false, false, true, false, false]);
    assert.equal(await picturesOf(fetched.path), 2 * 75);
    await server.stop();
  });

  it('while publishers come and go, and nothing of them stays', async () => {
    const tags = mediaOf(await source('h264-aac.flv')).slice(0, 30);
    const server = await start('enabled on; hls_path html; hls_fragment 1; hls_window 3;');
    const flap = async (stream: string): Promise<void> => {
      const client = await Client.publish(server.port, stream);
      client.send(tags);
      client.close();
      await client.until('its end', () => client.isClosed);
    };
    const flapAll = async (count: number): Promise<void> => {
      for (let done = 0; done < count; done += STREAMS.length) {
        await Promise.all(STREAMS.map((stream) => flap(stream)));
      }
    };
    const state = (): { fds: number; residentKb: number; files: number } => {
      const status = fs.readFileSync(`/proc/${server.program.pid}/status`, 'utf8');
      return {
        fds: fs.readdirSync(`/proc/${server.program.pid}/fd`).length,
        residentKb: Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]),
        files: fs.readdirSync(sandbox.path('html/live')).length,
      };
    };
    await flapAll(FLAPS / 2);
    const from = state();
    await flapAll(FLAPS);
    // What has left a playlist stays for another two seconds.
    const endMs = Date.now() + 10_000;
    while (state().files > MOST_FILES && Date.now() < endMs) await setTimeout(100);
    const to = state();
    assert.ok(to.fds <= from.fds, `${from.fds} descriptors became ${to.fds}`);
    assert.ok(to.residentKb < from.residentKb + 30_000, `${from.residentKb}, ${to.residentKb} kB`);
    assert.ok(to.files <= MOST_FILES, `${to.files} files`);
    await server.stop();
  });
});
