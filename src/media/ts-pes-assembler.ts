/** Puts the PES packets of one PID together (ISO/IEC 13818-1, 2.4.3.6) and keeps account of them. */
import { clockWrap, ticksBetween } from './ts-packet';

/** One PES packet. */
export interface TsPes {
  readonly pid: number;
  readonly streamId: number;
  /** Ticks as written, 33 bits; undefined when not stated. */
  readonly pts: number | undefined;
  /** Ticks as written; `pts` when not stated. */
  readonly dts: number | undefined;
  /** random_access_indicator of its first transport packet. */
  readonly isKey: boolean;
  /** True when it was cut short by the end, by a lost packet or by the next PES packet. */
  readonly isTruncated: boolean;
  readonly data: Buffer;
}

/** What was seen of a PID. Times are ticks, unwrapped from the first one seen. */
export interface TsPidSummary {
  streamId: number;
  pesPackets: number;
  keyFrames: number;
  /** True when the first PES packet is a key frame. */
  startsWithKey: boolean;
  /** PES packets cut short. */
  truncated: number;
  payloadBytes: number;
  /** Smallest and largest. */
  firstPts: number | undefined;
  lastPts: number | undefined;
  /** In the order of the stream. */
  firstDts: number | undefined;
  lastDts: number | undefined;
}

/** What the transport packet of a payload said. */
export interface PesPart {
  readonly isStart: boolean;
  /** No packet is missing before it. */
  readonly isWhole: boolean;
  readonly isKey: boolean;
}

const fixedHeaderBytes = 9;
const lengthEnd = 6;

export class TsPesAssembler {
  readonly summary: TsPidSummary = {
    streamId: 0,
    pesPackets: 0,
    keyFrames: 0,
    startsWithKey: false,
    truncated: 0,
    payloadBytes: 0,
    firstPts: undefined,
    lastPts: undefined,
    firstDts: undefined,
    lastDts: undefined,
  };
  readonly #pid: number;
  readonly #onPes: (pes: TsPes) => void;
  #parts: Buffer[] = [];
  #isKey = false;
  #isDamaged = false;

  constructor(pid: number, onPes: (pes: TsPes) => void) {
    this.#pid = pid;
    this.#onPes = onPes;
  }

  /** Takes the payload of the PID's next transport packet. */
  push(payload: Buffer, part: PesPart): void {
    if (part.isStart) {
      this.finish();
      this.#isKey = part.isKey;
      this.#parts = [payload];
    } else if (this.#parts.length > 0) {
      if (!part.isWhole) this.#isDamaged = true;
      this.#parts.push(payload);
    }
  }

  /** Ends the PES packet that is open. */
  finish(): void {
    if (this.#parts.length === 0) return;
    const bytes = Buffer.concat(this.#parts);
    this.#parts = [];
    const isDamaged = this.#isDamaged;
    this.#isDamaged = false;
    if (bytes.length < fixedHeaderBytes || bytes.readUIntBE(0, 3) !== 1) return;
    const headerEnd = fixedHeaderBytes + bytes.readUInt8(8);
    const length = bytes.readUInt16BE(4);
    const end = length === 0 ? bytes.length : lengthEnd + length;
    const flags = bytes.readUInt8(7) >> 6;
    const pts = (flags & 2) === 0 ? undefined : timestampAt(bytes, fixedHeaderBytes);
    const dts = flags === 3 ? timestampAt(bytes, fixedHeaderBytes + 5) : pts;
    this.#account({
      pid: this.#pid,
      streamId: bytes.readUInt8(3),
      pts,
      dts,
      isKey: this.#isKey,
      isTruncated: isDamaged || end > bytes.length || headerEnd > bytes.length,
      data: bytes.subarray(headerEnd, end),
    });
  }

  #account(pes: TsPes): void {
    const { summary } = this;
    if (summary.pesPackets++ === 0) summary.startsWithKey = pes.isKey;
    summary.streamId = pes.streamId;
    summary.payloadBytes += pes.data.length;
    if (pes.isKey) summary.keyFrames++;
    if (pes.isTruncated) summary.truncated++;
    if (pes.pts !== undefined && pes.dts !== undefined) this.#time(pes.pts, pes.dts);
    this.#onPes(pes);
  }

  #time(pts: number, dts: number): void {
    const { summary } = this;
    const decoding = unwrap(summary.lastDts ?? dts, dts);
    const presentation = unwrap(decoding, pts);
    summary.firstDts ??= decoding;
    summary.lastDts = decoding;
    summary.firstPts = Math.min(summary.firstPts ?? presentation, presentation);
    summary.lastPts = Math.max(summary.lastPts ?? presentation, presentation);
  }
}

function unwrap(near: number, ticks: number): number {
  return near + ticksBetween(near % clockWrap, ticks);
}

/** 33 bits in groups of 3, 15 and 15; undefined when cut short. */
function timestampAt(bytes: Buffer, at: number): number | undefined {
  if (at + 5 > bytes.length) return undefined;
  const high = (bytes.readUInt8(at) >> 1) & 7;
  const middle = bytes.readUInt16BE(at + 1) >> 1;
  const low = bytes.readUInt16BE(at + 3) >> 1;
  return high * 2 ** 30 + middle * 2 ** 15 + low;
}
