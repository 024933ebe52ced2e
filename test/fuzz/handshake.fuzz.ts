import assert from 'node:assert/strict';

import fc from 'fast-check';

import { ErrorCode, SrsError } from '../../src/core/errors';
import { ClientHandshake, ServerHandshake } from '../../src/rtmp/handshake';
import { clientKeys, HANDSHAKE_SIZE, signPacket } from '../../src/rtmp/handshake-digest';

import { fuzzParameters } from './parameters';

const FIRST_SIZE = 1 + HANDSHAKE_SIZE;
const ALL_SIZE = FIRST_SIZE + HANDSHAKE_SIZE;

interface Peer {
  readonly done: boolean;
  push(data: Uint8Array, start: number, end: number): number;
}

const sizes = fc.array(fc.integer({ min: 1, max: 2000 }), { minLength: 1, maxLength: 20 });

/** Pushes the bytes in pieces of the given sizes, over and over, from memory that is wiped after. */
function pushInPieces(peer: Peer, data: Uint8Array, pieces: readonly number[]): number {
  let taken = 0;
  for (let position = 0, i = 0; position < data.length && !peer.done; i++) {
    const piece = Buffer.from(data.subarray(position, position + (pieces[i % pieces.length] ?? 1)));
    taken += peer.push(piece, 0, piece.length);
    piece.fill(0);
    position += piece.length;
  }
  return taken;
}

describe('handshake fuzz', () => {
  it('takes any bytes in any pieces, or refuses the first one', () => {
    const first = fc.oneof({ weight: 4, arbitrary: fc.constant(3) }, fc.nat(255));
    const fill = fc.uint8Array({ minLength: 1, maxLength: 40 });
    const input = fc.record({ first, fill, schema: fc.constantFrom(0, 1, undefined), length: fc.nat(4000), pieces: sizes }); // prettier-ignore
    fc.assert(
      fc.property(input, ({ first: version, fill: pattern, schema, length, pieces }) => {
        const data = Buffer.alloc(Math.max(ALL_SIZE, length), pattern);
        if (schema !== undefined) signPacket(data.subarray(1, FIRST_SIZE), schema, clientKeys);
        data[0] = version;
        const sent: Buffer[] = [];
        const peer = new ServerHandshake((bytes) => sent.push(bytes));
        try {
          const given = data.subarray(0, length);
          assert.equal(pushInPieces(peer, given, pieces), Math.min(length, ALL_SIZE));
          assert.equal(peer.done, length >= ALL_SIZE);
          const replies = sent.map((reply) => reply.length);
          assert.deepEqual(replies, length < FIRST_SIZE ? [] : [ALL_SIZE]);
        } catch (error) {
          if (!(error instanceof SrsError)) throw error;
          assert.notEqual(version, 3);
          assert.equal(error.code, ErrorCode.RTMP_PLAIN_REQUIRED);
        }
      }),
      fuzzParameters(),
    );
  });

  it('completes between our two sides however the bytes are cut', () => {
    const kinds = fc.constantFrom('complex' as const, 'simple' as const);
    fc.assert(
      fc.property(kinds, sizes, sizes, (kind, up, down) => {
        const toServer: Buffer[] = [];
        const toClient: Buffer[] = [];
        const server = new ServerHandshake((bytes) => toClient.push(bytes));
        const client = new ClientHandshake((bytes) => toServer.push(bytes), kind);
        client.start();
        pushInPieces(server, Buffer.concat(toServer.splice(0)), up);
        pushInPieces(client, Buffer.concat(toClient), down);
        pushInPieces(server, Buffer.concat(toServer), up);
        assert.ok(server.done && client.done);
      }),
      fuzzParameters(),
    );
  });
});
