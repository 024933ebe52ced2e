import assert from 'node:assert/strict';

import { BroadcastLog } from '../../../src/net/broadcast-log';
import type { BroadcastLogOptions } from '../../../src/net/broadcast-log';
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
const headerBytes = 12;

describe('a broadcast log', () => {
  let loopback: Loopback;
  let log: BroadcastLog;
  beforeEach(() => {
    loopback = new Loopback();
    log = new BroadcastLog(loopback.engine, options);
  });
  afterEach(() => {
    loopback.close();
  });

  function append(type: number, timestamp: number, flags: number, text: string, slot = -1): void {
    const body = Buffer.from(`..${text}..`);
    log.append(type, timestamp, flags, slot, body, 2, body.length - 2);
  }

  async function read(
    peer: { once(event: 'data', call: (data: Buffer) => void): unknown },
    length: number,
  ) {
    let all = Buffer.alloc(0);
    while (all.length < length) {
      const data = await new Promise<Buffer>((resolve) => peer.once('data', resolve));
      all = Buffer.concat([all, data]);
    }
    return all;
  }

  it('gives a new player its preface and the cached GOP as chunks of type 0', async () => {
    append(9, 900, keyFrame | sequenceHeader, 'avcC', 1);
    append(9, 1000, keyFrame, 'key');
    const { socket, peer } = await loopback.pair();
    log.attach(socket, 1, 0);
    const bytes = await read(peer, headerBytes + 4 + headerBytes + 3);
    assert.equal(bytes[0], 6, 'chunk type 0 on chunk stream 6');
    assert.equal(bytes.readUIntBE(1, 3), 0, 'the player starts at time zero');
    assert.equal(bytes.readUIntBE(4, 3), 4);
    assert.equal(bytes[7], 9);
    assert.equal(bytes.readUInt32LE(8), 1, 'message stream id');
    assert.equal(bytes.subarray(12, 16).toString(), 'avcC');
    assert.equal(bytes.subarray(28).toString(), 'key');
    assert.deepEqual(log.playerStats(socket), { messages: 1, dropped: 0, lagMs: 0, jumps: 0 });
  });

  it('sends deltas to a player that follows the stream', async () => {
    append(9, 1000, keyFrame, 'key');
    const { socket, peer } = await loopback.pair();
    log.attach(socket, 1, 0);
    await read(peer, headerBytes + 3);
    append(9, 1040, 8, 'inter');
    const bytes = await read(peer, 8 + 5);
    assert.equal(bytes[0], 0x46, 'chunk type 1 on chunk stream 6');
    assert.equal(bytes.readUIntBE(1, 3), 40);
    assert.equal(bytes.subarray(8).toString(), 'inter');
  });

  it('keeps a paused player silent and goes on afterwards', async () => {
    append(9, 0, keyFrame, 'key');
    const { socket, peer, handler } = await loopback.pair();
    log.attach(socket, 1, 5);
    await read(peer, headerBytes + 3);
    log.setPaused(socket, true);
    append(9, 40, 8, 'held back');
    socket.write(Buffer.from('status'));
    assert.equal((await read(peer, 6)).toString(), 'status');
    log.setPaused(socket, false);
    assert.equal((await read(peer, 8 + 9)).subarray(8).toString(), 'held back');
    assert.equal(handler.closedWith, undefined);
  });

  it('ends a player after its duration', async () => {
    append(9, 0, keyFrame, 'key');
    const { socket, handler } = await loopback.pair();
    log.attach(socket, 1, 0);
    log.setDurationLimit(socket, 100);
    for (let time = 40; time < 400; time += 40) append(9, time, 8, 'inter');
    await handler.until(() => handler.playEnded === 1);
  });

  it('reports what it holds and forgets it at a reset', async () => {
    append(9, 0, keyFrame, 'key');
    append(9, 200, 8, 'inter');
    const { socket } = await loopback.pair();
    log.attach(socket, 1, 350);
    assert.deepEqual(log.stats, {
      players: 1,
      messages: 2,
      bytes: 8 + 3 + 8 + 5,
      heldBytes: 16384,
      gopMs: 200,
      gopBytes: 24,
    });
    log.reset();
    assert.equal(log.stats.gopBytes, 0);
    log.detach(socket);
    assert.equal(log.stats.players, 0);
  });

  it('turns its GOP cache off and on', () => {
    append(9, 0, keyFrame, 'key');
    log.setOptions({ ...options, gopCache: false });
    assert.equal(log.stats.gopBytes, 0);
    log.setOptions(options);
    append(9, 40, keyFrame, 'key');
    assert.equal(log.stats.gopBytes, 11);
  });

  it('does nothing after it was closed', async () => {
    const { socket } = await loopback.pair();
    log.attach(socket, 1, 0);
    log.close();
    log.close();
    append(9, 0, keyFrame, 'key');
    log.reset();
    log.setOptions(options);
    log.attach(socket, 1, 0);
    log.setPaused(socket, true);
    log.setFlushMs(socket, 10);
    log.setDurationLimit(socket, 10);
    log.detach(socket);
    assert.equal(log.stats.messages, 0);
    assert.equal(log.playerStats(socket).messages, 0);
  });

  it('refuses ranges outside the payload', () => {
    assert.throws(() => {
      log.append(9, 0, 0, -1, Buffer.alloc(4), 2, 9);
    }, RangeError);
    assert.throws(
      () => new BroadcastLog(loopback.engine, { ...options, chunkSize: 0 }),
      RangeError,
    );
  });
});
