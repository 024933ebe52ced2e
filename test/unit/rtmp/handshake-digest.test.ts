import assert from 'node:assert/strict';

import {
  clientKeys,
  digestOf,
  digestPosition,
  findSchema,
  HANDSHAKE_SIZE,
  serverKeys,
  signAnswer,
  signPacket,
} from '../../../src/rtmp/handshake-digest';

/** The packet of the published test vectors: byte i is i mod 256. */
function countingPacket(): Buffer {
  return Buffer.from(Array.from({ length: HANDSHAKE_SIZE }, (_, index) => index % 256));
}

const vectors = [
  {
    schema: 0 as const,
    position: 798,
    clientDigest: '685dc77a71d721bb669803c62594b26a055f9828d776e7caf3a998edf0d2e48b',
    serverDigest: '8155a83bf5d6f7dc63ada1ce50e1879be4863afb5e38839d6858d92de87a17a6',
  },
  {
    schema: 1 as const,
    position: 50,
    clientDigest: 'db8e5fd0b081979a4ede294f09b382fa04d10f66b27d6de0438960458b0a6a21',
    serverDigest: '1e6d8834a583f4a091060316489d65c1a526e1a096f748ffc684ae3619b78895',
  },
];

describe('handshake digests', () => {
  for (const { schema, position, clientDigest, serverDigest } of vectors) {
    it(`stand where the offset bytes of schema ${schema} say`, () => {
      assert.equal(digestPosition(countingPacket(), schema), position);
    });

    for (const [side, keys, digest] of [
      ['client', clientKeys, clientDigest],
      ['server', serverKeys, serverDigest],
    ] as const) {
      it(`of the ${side} match the vector of schema ${schema} and are found again`, () => {
        const packet = countingPacket();
        signPacket(packet, schema, keys);
        assert.equal(digestOf(packet, schema).toString('hex'), digest);
        assert.equal(findSchema(packet, keys), schema);
        assert.equal(findSchema(packet, keys === clientKeys ? serverKeys : clientKeys), undefined);
      });
    }
  }

  it('leave all other bytes of the packet alone', () => {
    const packet = countingPacket();
    signPacket(packet, 1, clientKeys);
    countingPacket().copy(packet, 50, 50, 82);
    assert.deepEqual(packet, countingPacket());
  });

  it('are not found in a packet without one', () => {
    assert.equal(findSchema(countingPacket(), clientKeys), undefined);
    assert.equal(findSchema(Buffer.alloc(HANDSHAKE_SIZE), clientKeys), undefined);
  });

  it('are not looked for in a packet of version 0', () => {
    const packet = countingPacket();
    packet.fill(0, 4, 8);
    signPacket(packet, 1, clientKeys);
    assert.equal(findSchema(packet, clientKeys), undefined);
  });

  it('wrap round at the last possible position', () => {
    const packet = Buffer.alloc(HANDSHAKE_SIZE);
    packet[4] = 0x80;
    packet.set([255, 255, 217, 0], 772);
    packet.set([255, 255, 218, 0], 8);
    assert.equal(digestPosition(packet, 0), 776 + 727);
    assert.equal(digestPosition(packet, 1), 12);
    for (const schema of [0, 1] as const) {
      signPacket(packet, schema, clientKeys);
      assert.equal(findSchema(packet, clientKeys), schema);
    }
  });

  it('of the answers match the vectors', () => {
    const [first] = vectors;
    assert.ok(first);
    const s2 = Buffer.alloc(HANDSHAKE_SIZE);
    signAnswer(s2, serverKeys, Buffer.from(first.clientDigest, 'hex'));
    assert.deepEqual(s2.subarray(0, 1504), Buffer.alloc(1504));
    assert.equal(
      s2.toString('hex', 1504),
      'dce806b274b07314cea1682a2ea01aa7b5a49f4277c46c96a93a76291ed7b922',
    );
    const c2 = Buffer.alloc(HANDSHAKE_SIZE);
    signAnswer(c2, clientKeys, Buffer.from(first.serverDigest, 'hex'));
    assert.equal(
      c2.toString('hex', 1504),
      '6a6bb775c11d91cdec235a5177011ca33b17adcc4472f0c3f456c7e16ede7867',
    );
  });
});
