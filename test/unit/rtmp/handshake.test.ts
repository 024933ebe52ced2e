import assert from 'node:assert/strict';

import { ErrorCode, SrsError } from '../../../src/core/errors';
import { ClientHandshake, ServerHandshake } from '../../../src/rtmp/handshake';
import {
  clientKeys,
  digestOf,
  findSchema,
  HANDSHAKE_SIZE,
  serverKeys,
  signAnswer,
  signPacket,
} from '../../../src/rtmp/handshake-digest';

const FIRST_SIZE = 1 + HANDSHAKE_SIZE;
const ALL_SIZE = FIRST_SIZE + HANDSHAKE_SIZE;

interface Peer {
  readonly done: boolean;
  push(data: Uint8Array, start: number, end: number): number;
}

function server(): { peer: ServerHandshake; sent: Buffer[] } {
  const sent: Buffer[] = [];
  return { peer: new ServerHandshake((bytes) => sent.push(bytes)), sent };
}

function client(kind?: 'complex' | 'simple'): { peer: ClientHandshake; sent: Buffer[] } {
  const sent: Buffer[] = [];
  return { peer: new ClientHandshake((bytes) => sent.push(bytes), kind), sent };
}

/** C0C1 or S0S1 without a digest: every byte given by its position. */
function simpleFirst(): Buffer {
  return Buffer.from(Array.from({ length: FIRST_SIZE }, (_, i) => (i === 0 ? 3 : (i * 7) % 256)));
}

function complexFirst(schema: 0 | 1, keys = clientKeys): Buffer {
  const first = simpleFirst();
  signPacket(first.subarray(1), schema, keys);
  return first;
}

function only(sent: readonly Buffer[]): Buffer {
  assert.equal(sent.length, 1);
  return sent[0] ?? Buffer.alloc(0);
}

function fails(action: () => unknown, code: ErrorCode, message: string): void {
  assert.throws(action, (error) => {
    assert.ok(error instanceof SrsError);
    assert.equal(error.code, code);
    assert.equal(error.message, message);
    return true;
  });
}

function pushAll(peer: Peer, data: Uint8Array): number {
  return peer.push(data, 0, data.length);
}

function assertRecent(seconds: number): void {
  assert.ok(Math.abs(seconds - Date.now() / 1000) < 60);
}

describe('ServerHandshake', () => {
  it('echoes the C1 of a simple client', () => {
    const { peer, sent } = server();
    const first = simpleFirst();
    assert.equal(pushAll(peer, first), FIRST_SIZE);
    const reply = only(sent);
    assert.equal(reply.length, ALL_SIZE);
    assert.equal(reply[0], 3);
    assertRecent(reply.readUInt32BE(1));
    assert.deepEqual(reply.subarray(5, 9), first.subarray(1, 5));
    assert.equal(findSchema(reply.subarray(1, FIRST_SIZE), serverKeys), undefined);
    assert.deepEqual(reply.subarray(FIRST_SIZE), first.subarray(1));
    assert.equal(peer.done, false);
  });

  for (const schema of [0, 1] as const) {
    it(`answers a complex client of schema ${schema} with signed packets of that schema`, () => {
      const { peer, sent } = server();
      const first = complexFirst(schema);
      pushAll(peer, first);
      const reply = only(sent);
      const s1 = reply.subarray(1, FIRST_SIZE);
      const s2 = reply.subarray(FIRST_SIZE);
      assert.equal(reply[0], 3);
      assertRecent(s1.readUInt32BE(0));
      assert.equal(s1.readUInt32BE(4), 0x01000504);
      assert.equal(findSchema(s1, serverKeys), schema);
      const expected = Buffer.from(s2);
      signAnswer(expected, serverKeys, digestOf(first.subarray(1), schema));
      assert.deepEqual(s2, expected);
    });
  }

  it('falls back to the simple handshake when one bit of the digest is wrong', () => {
    const first = complexFirst(1);
    const digest = digestOf(first.subarray(1), 1);
    digest.writeUInt8(digest.readUInt8(31) ^ 1, 31);
    const { peer, sent } = server();
    pushAll(peer, first);
    assert.deepEqual(only(sent).subarray(FIRST_SIZE), first.subarray(1));
  });

  it('sends other random bytes each time', () => {
    const replies = [server(), server()].map(({ peer, sent }) => {
      pushAll(peer, simpleFirst());
      return only(sent).subarray(9, FIRST_SIZE);
    });
    assert.notDeepEqual(replies[0], replies[1]);
  });

  it('is done after any C2 and leaves the bytes behind it', () => {
    const { peer } = server();
    pushAll(peer, simpleFirst());
    const rest = Buffer.alloc(HANDSHAKE_SIZE + 10, 0xee);
    assert.equal(peer.push(rest, 4, 4 + 1535), 1535);
    assert.equal(peer.done, false);
    assert.equal(peer.push(rest, 0, 11), 1);
    assert.equal(peer.done, true);
    assert.equal(peer.push(rest, 0, 11), 0);
  });

  it('takes C0, C1, C2 and the first chunks out of one read', () => {
    const { peer, sent } = server();
    const data = Buffer.concat([Buffer.alloc(5), simpleFirst(), Buffer.alloc(HANDSHAKE_SIZE + 99)]);
    assert.equal(peer.push(data, 5, data.length), ALL_SIZE);
    assert.equal(peer.done, true);
    assert.equal(sent.length, 1);
  });

  it('takes nothing out of an empty read', () => {
    const { peer, sent } = server();
    assert.equal(peer.push(Buffer.alloc(4), 2, 2), 0);
    assert.equal(sent.length, 0);
  });

  it('gives the same answer wherever the bytes are split', () => {
    const data = Buffer.concat([complexFirst(0), Buffer.alloc(HANDSHAKE_SIZE)]);
    for (let split = 1; split < data.length; split++) {
      const { peer, sent } = server();
      assert.equal(peer.push(data, 0, split), split);
      assert.equal(sent.length, split < FIRST_SIZE ? 0 : 1);
      assert.equal(peer.done, false);
      assert.equal(peer.push(data, split, data.length), data.length - split);
      assert.equal(peer.done, true);
      assert.equal(findSchema(only(sent).subarray(1, FIRST_SIZE), serverKeys), 0);
    }
  }).timeout(20_000);

  it('keeps what it was given of C1, not the memory it was lent', () => {
    const { peer, sent } = server();
    const first = simpleFirst();
    const slab = new Uint8Array(64);
    for (let position = 0; position < first.length; position += slab.length) {
      const part = first.subarray(position, position + slab.length);
      slab.set(part);
      assert.equal(peer.push(slab, 0, part.length), part.length);
      slab.fill(0);
    }
    assert.deepEqual(only(sent).subarray(FIRST_SIZE), first.subarray(1));
  });

  for (const [byte, message] of [
    [0x47, "71 ('G'): an HTTP peer?"],
    [0x16, '22: a TLS peer?'],
    [6, '6: encrypted RTMP (RTMPE) is not supported'],
    [0, '0'],
  ] as const) {
    it(`refuses a first byte of ${byte} at once`, () => {
      const { peer, sent } = server();
      const code = ErrorCode.RTMP_PLAIN_REQUIRED;
      fails(
        () => peer.push(Buffer.of(byte), 0, 1),
        code,
        `handshake: expected RTMP version 3, got ${message}`,
      );
      assert.equal(sent.length, 0);
    });
  }
});

describe('ClientHandshake', () => {
  it('starts a complex handshake with a C1 signed under schema 1', () => {
    const { peer, sent } = client();
    peer.start();
    const first = only(sent);
    const c1 = first.subarray(1);
    assert.equal(first.length, FIRST_SIZE);
    assert.equal(first[0], 3);
    assertRecent(c1.readUInt32BE(0));
    assert.equal(c1.readUInt32BE(4), 0x80000702);
    assert.equal(findSchema(c1, clientKeys), 1);
  });

  it('starts a simple handshake with four zero bytes and no digest', () => {
    const { peer, sent } = client('simple');
    peer.start();
    const c1 = only(sent).subarray(1);
    assert.equal(c1.readUInt32BE(4), 0);
    assert.equal(findSchema(c1, clientKeys), undefined);
  });

  for (const schema of [0, 1] as const) {
    it(`signs its C2 for a server of schema ${schema}`, () => {
      const { peer, sent } = client();
      const first = complexFirst(schema, serverKeys);
      assert.equal(pushAll(peer, first), FIRST_SIZE);
      const c2 = only(sent);
      const expected = Buffer.from(c2);
      signAnswer(expected, clientKeys, digestOf(first.subarray(1), schema));
      assert.equal(c2.length, HANDSHAKE_SIZE);
      assert.deepEqual(c2, expected);
    });
  }

  it('echoes the S1 of a server that answers a complex handshake with a simple one', () => {
    const { peer, sent } = client('complex');
    const first = simpleFirst();
    pushAll(peer, first);
    assert.deepEqual(only(sent), first.subarray(1));
  });

  it('echoes any S1 in a simple handshake', () => {
    const { peer, sent } = client('simple');
    const first = complexFirst(1, serverKeys);
    pushAll(peer, first);
    assert.deepEqual(only(sent), first.subarray(1));
  });

  it('sends its C2 once and is done after S2, wherever the bytes are split', () => {
    const data = Buffer.concat([complexFirst(1, serverKeys), Buffer.alloc(HANDSHAKE_SIZE)]);
    for (let split = 1; split < data.length; split++) {
      const { peer, sent } = client();
      assert.equal(peer.push(data, 0, split), split);
      assert.equal(peer.done, false);
      assert.equal(peer.push(data, split, data.length), data.length - split);
      assert.equal(peer.done, true);
      assert.equal(sent.length, 1);
    }
  }).timeout(20_000);

  it('does not keep the lent S1 as its C2', () => {
    const { peer, sent } = client('simple');
    const first = simpleFirst();
    pushAll(peer, first);
    first.fill(0);
    assert.deepEqual(only(sent), simpleFirst().subarray(1));
  });

  it('refuses a server of another version', () => {
    const { peer } = client();
    fails(
      () => peer.push(Buffer.from('HTTP/1.1'), 0, 8),
      ErrorCode.RTMP_HANDSHAKE,
      "handshake: expected RTMP version 3 from the server, got 72 ('H'): an HTTP peer?",
    );
  });

  for (const kind of ['complex', 'simple'] as const) {
    it(`completes a ${kind} handshake with our server`, () => {
      const ours = server();
      const theirs = client(kind);
      theirs.peer.start();
      pushAll(ours.peer, only(theirs.sent));
      pushAll(theirs.peer, only(ours.sent));
      pushAll(ours.peer, theirs.sent[1] ?? Buffer.alloc(0));
      assert.ok(ours.peer.done && theirs.peer.done);
    });
  }
});
