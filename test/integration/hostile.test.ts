import assert from 'node:assert/strict';
import { connect as tlsConnect } from 'node:tls';

import sinon from 'sinon';

import { Socket } from '../../src/net/socket';
import { AmfObject } from '../../src/rtmp/amf0-value';
import type { AmfValue } from '../../src/rtmp/amf0-value';
import { encodeAmf0 } from '../../src/rtmp/amf0-writer';
import type { LivePeer } from '../support/live-peer';
import { liveServers, texts, vhost } from '../support/live-server';
import type { LiveServer } from '../support/live-server';
import { aacFrame, hex, sampleTags } from '../support/media';

/** The server is as good as before: a client publishes, another one plays it, and no connection is left. */
async function assertSound(live: LiveServer): Promise<void> {
  const player = await live.player('sound');
  const publisher = await live.publisher('sound');
  const tags = sampleTags(3).slice(1);
  publisher.sendAll(tags);
  assert.deepEqual(texts(await player.media(tags.length)), texts(tags));
  for (const { socket } of [player, publisher]) socket.end();
  await live.empty();
}

function nested(depth: number): AmfObject {
  let value: AmfValue = 1;
  for (let level = 0; level < depth; level++) value = AmfObject.of({ deeper: value });
  return value as AmfObject;
}

/** Bytes sent as the very first, with the error line they earn. */
const FIRST_WORDS: [what: string, bytes: Buffer, line: RegExp][] = [
  [
    'an HTTP request',
    Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'),
    /expected RTMP version 3, got .*HTTP.*ret=2000/,
  ],
  ['an SSH greeting', Buffer.from('SSH-2.0-OpenSSH_9.6\r\n'), /expected RTMP version 3.*ret=2000/],
  ['zeros', Buffer.alloc(5000), /expected RTMP version 3.*ret=2000/],
  ['noise', Buffer.alloc(4000, 0xc3), /expected RTMP version 3.*ret=2000/],
  [
    'a handshake followed by noise',
    Buffer.concat([Buffer.of(3), Buffer.alloc(3072), Buffer.alloc(500, 0xc3)]),
    /expect fmt 0 for the first chunk.*ret=2001/,
  ],
];

/** What a client that has connected may do wrong, with the error line it earns. */
const VIOLATIONS: [what: string, act: (peer: LivePeer) => void, line: RegExp][] = [
  [
    'a chunk size of zero',
    (peer) => {
      peer.control(1, 0);
    },
    /chunk size above 0.*ret=2010/,
  ],
  [
    'a chunk size of zero in 31 bits',
    (peer) => {
      peer.control(1, 0x80000000);
    },
    /chunk size above 0.*ret=2010/,
  ],
  [
    'a control message that is cut off',
    (peer) => {
      peer.message(1, 0, Buffer.of(0, 1), { streamId: 0, chunkStreamId: 2 });
    },
    /expect 4 bytes.*ret=2007/,
  ],
  [
    'a chunk stream that begins in the middle',
    (peer) => {
      peer.socket.write(hex('49 000000 000004 08 af010000'));
    },
    /fmt 0 for the first chunk of chunk stream 9.*ret=2001/,
  ],
  [
    'a message that begins within another',
    (peer) => {
      peer.socket.write(Buffer.concat([hex('06 000000 000200 09 01000000'), Buffer.alloc(128)]));
      peer.socket.write(hex('06 000000 000200 09 01000000'));
    },
    /expect a continuation on chunk stream 6.*ret=2001/,
  ],
  [
    'a message that changes its length',
    (peer) => {
      peer.socket.write(Buffer.concat([hex('06 000000 000200 09 01000000'), Buffer.alloc(128)]));
      peer.socket.write(hex('46 000000 000300 09'));
    },
    /expect message length 512 to stay.*ret=2013/,
  ],
  [
    'more chunk streams than anyone needs',
    (peer) => {
      for (let id = 4; id < 4 + 64; id++) {
        peer.message(8, 0, aacFrame(), { streamId: 1, chunkStreamId: id });
      }
    },
    /expect at most 64 chunk streams.*ret=2001/,
  ],
  [
    'createStream over and over',
    (peer) => {
      for (let tid = 2; tid < 40; tid++) peer.command(0, 'createStream', tid, null);
    },
    /got 33 times createStream, ret=1020/,
  ],
];

describe('a hostile peer', () => {
  const start = liveServers();

  for (const [what, bytes, line] of FIRST_WORDS) {
    it(`that sends ${what} is closed with one error line`, async () => {
      const live = await start();
      const peer = await live.peer();
      peer.socket.write(bytes);
      await peer.closed;
      await live.empty();
      assert.equal(live.errors.length, 1, live.errors.join('\n'));
      assert.match(live.errors[0]!, line);
      assert.match(live.errors[0]!, /^error 100 serve client failed, /);
      await assertSound(live);
    });
  }

  it('that speaks TLS is closed with one error line', async () => {
    const live = await start();
    const peer = tlsConnect({ port: live.port, host: '127.0.0.1', rejectUnauthorized: false });
    await new Promise((resolve) => {
      peer.on('error', () => undefined).on('close', resolve);
    });
    await live.empty();
    assert.equal(live.errors.length, 1);
    assert.match(live.errors[0]!, /expected RTMP version 3, got .*TLS.*ret=2000/);
  });

  for (const [what, act, line] of VIOLATIONS) {
    it(`that sends ${what} is closed with one error line`, async () => {
      const live = await start();
      const peer = await live.client();
      act(peer);
      await peer.closed;
      await live.empty();
      assert.equal(live.errors.length, 1, live.errors.join('\n'));
      assert.match(live.errors[0]!, /^error 100 serve client failed, /);
      assert.match(live.errors[0]!, line);
      await assertSound(live);
    });
  }

  it('that nests AMF too deep is refused at connect, and passed over later', async () => {
    const live = await start();
    const route = { streamId: 0, chunkStreamId: 3 };
    const tooDeep = Buffer.from('03000161'.repeat(2000), 'hex');
    const client = await (await live.peer()).handshake();
    const info = await client.connect({ deep: nested(30) });
    assert.equal(info.code, 'NetConnection.Connect.Success');
    client.message(20, 0, Buffer.concat([encodeAmf0('play', 0), tooDeep]), route);
    await client.ping();
    assert.equal(live.log.matching('warn 100 ignore a message that cannot be decoded').length, 1);
    client.socket.end();
    const stranger = await (await live.peer()).handshake();
    stranger.message(20, 0, Buffer.concat([encodeAmf0('connect', 1), tooDeep]), route);
    await stranger.closed;
    assert.equal(live.errors.length, 1);
    assert.match(live.errors[0]!, /^error 101 serve client failed, .*deep.*, ret=200[34]$/);
    await assertSound(live);
  });

  it('that declares long messages and sends little of them makes nothing grow', async () => {
    const live = await start();
    const names = Array.from({ length: 50 }, (_, index) => `s${index}`);
    const peers = await Promise.all(names.map((name) => live.publisher(name)));
    const before = process.memoryUsage().arrayBuffers;
    for (const peer of peers) {
      peer.control(1, 1000);
      const head = Buffer.of(6, 0, 0, 0, 0xff, 0xff, 0xff, 9, 1, 0, 0, 0);
      peer.socket.write(Buffer.concat([head, Buffer.alloc(1000, 0x27)]));
    }
    await Promise.all(peers.map((peer) => peer.ping()));
    const grown = process.memoryUsage().arrayBuffers - before;
    assert.ok(grown < 4 * 1024 * 1024, `${grown} bytes for 50 messages of 16 MiB declared`);
  });

  it('that has not published may hold little of a message', async () => {
    const live = await start();
    const peer = await live.client();
    peer.control(1, 1024 * 1024);
    peer.socket.write(Buffer.of(3, 0, 0, 0, 0x10, 0, 0, 20, 0, 0, 0, 0));
    await peer.closed;
    await live.empty();
    assert.match(live.errors[0]!, /messages of at most 65536 bytes, got 1048576.*ret=1022/);
    await assertSound(live);
  });

  it('that keeps more than 16 MiB of messages unfinished is closed', async () => {
    const live = await start();
    const peer = await live.publisher();
    const part = 8 * 1024 * 1024;
    peer.control(1, part);
    for (const id of [6, 7, 8]) {
      peer.socket.write(Buffer.of(id, 0, 0, 0, 0xff, 0xff, 0xff, 9, 1, 0, 0, 0));
      peer.socket.write(Buffer.alloc(part, 0x27));
    }
    await peer.closed;
    await live.empty();
    assert.equal(live.errors.length, 1);
    assert.match(live.errors[0]!, /at most 16777216 bytes of unfinished messages.*ret=1022/);
    await assertSound(live);
  });

  it('that floods the server with calls and never reads is closed', async () => {
    const live = await start();
    const peer = await live.client();
    peer.socket.pause();
    const call = encodeAmf0('FCSubscribe', 2, null);
    // Each call is 24 bytes, its answers are some 170: the answers of these are beyond any buffer.
    peer.message(20, 0, call, { streamId: 0, chunkStreamId: 3 });
    const flood = Buffer.concat(
      Array.from({ length: 4096 }, () => Buffer.concat([Buffer.of(0xc3), call])),
    );
    const isOver = (): boolean => live.log.matching('client finished. ret=1009').length > 0;
    while (!isOver()) {
      await Promise.race([live.closing(100), drained(peer, flood)]);
    }
    await live.empty();
    assert.deepEqual(live.errors, [
      'error 100 serve client failed, expect the peer to take what it is sent, too much of it waits, ret=1009',
    ]);
    await assertSound(live);
  });

  it('that floods a player connection with control messages is answered, and others are served', async () => {
    const live = await start();
    const publisher = await live.publisher();
    const peer = await live.player();
    const control = hex('02 000000 000006 04 00000000 000600000001').toString('hex');
    const flood = Buffer.from(control + 'c2000600000001'.repeat(20_000), 'hex');
    peer.socket.write(flood);
    peer.control(5, 1);
    publisher.message(8, 0, aacFrame('through'));
    const [heard] = await peer.media(1);
    assert.ok(heard!.payload.equals(aacFrame('through')));
    await peer.ping();
    const isPong = ({ type, payload }: { type: number; payload: Buffer }): boolean =>
      type === 4 && payload.toString('hex') === '000700000001';
    assert.equal(peer.received.filter(isPong).length, 20_001);
    assert.ok(peer.received.some(({ type }) => type === 3));
  });

  it('that says nothing has its time', async () => {
    const armed = sinon.spy(Socket.prototype, 'setTimeouts');
    try {
      const live = await start(vhost('publish_1stpkt_timeout 100; publish_normal_timeout 200;'));
      const halfOpen = await live.peer();
      halfOpen.socket.write(Buffer.of(3, 0, 0, 0));
      await live.log.until(() => live.log.matching('RTMP client ip=').length === 1);
      assert.deepEqual(armed.lastCall.args, [30_000, 30_000]);
      await live.player();
      assert.deepEqual(armed.lastCall.args, [0, 30_000]);
      const silent = await live.publisher('a');
      assert.deepEqual(armed.lastCall.args, [100, 30_000]);
      const stalled = await live.publisher('b');
      stalled.message(8, 0, aacFrame());
      await stalled.ping();
      assert.deepEqual(armed.lastCall.args, [200, 30_000]);
      await Promise.all([silent.closed, stalled.closed]);
      assert.match(await live.closing(102), /^warn 102 client timeout. ret=1011, /);
      assert.match(await live.closing(103), /^warn 103 client timeout. ret=1011, /);
      assert.ok(!halfOpen.isClosed);
    } finally {
      armed.restore();
    }
  });
});

/** Writes and waits until the kernel has taken most of it, or the connection has gone. */
function drained({ socket }: LivePeer, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed || socket.write(bytes)) setImmediate(resolve);
    else socket.once('drain', resolve);
  });
}
