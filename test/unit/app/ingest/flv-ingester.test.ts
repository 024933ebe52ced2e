import assert from 'node:assert/strict';

import sinon from 'sinon';

import { FlvIngester, resolveHost } from '../../../../src/app/ingest/flv-ingester';
import type { FlvIngesterDeps } from '../../../../src/app/ingest/flv-ingester';
import type { ReadableFile } from '../../../../src/app/ingest/looping-file';
import { ContextIds } from '../../../../src/core/context-id';
import { ErrorCode } from '../../../../src/core/errors';
import type { FlvTag } from '../../../../src/media/flv';
import { RecordingLogger } from '../../../support/fakes/recording-logger';
import { avcEndOfSequence, flvFile, sampleTags } from '../../../support/media';

import { FakeServer } from './fake-server';

const audio = 8;
const video = 9;
/** One round of 2 s: 50 frames of each kind. */
const roundFrames = 50;
const roundMs = 2000;

/** Waits for what the system does, which fake timers do not move. */
async function until(isDone: () => boolean): Promise<void> {
  while (!isDone()) await new Promise((resolve) => setImmediate(resolve));
}

describe('app/ingest/flv-ingester', () => {
  let clock: sinon.SinonFakeTimers;
  let stallMs = 0;
  let server: FakeServer;
  let log: RecordingLogger;
  let content: Buffer;
  let opened: number;
  let closed: number;
  let ingester: FlvIngester | undefined;

  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    stallMs = 0;
    server = new FakeServer();
    log = new RecordingLogger();
    content = flvFile(sampleTags(roundFrames));
    opened = 0;
    closed = 0;
    ingester = undefined;
  });

  afterEach(async () => {
    await ingester?.stop();
    assert.equal(clock.countTimers(), 0, 'timers are left');
    assert.equal(opened, closed, 'files are left open');
    clock.restore();
  });

  function openFile(): Promise<ReadableFile> {
    opened++;
    return Promise.resolve({
      read: (buffer: Buffer, offset: number, length: number, position: number) =>
        Promise.resolve({ bytesRead: content.copy(buffer, offset, position, position + length) }),
      close: () => {
        closed++;
        return Promise.resolve();
      },
    });
  }

  function start(deps: Partial<FlvIngesterDeps> = {}, host = '127.0.0.1'): FlvIngester {
    const options = {
      id: 'demo',
      file: 'demo.flv',
      outputUrl: `rtmp://${host}:1935/live?vhost=v.com/livestream`,
    };
    ingester = new FlvIngester(options, {
      connect: server.connect,
      log,
      clock: { nowMs: () => clock.now + stallMs },
      ids: new ContextIds(),
      openFile,
      resolve: (name) => Promise.resolve(name),
      ...deps,
    });
    ingester.start();
    return ingester;
  }

  it('connects to the output and publishes its stream', async () => {
    start().start();
    await clock.tickAsync(0);
    assert.deepEqual(server.addresses, ['127.0.0.1:1935']);
    assert.equal(server.last.request?.vhost, 'v.com');
    assert.equal(server.last.request.app, 'live');
    assert.equal(server.last.request.stream, 'livestream');
    assert.deepEqual(log.lines, [
      'trace 100 ingest thread cid=100, ingest=demo',
      'trace 100 ingest=demo, file=demo.flv, publishing to v.com/live/livestream',
    ]);
  });

  it('sends metadata and headers first, then each frame when it is due', async () => {
    start();
    await clock.tickAsync(0);
    assert.deepEqual(server.last.metadata, ['onMetaData 640x360']);
    assert.deepEqual(server.last.texts, ['header', 'header', 'v0', 'a0']);
    await clock.tickAsync(39);
    assert.equal(server.last.media.length, 4);
    await clock.tickAsync(1);
    assert.deepEqual(server.last.texts.slice(4), ['v1', 'a1']);
    await clock.tickAsync(960);
    assert.equal(server.last.times(video).at(-1), 1000);
    assert.equal(server.last.times(audio).at(-1), 1000);
  });

  it('loops with a timeline that goes on, and without telling the headers again', async () => {
    const end: FlvTag = { type: video, timestamp: roundMs, payload: avcEndOfSequence() };
    content = flvFile([...sampleTags(roundFrames), end]);
    start();
    await clock.tickAsync(roundMs * 3 - 1);
    const expected = Array.from({ length: roundFrames * 3 }, (_, index) => index * 40);
    assert.deepEqual(server.last.times(video), expected);
    assert.deepEqual(server.last.times(audio), expected);
    assert.equal(server.last.media.length, 2 + roundFrames * 6);
    assert.equal(server.last.metadata.length, 1);
  });

  it('makes up for a stall of at most half a second', async () => {
    start();
    await clock.tickAsync(400);
    const before = server.last.times(video).length;
    stallMs = 10_000;
    await clock.tickAsync(40);
    const burst = server.last.times(video).length - before;
    assert.ok(burst >= 12 && burst <= 14, `${burst} frames at once`);
    await clock.tickAsync(1000);
    assert.equal(server.last.times(video).length, before + burst + 25);
  });

  it('waits for a server that does not take what was sent', async () => {
    start();
    await clock.tickAsync(400);
    const before = server.last.times(video).length;
    server.last.pendingBytes = 2 * 1024 * 1024;
    await clock.tickAsync(300);
    assert.equal(server.last.times(video).length, before);
    server.last.pendingBytes = 0;
    await clock.tickAsync(10);
    assert.equal(server.last.times(video).at(-1), 680);
  });

  it('begins again from the start 3 s after the server dropped it', async () => {
    start();
    await clock.tickAsync(400);
    server.last.drop();
    await clock.tickAsync(2999);
    assert.equal(server.connections.length, 1);
    await clock.tickAsync(1);
    assert.equal(server.connections.length, 2);
    assert.deepEqual(server.last.times(video), [0]);
    const [line] = log.matching('warn');
    assert.match(
      line ?? '',
      /^warn 100 ingest=demo ended: connection lost: .*, retry in 3000ms\. ret=1004$/,
    );
  });

  it('tries every 3 s to reach a server that is not there', async () => {
    server.behaviour = 'unreachable';
    start();
    await clock.tickAsync(6000);
    assert.equal(server.connections.length, 3);
    server.behaviour = 'accept';
    await clock.tickAsync(3000);
    assert.equal(server.last.times(video).length, 1);
    assert.equal(log.matching('errno 111').length, 3);
  });

  it('tries again when the stream is busy', async () => {
    server.behaviour = 'busy';
    start();
    await clock.tickAsync(0);
    assert.equal(server.last.isEnded, true);
    assert.match(log.lines.at(-1) ?? '', /NetStream\.Publish\.BadName.* ret=1028$/);
    server.behaviour = 'accept';
    await clock.tickAsync(3000);
    assert.equal(server.last.times(video).length, 1);
  });

  it('gives up a server that says nothing for 30 s, or nonsense', async () => {
    server.behaviour = 'silent';
    start();
    await clock.tickAsync(29_999);
    assert.equal(log.matching('warn').length, 0);
    server.behaviour = 'garbage';
    await clock.tickAsync(1);
    assert.match(log.lines.at(-1) ?? '', /within 30000 ms.* ret=1011$/);
    await clock.tickAsync(3000);
    assert.equal(log.matching('warn').length, 2);
    assert.doesNotMatch(log.lines.at(-1) ?? '', /ret=1011/);
  });

  it('unpublishes when stopped, as often as one likes', async () => {
    const running = start();
    await clock.tickAsync(100);
    const sent = server.last.media.length;
    await Promise.all([running.stop(), running.stop()]);
    await clock.tickAsync(5000);
    assert.equal(server.last.isUnpublished, true);
    assert.equal(server.last.isEnded, true);
    assert.equal(server.last.media.length, sent);
    server.last.drop();
    running.start();
    await clock.tickAsync(5000);
    assert.equal(server.connections.length, 1);
    assert.equal(log.matching('warn').length, 0);
  });

  it('can be stopped while it opens the file, waits to try again, or was never started', async () => {
    await start().stop();
    assert.equal(server.connections.length, 0);
    server.behaviour = 'unreachable';
    const waiting = start();
    await clock.tickAsync(10);
    await waiting.stop();
    await clock.tickAsync(5000);
    assert.equal(server.connections.length, 1);
    server.behaviour = 'silent';
    const connecting = start();
    await clock.tickAsync(10);
    await connecting.stop();
    await clock.tickAsync(60_000);
    assert.equal(server.connections.length, 2);
  });

  it('tries again when the file cannot be opened', async () => {
    start({ openFile: () => Promise.reject(new Error('gone')) });
    await clock.tickAsync(3000);
    assert.equal(log.matching('gone, retry in 3000ms').length, 2);
    assert.equal(server.connections.length, 0);
  });

  it('finds the server by its name', async () => {
    start({ resolve: resolveHost }, 'localhost');
    await until(() => server.addresses.length > 0);
    assert.deepEqual(server.addresses, ['127.0.0.1:1935']);
  });

  it('tries again when the name of the server does not resolve', async () => {
    start({ resolve: resolveHost }, 'x'.repeat(300));
    await until(() => log.matching('host name that resolves').length > 0);
    assert.match(log.lines.at(-1) ?? '', /ret=1029$/);
    assert.equal(opened, 0);
  });

  it('plays a damaged file up to the damage, and tells of it once', async () => {
    content = content.subarray(0, -10);
    start();
    await clock.tickAsync(roundMs * 3);
    assert.equal(server.connections.length, 1);
    assert.equal(log.matching('demo.flv is damaged: FLV is truncated').length, 1);
    assert.equal(server.last.times(video).length, roundFrames * 3 + 1);
  });

  it('does not spin on a file without audio and video', async () => {
    content = flvFile(sampleTags(0));
    start();
    await clock.tickAsync(2999);
    assert.equal(opened, 1);
    const code = ErrorCode.SYSTEM_FILE_EOF;
    assert.match(
      log.lines.at(-1) ?? '',
      new RegExp(`expected audio or video in the file.*ret=${code}$`),
    );
  });

  it('refuses an output that is no rtmp url', () => {
    const deps = { connect: server.connect, log, clock: { nowMs: () => 0 }, ids: new ContextIds() };
    for (const outputUrl of ['rtmps://a/live/b', 'rtmp://a/live', 'nonsense']) {
      assert.throws(() => new FlvIngester({ id: 'x', file: 'y', outputUrl }, deps), {
        code: ErrorCode.RTMP_REQ_TCURL,
      });
    }
  });
});
