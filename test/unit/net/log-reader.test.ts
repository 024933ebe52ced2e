import assert from 'node:assert/strict';

import { BroadcastLog } from '../../../src/net/broadcast-log';
import type { BroadcastLogOptions, PulledPlayer } from '../../../src/net/broadcast-log';
import { Loopback } from '../../support/net';

const options: BroadcastLogOptions = {
  chunkSize: 60000,
  queueMs: 30000,
  gopCache: true,
  gopCacheMaxBytes: 1 << 20,
  absolute: false,
};
const keyFrame = 1;
const sequenceHeader = 2;
const interFrame = 8;

interface Tag {
  readonly type: number;
  readonly timestamp: number;
  readonly body: string;
}

/** The tags of FLV bytes, which must be whole. */
function readTags(bytes: Buffer): Tag[] {
  const tags: Tag[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUIntBE(at + 1, 3);
    const end = at + 11 + length;
    tags.push({
      type: bytes.readUInt8(at),
      timestamp: bytes.readUInt8(at + 7) * 0x1000000 + bytes.readUIntBE(at + 4, 3),
      body: bytes.toString('latin1', at + 11, end),
    });
    assert.equal(bytes.readUInt32BE(end), 11 + length, 'previous tag size');
    at = end + 4;
  }
  return tags;
}

/** Keeps what it takes and lets a test wait for it. */
class RecordingPlayer implements PulledPlayer {
  readonly pieces: Buffer[] = [];
  ended = 0;
  /** What the next takes say. */
  wantsMore = true;
  #waiting: (() => void)[] = [];

  takeMedia(bytes: Buffer): boolean {
    this.pieces.push(bytes);
    this.#wake();
    return this.wantsMore;
  }

  onPlayEnd(): void {
    this.ended++;
    this.#wake();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.pieces);
  }

  get bodies(): string[] {
    return readTags(this.bytes).map((tag) => tag.body);
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** The rest of this turn is over. */
function endOfTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('a pulled player', () => {
  let loopback: Loopback;
  let log: BroadcastLog;
  let player: RecordingPlayer;
  beforeEach(() => {
    loopback = new Loopback();
    log = new BroadcastLog(loopback.engine, options);
    player = new RecordingPlayer();
  });
  afterEach(() => {
    loopback.close();
  });

  function append(timestamp: number, flags: number, text: string, slot = -1): void {
    const body = Buffer.from(text, 'latin1');
    log.append(9, timestamp, flags, slot, body, 0, body.length);
  }

  it('gets preface and cached GOP as FLV tags with the timestamps of the log', async () => {
    append(900, keyFrame | sequenceHeader, 'avcC', 1);
    append(0x1000000, keyFrame, 'key');
    append(0x1000028, interFrame, 'inter');
    log.attach(player, 0, 350, 'flv');
    assert.equal(player.pieces.length, 0, 'not from within the call');
    await player.until(() => player.pieces.length > 0);
    assert.deepEqual(readTags(player.bytes), [
      { type: 9, timestamp: 0x1000000, body: 'avcC' },
      { type: 9, timestamp: 0x1000000, body: 'key' },
      { type: 9, timestamp: 0x1000028, body: 'inter' },
    ]);
    assert.deepEqual(log.playerStats(player), { messages: 2, dropped: 0, lagMs: 0, jumps: 0 });
    assert.equal(log.stats.players, 1);
  });

  it('gets RTMP chunks of its own timeline and stream id', async () => {
    append(1000, keyFrame, 'key');
    log.attach(player, 5, 0);
    await player.until(() => player.pieces.length === 1);
    append(1040, interFrame, 'inter');
    await player.until(() => player.pieces.length === 2);
    const [first, second] = player.pieces as [Buffer, Buffer];
    assert.equal(first[0], 6, 'chunk type 0');
    assert.equal(first.readUIntBE(1, 3), 0);
    assert.equal(first.readUInt32LE(8), 5);
    assert.equal(first.toString('latin1', 12), 'key');
    assert.equal(second[0], 0x46, 'chunk type 1');
    assert.equal(second.readUIntBE(1, 3), 40);
  });

  it('is given what one turn appended in one piece', async () => {
    log.attach(player, 0, 0, 'flv');
    await endOfTurn();
    append(0, keyFrame, 'a');
    append(40, interFrame, 'b');
    await player.until(() => player.pieces.length > 0);
    append(80, interFrame, 'c');
    await player.until(() => player.pieces.length > 1);
    assert.deepEqual(
      player.pieces.map((piece) => readTags(piece).map((tag) => tag.body)),
      [['a', 'b'], ['c']],
    );
  });

  it('is given what one interval appended in one piece, in step with others', async () => {
    const other = new RecordingPlayer();
    log.attach(player, 0, 20, 'flv');
    log.attach(other, 0, 20, 'flv');
    append(0, keyFrame, 'a');
    await player.until(() => player.pieces.length === 1);
    append(40, interFrame, 'b');
    await endOfTurn();
    append(80, interFrame, 'c');
    assert.equal(player.pieces.length, 1);
    await player.until(() => player.pieces.length === 2);
    assert.equal(other.pieces.length, 2);
    assert.deepEqual(player.bodies, ['a', 'b', 'c']);
    assert.deepEqual(other.bytes, player.bytes);
  });

  it('gets nothing more from one that is full until it is resumed', async () => {
    append(0, keyFrame, 'a');
    player.wantsMore = false;
    log.attach(player, 0, 0, 'flv');
    await player.until(() => player.pieces.length === 1);
    append(40, interFrame, 'b');
    await endOfTurn();
    await endOfTurn();
    assert.deepEqual(player.bodies, ['a']);
    player.wantsMore = true;
    log.resume(player);
    assert.equal(player.pieces.length, 1, 'not from within the call');
    await player.until(() => player.pieces.length === 2);
    append(80, interFrame, 'c');
    await player.until(() => player.pieces.length === 3);
    assert.deepEqual(player.bodies, ['a', 'b', 'c']);
  });

  it('may be resumed while it still takes', async () => {
    append(0, keyFrame, 'a');
    player.takeMedia = (bytes) => {
      RecordingPlayer.prototype.takeMedia.call(player, bytes);
      log.resume(player);
      return false;
    };
    log.attach(player, 0, 0, 'flv');
    await player.until(() => player.pieces.length === 1);
    append(40, interFrame, 'b');
    await player.until(() => player.pieces.length === 2);
  });

  it('takes a long backlog in several turns, in order', async () => {
    log.setOptions({ ...options, gopCacheMaxBytes: 8 << 20 });
    const sent = Array.from({ length: 100 }, (_, at) => String(at).padStart(40_000, '.'));
    sent.forEach((text, at) => {
      append(at * 40, at === 0 ? keyFrame : interFrame, text);
    });
    log.attach(player, 0, 1000, 'flv');
    await player.until(() => player.bytes.length === 100 * (40_000 + 15));
    assert.deepEqual(player.bodies, sent);
    assert.ok(player.pieces.length >= 7);
    assert.ok(player.pieces.every((piece) => piece.length < 512 * 1024 + 40_015));
  });

  it('jumps when it does not take, and holds no log meanwhile', async function () {
    this.timeout(5000);
    log.setOptions({ ...options, queueMs: 1000 });
    player.wantsMore = false;
    append(0, keyFrame | sequenceHeader, 'avcC', 1);
    log.attach(player, 0, 0, 'flv');
    await player.until(() => player.pieces.length === 1);
    for (let at = 0; at < 500; at++) {
      append(at * 40, at % 25 === 0 ? keyFrame : interFrame, 'x'.repeat(10_000));
    }
    assert.ok(log.stats.heldBytes > 5_000_000);
    // The engine looks after it by itself.
    while (log.playerStats(player).jumps === 0) await endOfTurn();
    assert.ok(log.playerStats(player).dropped > 400);
    append(20_000, interFrame, 'x');
    assert.ok(log.stats.heldBytes < 1_500_000);
    log.resume(player);
    await player.until(() => player.pieces.length === 2);
    const [, jumped] = player.pieces.map(readTags);
    assert.deepEqual(jumped?.[0], { type: 9, timestamp: 475 * 40, body: 'avcC' });
    assert.equal(jumped[1]?.timestamp, 475 * 40);
  });

  it('gets nothing while it is paused, and goes on afterwards', async () => {
    append(0, keyFrame, 'a');
    log.attach(player, 0, 0, 'flv');
    await player.until(() => player.pieces.length === 1);
    log.setPaused(player, true);
    append(40, interFrame, 'b');
    await endOfTurn();
    await endOfTurn();
    assert.equal(player.pieces.length, 1);
    log.setPaused(player, false);
    await player.until(() => player.pieces.length === 2);
    assert.deepEqual(player.bodies, ['a', 'b']);
  });

  it('is told when its duration has been played', async () => {
    append(50_000, keyFrame, 'a');
    log.attach(player, 0, 0, 'flv');
    log.setDurationLimit(player, 100);
    for (let at = 1; at < 10; at++) append(50_000 + at * 40, interFrame, 'b');
    await player.until(() => player.ended === 1);
    assert.equal(player.bodies.length, 3);
    append(60_000, keyFrame, 'c');
    await endOfTurn();
    await endOfTurn();
    assert.equal(player.bodies.length, 3);
    assert.equal(player.ended, 1);
  });

  it('is given what waits at once when its interval becomes 0', async () => {
    log.attach(player, 0, 60_000, 'flv');
    await endOfTurn();
    append(0, keyFrame, 'a');
    log.setFlushMs(player, 60_000);
    assert.equal(player.pieces.length, 0);
    log.setFlushMs(player, 0);
    assert.deepEqual(player.bodies, ['a']);
    log.setFlushMs(player, 30_000);
    append(40, interFrame, 'b');
    await player.until(() => player.pieces.length === 2);
  });

  it('is given at once what waits for the end of the turn when its interval is 0 already', async () => {
    log.attach(player, 0, 0, 'flv');
    await endOfTurn();
    append(0, keyFrame, 'a');
    assert.equal(player.pieces.length, 0);
    log.setFlushMs(player, 0);
    assert.deepEqual(player.bodies, ['a']);
  });

  it('is detached when it throws, and others are not', async () => {
    const broken: PulledPlayer = {
      takeMedia: () => {
        throw new Error('broken player');
      },
    };
    log.attach(broken, 0, 0, 'flv');
    log.attach(player, 0, 0, 'flv');
    append(0, keyFrame, 'a');
    await player.until(() => player.pieces.length > 0);
    assert.match(loopback.log.lines.join('\n'), /a connection failed: Error: broken player/);
    assert.equal(log.stats.players, 1);
    assert.deepEqual(log.playerStats(broken), { messages: 0, dropped: 0, lagMs: 0, jumps: 0 });
    log.resume(broken);
    log.detach(broken);
    append(40, interFrame, 'b');
    await player.until(() => player.pieces.length > 1);
  });

  it('gets nothing after it was detached, also from within its own call', async () => {
    append(0, keyFrame, 'a');
    player.takeMedia = (bytes) => {
      log.detach(player);
      return RecordingPlayer.prototype.takeMedia.call(player, bytes);
    };
    log.attach(player, 0, 0, 'flv');
    await player.until(() => player.pieces.length === 1);
    append(40, interFrame, 'b');
    log.attach(player, 0, 0, 'flv');
    log.detach(player);
    log.detach(player);
    await endOfTurn();
    await endOfTurn();
    assert.equal(player.pieces.length, 1);
    assert.equal(log.stats.players, 0);
  });

  it('begins anew when it is attached again', async () => {
    append(0, keyFrame, 'a');
    log.attach(player, 0, 0, 'flv');
    await player.until(() => player.pieces.length === 1);
    log.attach(player, 1, 0, 'rtmp');
    await player.until(() => player.pieces.length === 2);
    assert.equal(log.stats.players, 1);
    assert.equal(player.pieces[1]?.toString('latin1', 12), 'a');
  });

  it('is left alone after the log or the engine was closed', async () => {
    const other = new BroadcastLog(loopback.engine, options);
    const second = new RecordingPlayer();
    log.attach(player, 0, 0, 'flv');
    other.attach(second, 0, 20, 'flv');
    append(0, keyFrame, 'a');
    other.append(9, 0, keyFrame, -1, Buffer.from('a'), 0, 1);
    log.close();
    log.resume(player);
    log.setPaused(player, false);
    log.setDurationLimit(player, 1);
    log.setFlushMs(player, 1);
    log.attach(player, 0, 0);
    log.detach(player);
    loopback.engine.close();
    other.resume(second);
    other.detach(second);
    other.attach(second, 0, 0);
    await endOfTurn();
    await endOfTurn();
    assert.equal(player.pieces.length + second.pieces.length, 0);
  });
});

describe('a log with FLV players', () => {
  let loopback: Loopback;
  beforeEach(() => {
    loopback = new Loopback();
  });
  afterEach(() => {
    loopback.close();
  });

  it('sends a socket its own bytes, then the same tags as to a pulled player', async () => {
    const log = new BroadcastLog(loopback.engine, options);
    const body = Buffer.from('frame');
    log.append(9, 7000, keyFrame, -1, body, 0, body.length);
    const { socket, peer } = await loopback.pair();
    const player = new RecordingPlayer();
    const head = Buffer.from('HTTP/1.1 200 OK\r\n\r\n');
    socket.write(head);
    log.attach(socket, 0, 0, 'flv');
    log.attach(player, 0, 0, 'flv');
    log.append(9, 7040, interFrame, -1, body, 0, body.length);
    let got = Buffer.alloc(0);
    while (got.length < head.length + 40) {
      const data = await new Promise<Buffer>((resolve) => peer.once('data', resolve));
      got = Buffer.concat([got, data]);
    }
    assert.deepEqual(got.subarray(0, head.length), head);
    await player.until(() => player.bytes.length === 40);
    assert.deepEqual(got.subarray(head.length), player.bytes);
  });

  it('keeps the tags only while someone plays them', async () => {
    const log = new BroadcastLog(loopback.engine, options);
    const body = Buffer.alloc(500_000);
    log.append(9, 0, keyFrame, -1, body, 0, body.length);
    const alone = log.stats.heldBytes;
    const { socket } = await loopback.pair();
    log.attach(socket, 0, 0, 'flv');
    assert.ok(log.stats.heldBytes > 1.9 * alone);
    log.detach(socket);
    assert.equal(log.stats.heldBytes, alone);
  });
});
