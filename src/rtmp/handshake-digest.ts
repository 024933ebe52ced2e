/** Owns the digests of the complex handshake: where they stand in C1, S1, C2 and S2, and what signs them. */

import { createHmac, createSecretKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/** Size of C1, S1, C2 and S2 in bytes. */
export const HANDSHAKE_SIZE = 1536;

/** Which of the two blocks of C1 and S1 holds the digest: 0 the second one, 1 the first one. */
type DigestSchema = 0 | 1;

/** The version of the peer follows its time. */
const VERSION_POSITION = 4;
const DIGEST_SIZE = 32;
/** Digest block: the 4 bytes that give the offset, then 728 places the digest can begin at. */
const OFFSET_FIELD_SIZE = 4;
const OFFSET_RANGE = 728;
const blockPosition = [772, 8] as const;

const keyTail = Buffer.from(
  'f0eec24a8068bee82e00d0d1029e7e576eec5d2d29806fab93b8e636cfeb31ae',
  'hex',
);
const serverName = Buffer.from('Genuine Adobe Flash Media Server 001');
const clientName = Buffer.from('Genuine Adobe Flash Player 001');

/** The keys of one side. */
interface HandshakeKeys {
  /** Signs the first packet of that side, C1 or S1. */
  readonly packet: KeyObject;
  /** Signs its answer to the other side's packet, C2 or S2. */
  readonly answer: KeyObject;
}

/** The keys a server signs S1 and S2 with. */
export const serverKeys: HandshakeKeys = {
  packet: createSecretKey(serverName),
  answer: createSecretKey(Buffer.concat([serverName, keyTail])),
};

/** The keys a client signs C1 and C2 with. */
export const clientKeys: HandshakeKeys = {
  packet: createSecretKey(clientName),
  answer: createSecretKey(Buffer.concat([clientName, keyTail])),
};

/** Where the digest of a C1 or S1 begins under `schema`, from the start of the packet. */
export function digestPosition(packet: Buffer, schema: DigestSchema): number {
  const block = blockPosition[schema];
  let sum = 0;
  for (let i = 0; i < OFFSET_FIELD_SIZE; i++) sum += packet.readUInt8(block + i);
  return block + OFFSET_FIELD_SIZE + (sum % OFFSET_RANGE);
}

/**
 * The schema under which the digest of a C1 or S1 is right; undefined when it carries none. Schema 1
 * is tried first, as most of today's encoders sign with it. A peer that states version 0 does not
 * sign: it is not looked for a digest.
 */
export function findSchema(packet: Buffer, keys: HandshakeKeys): DigestSchema | undefined {
  if (packet.readUInt32BE(VERSION_POSITION) === 0) return undefined;
  if (verifies(packet, 1, keys)) return 1;
  return verifies(packet, 0, keys) ? 0 : undefined;
}

/** The 32 bytes of digest that a C1 or S1 carries under `schema`. */
export function digestOf(packet: Buffer, schema: DigestSchema): Buffer {
  const position = digestPosition(packet, schema);
  return packet.subarray(position, position + DIGEST_SIZE);
}

/** Puts the digest into a C1 or S1 whose other bytes are all in place. */
export function signPacket(packet: Buffer, schema: DigestSchema, keys: HandshakeKeys): void {
  computeDigest(packet, schema, keys).copy(packet, digestPosition(packet, schema));
}

/** Puts the digest into the last 32 bytes of a C2 or S2 that answers the packet with `peerDigest`. */
export function signAnswer(answer: Buffer, keys: HandshakeKeys, peerDigest: Buffer): void {
  const key = createHmac('sha256', keys.answer).update(peerDigest).digest();
  const signed = answer.subarray(0, HANDSHAKE_SIZE - DIGEST_SIZE);
  createHmac('sha256', key).update(signed).digest().copy(answer, signed.length);
}

function verifies(packet: Buffer, schema: DigestSchema, keys: HandshakeKeys): boolean {
  return computeDigest(packet, schema, keys).equals(digestOf(packet, schema));
}

/** HMAC-SHA256 over the packet without the bytes of its digest. */
function computeDigest(packet: Buffer, schema: DigestSchema, keys: HandshakeKeys): Buffer {
  const position = digestPosition(packet, schema);
  return createHmac('sha256', keys.packet)
    .update(packet.subarray(0, position))
    .update(packet.subarray(position + DIGEST_SIZE, HANDSHAKE_SIZE))
    .digest();
}
