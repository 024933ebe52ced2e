import assert from 'node:assert/strict';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

import type { FlvTag } from '../../src/media/flv';
import { FlvReader } from '../../src/media/flv-reader';
import { findLastFragmentEnd } from '../../src/media/mp4/last-fragment';
import { httpConfig, liveServers, texts } from '../support/live-server';
import type { LiveServer } from '../support/live-server';
import { avcSequenceHeader, flvFile, sampleTags, videoSecond } from '../support/media';
import { plainValues } from '../support/rtmp-peer';
import { eventually } from '../support/waits';

const tags = sampleTags(50).slice(1);
const header = { type: 9, timestamp: 0, payload: avcSequenceHeader() };
const CYCLES = 50;

function readFlv(path: string): FlvTag[] {
  const reader = new FlvReader();
  reader.push(readFileSync(path));
  const found: FlvTag[] = [];
  for (let tag = reader.read(); tag; tag = reader.read()) found.push(tag);
  reader.finish();
  return found;
}

function openFiles(): number {
  return readdirSync('/proc/self/fd').length;
}

describe('recordings', () => {
  const startAny = liveServers();
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'srs-dvr-'));
  });
  afterEach(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  const start = (
    options = '',
    vhost = '',
    path = '[app]/[stream].[seq].flv',
  ): Promise<LiveServer> => {
    const file = `dvr_path ${join(dir, path.replace('[seq]', '[timestamp]'))};`;
    return startAny(
      httpConfig({
        server: `dir ${dir};`,
        vhost: `dvr { enabled on; ${file} ${options} } ${vhost}`,
      }),
    );
  };

  /** All files below the directory, relative to it. */
  const files = (): string[] =>
    readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(dir, join(entry.parentPath, entry.name)))
      .sort();

  /** Publishes and leaves; resolves when the file is closed. */
  async function record(live: LiveServer, sent: readonly FlvTag[], stream = 's'): Promise<void> {
    const before = live.log.matching(' closed, duration=').length;
    const publisher = await live.publisher(stream);
    publisher.sendAll(sent);
    await publisher.ping();
    publisher.socket.end();
    await live.log.until(() => live.log.matching(' closed, duration=').length > before);
  }

  it('in FLV hold what was published, and say how long it is', async () => {
    const live = await start();
    await record(live, tags);
    const [name = '', ...others] = files();
    assert.match(name, /^live\/s\.\d{13}\.flv$/);
    assert.deepEqual(others, []);
    const [script, ...media] = readFlv(join(dir, name));
    assert.deepEqual(texts(media), texts(tags));
    const [, values] = plainValues(script!.payload) as [string, Record<string, unknown>];
    assert.equal(values['duration'], 1.96);
    assert.equal(values['filesize'], statSync(join(dir, name)).size);
    // It can be played by HTTP at once, also from the middle on.
    const whole = await live.get(`/${name}`);
    assert.equal(whole.status, 200);
    assert.equal(whole.body.length, values['filesize']);
    const { filepositions } = values['keyframes'] as { filepositions: number[] };
    const from = await live.get(`/${name}?start=${filepositions.at(-1)!}`);
    assert.equal(from.status, 200);
    assert.ok(from.body.length < whole.body.length);
    const reader = new FlvReader();
    reader.push(from.body);
    for (let tag = reader.read(); tag; tag = reader.read()) assert.ok(tag.timestamp <= 1960);
  });

  it('in MP4 hold whole fragments, as long as the stream was', async () => {
    const live = await start('dvr_format mp4;');
    await record(live, tags);
    const [name = ''] = files();
    assert.match(name, /\.mp4$/);
    const bytes = readFileSync(join(dir, name));
    const found = await findLastFragmentEnd({
      size: bytes.length,
      read: (position, length) => Promise.resolve(bytes.subarray(position, position + length)),
    });
    assert.ok(found.fragments >= 1);
    assert.ok(Math.abs(found.durationMs - 2000) < 60, `${found.durationMs} ms`);
    assert.equal(bytes.toString('latin1', 4, 8), 'ftyp');
  });

  it('are cut at key frames by the plan segment', async () => {
    const live = await start('dvr_plan segment; dvr_duration 1;');
    const publisher = await live.publisher();
    publisher.sendAll([header, ...[0, 1000, 2000].flatMap((at) => videoSecond(at))]);
    await publisher.ping();
    publisher.socket.end();
    await live.log.until(() => live.log.matching(' closed, duration=').length === 3);
    const contents = files().map((file) =>
      readFlv(join(dir, file)).filter(({ type }) => type === 9),
    );
    assert.equal(contents.length, 3);
    for (const content of contents) {
      assert.ok(content[0]!.payload.equals(header.payload));
      assert.equal(content.length, 26);
      assert.equal(content[1]!.payload[0], 0x17);
    }
  });

  it('of the plan append go on where they ended', async () => {
    const live = await start('dvr_plan append;', '', '[app]/[stream].flv');
    await record(live, [header, ...videoSecond(0)]);
    await record(live, [header, ...videoSecond(0)]);
    const media = readFlv(join(dir, 'live', 's.flv')).filter(({ type }) => type === 9);
    const frames = media.filter(({ payload }) => payload[1] === 1);
    assert.equal(frames.length, 50);
    const times = frames.map(({ timestamp }) => timestamp);
    assert.deepEqual(
      times,
      [...new Set(times)].sort((a, b) => a - b),
    );
  });

  it('are made of what is published over HTTP, and finished when the server stops', async () => {
    const live = await start();
    const peer = await live.http();
    peer.ask('/live/s.flv', { method: 'POST', headers: { 'Transfer-Encoding': 'chunked' } });
    const body = flvFile(tags);
    peer.send(`${body.length.toString(16)}\r\n`);
    peer.send(body);
    const player = await live.player();
    await player.next('the last frame', ({ payload }) => payload.equals(tags.at(-1)!.payload));
    await live.server.stop();
    const [name = ''] = files();
    assert.match(name, /\.flv$/);
    assert.deepEqual(texts(readFlv(join(dir, name)).slice(1)), texts(tags));
  });

  it('with names that lead out of the directory are refused, to publishers of RTMP and HTTP', async () => {
    const live = await start('', '', '[app]/[stream].flv');
    for (const stream of [
      '../../out',
      '..',
      'a/../../../out',
      '%2e%2e/out',
      'a\\..\\out',
      'nul\0',
    ]) {
      const peer = await live.client();
      const { level } = await peer.publish(stream);
      assert.equal(level, 'error', JSON.stringify(stream));
      await peer.closed;
    }
    for (const app of ['..', '../up', '%2e%2e']) {
      const peer = await (await live.peer()).handshake();
      const info = await peer.connect({ app, tcUrl: `rtmp://host/${app}` });
      if (info.code === 'NetConnection.Connect.Success') {
        assert.equal((await peer.publish('s')).level, 'error', app);
      }
      await peer.closed;
    }
    const body = flvFile(tags);
    for (const path of ['/..%2fout.flv', '/live/%252e%252e%252fout.flv', '/%252e%252e/out.flv']) {
      const { status } = await live.get(path, { method: 'POST', body });
      assert.ok(status >= 400, `${path}: ${status}`);
    }
    assert.deepEqual(files(), []);
    assert.ok(!existsSync(join(dir, '..', 'out.flv')));
  });

  it('that cannot be written disturb neither players nor publishers', async () => {
    const live = await start();
    writeFileSync(join(dir, 'live'), 'in the way');
    const [rtmp, publisher] = [await live.player(), await live.publisher()];
    const http = await live.httpPlayer();
    publisher.sendAll(tags);
    assert.deepEqual(texts(await rtmp.media(tags.length)), texts(tags));
    assert.deepEqual(texts(await http.flv.media(tags.length)), texts(tags));
    await live.log.until(() => live.errors.length > 0);
    assert.match(live.errors[0]!, /dvr/);
    await publisher.ping();
  });

  it(`and segments of ${CYCLES} publishes leave no file open`, async () => {
    const hls = `hls { enabled on; hls_path ${dir}; hls_fragment 1; hls_window 3; hls_storage both; }`;
    const live = await start('', hls);
    await record(live, tags, 'warm');
    const before = openFiles();
    for (let cycle = 0; cycle < CYCLES; cycle += 10) {
      await Promise.all(
        Array.from({ length: 10 }, async (_, index) => {
          const publisher = await live.publisher(`s${index}`);
          publisher.sendAll(tags);
          await publisher.ping();
          publisher.socket.destroy();
        }),
      );
      const closed = cycle + 10 + 1;
      await live.log.until(() => live.log.matching(' closed, duration=').length === closed);
      await live.sockets(0);
    }
    await eventually('as many open files as before', () => openFiles() <= before);
    await eventually(
      'files with their names',
      () => !files().some((file) => file.endsWith('.tmp')),
    );
    assert.equal(files().filter((file) => file.endsWith('.flv')).length, CYCLES + 1);
    assert.deepEqual(live.errors, []);
  });
});
