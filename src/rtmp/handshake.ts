/**
 * Owns the RTMP handshake of both sides, as bytes in and bytes out.
 *
 * The complex handshake signs its packets; Flash plays H.264 only after one. The simple handshake
 * echoes them. Which one a peer speaks shows in its first packet, so both sides here answer in kind.
 * What a peer puts into its last packet is never checked: some encoders send an invalid one.
 */

import { randomFillSync } from 'node:crypto';

import { ErrorCode, SrsError } from '../core/errors';
import { isBuilt } from '../core/version';

import {
  clientKeys,
  digestOf,
  findSchema,
  HANDSHAKE_SIZE,
  serverKeys,
  signAnswer,
  signPacket,
} from './handshake-digest';

const RTMP_VERSION = 3;
/** C0 and C1, or S0 and S1: the version byte and the packet. */
const FIRST_SIZE = 1 + HANDSHAKE_SIZE;
/** Fields of C1 and S1. */
const TIME_AT = 0;
const VERSION_AT = 4;
const CLIENT_VERSION = 0x80000702;
const SERVER_VERSION = 0x01000504;
const CLIENT_SCHEMA = 1;

/** Takes the bytes to send; they are the receiver's to keep. */
type SendBytes = (bytes: Buffer) => void;

/** What both sides share: collect the version byte and first packet, answer, pass over the last. */
abstract class Handshake {
  protected readonly send: SendBytes;
  /** C0C1 or S0S1 as far as it came, when it came in parts. */
  private partial: Buffer | undefined;
  private collected = 0;
  /** Bytes of the peer's last packet still to come. */
  private remaining = HANDSHAKE_SIZE;

  constructor(send: SendBytes) {
    this.send = send;
  }

  /** True when the peer's last packet has come in full: what follows are chunks. */
  get done(): boolean {
    return this.remaining === 0;
  }

  /**
   * Takes the bytes [start, end) of `data` and returns how many of them belong to the handshake;
   * less than all only once it is done. Throws an SrsError at the first byte when the peer does not
   * speak RTMP version 3: RTMP_PLAIN_REQUIRED (2000) as server, RTMP_HANDSHAKE (2016) as client.
   */
  push(data: Uint8Array, start: number, end: number): number {
    let position = start;
    if (this.collected < FIRST_SIZE && position < end) position = this.collect(data, start, end);
    if (this.collected === FIRST_SIZE) {
      const passed = Math.min(this.remaining, end - position);
      this.remaining -= passed;
      position += passed;
    }
    return position - start;
  }

  /** Throws unless `version`, the first byte of the peer, is right. */
  protected abstract checkVersion(version: number): void;

  /** Answers the peer's C1 or S1, which is lent for the call. */
  protected abstract answer(packet: Buffer): void;

  private collect(data: Uint8Array, start: number, end: number): number {
    if (this.collected === 0) this.checkVersion(data[start] ?? 0);
    const size = Math.min(FIRST_SIZE - this.collected, end - start);
    const part = Buffer.from(data.buffer, data.byteOffset + start, size);
    const first = size === FIRST_SIZE ? part : this.append(part);
    this.collected += size;
    if (this.collected === FIRST_SIZE) {
      this.partial = undefined;
      this.answer(first.subarray(1));
    }
    return start + size;
  }

  private append(part: Buffer): Buffer {
    // Not from the pool: a peer that stops here must not hold a slab of it.
    this.partial ??= Buffer.allocUnsafeSlow(FIRST_SIZE);
    part.copy(this.partial, this.collected);
    return this.partial;
  }
}

/** The accepting side: reads C0C1, sends S0S1S2, passes over C2. */
export class ServerHandshake extends Handshake {
  protected override checkVersion(version: number): void {
    if (version === RTMP_VERSION) return;
    throw new SrsError(
      ErrorCode.RTMP_PLAIN_REQUIRED,
      `handshake: expected RTMP version 3, got ${describeVersion(version)}`,
    );
  }

  protected override answer(c1: Buffer): void {
    const reply = randomFillSync(Buffer.allocUnsafe(FIRST_SIZE + HANDSHAKE_SIZE));
    reply[0] = RTMP_VERSION;
    const s1 = reply.subarray(1, FIRST_SIZE);
    const s2 = reply.subarray(FIRST_SIZE);
    const schema = isBuilt('ssl') ? findSchema(c1, clientKeys) : undefined;
    if (schema === undefined) {
      writeFields(s1, c1.readUInt32BE(TIME_AT));
      c1.copy(s2);
    } else {
      writeFields(s1, SERVER_VERSION);
      signPacket(s1, schema, serverKeys);
      signAnswer(s2, serverKeys, digestOf(c1, schema));
    }
    this.send(reply);
  }
}

/** The calling side: sends C0C1, reads S0S1, sends C2, passes over S2. */
export class ClientHandshake extends Handshake {
  private readonly kind: 'complex' | 'simple';

  /** A complex handshake that the server answers with a simple one ends as a simple one. */
  constructor(send: SendBytes, kind: 'complex' | 'simple' = 'complex') {
    super(send);
    this.kind = kind;
  }

  /** Sends C0C1. Call it once, when connected. */
  start(): void {
    const first = randomFillSync(Buffer.allocUnsafe(FIRST_SIZE));
    first[0] = RTMP_VERSION;
    const c1 = first.subarray(1);
    if (this.kind === 'complex') {
      writeFields(c1, CLIENT_VERSION);
      signPacket(c1, CLIENT_SCHEMA, clientKeys);
    } else {
      writeFields(c1, 0);
    }
    this.send(first);
  }

  protected override checkVersion(version: number): void {
    if (version === RTMP_VERSION) return;
    throw new SrsError(
      ErrorCode.RTMP_HANDSHAKE,
      `handshake: expected RTMP version 3 from the server, got ${describeVersion(version)}`,
    );
  }

  protected override answer(s1: Buffer): void {
    const schema = this.kind === 'complex' ? findSchema(s1, serverKeys) : undefined;
    if (schema === undefined) {
      this.send(Buffer.from(s1)); // strict servers want their S1 back unchanged
      return;
    }
    const c2 = randomFillSync(Buffer.allocUnsafe(HANDSHAKE_SIZE));
    signAnswer(c2, clientKeys, digestOf(s1, schema));
    this.send(c2);
  }
}

/** Writes the two fields of a C1 or S1, the time in seconds and `version`; the rest is random. */
function writeFields(packet: Buffer, version: number): void {
  packet.writeUInt32BE(Math.floor(Date.now() / 1000) >>> 0, TIME_AT);
  packet.writeUInt32BE(version, VERSION_AT);
}

/** The first byte of a peer that does not speak plain RTMP, with a guess of what it speaks. */
function describeVersion(version: number): string {
  if (version === 0x16) return '22: a TLS peer?';
  if (version === 6 || version === 8) return `${version}: encrypted RTMP (RTMPE) is not supported`;
  const isLetter = version >= 0x41 && version <= 0x5a;
  return isLetter ? `${version} ('${String.fromCharCode(version)}'): an HTTP peer?` : `${version}`;
}
