/** Reads transport streams back: what is in them, from when to when, what is damaged (ISO/IEC 13818-1, 2.4.3). */
import { TsPid, clockWrap, ticksBetween, tsPacketBytes, tsSyncByte } from './ts-packet';
import { TsPesAssembler } from './ts-pes-assembler';
import type { TsPes, TsPidSummary } from './ts-pes-assembler';
import { TsTableReader } from './ts-table-reader';
import type { TsProgram } from './ts-table-reader';

export type { TsPes, TsPidSummary } from './ts-pes-assembler';
export type { TsProgram } from './ts-table-reader';

/** What a transport stream holds. */
export interface TsSummary {
  readonly programs: readonly TsProgram[];
  /** Per PID of an elementary stream. */
  readonly pids: ReadonlyMap<number, TsPidSummary>;
  readonly packets: number;
  /** Bytes up to which there are only whole packets: a file cut here is a good one. */
  readonly wholeBytes: number;
  /** Bytes read in all. */
  readonly totalBytes: number;
  /** True when a packet did not begin with the sync byte; nothing behind it was read. */
  readonly isSyncLost: boolean;
  readonly continuityErrors: number;
  readonly crcErrors: number;
  /** Packets and sections that contradict themselves. */
  readonly malformed: number;
  /** Ticks of the first and the last PCR, unwrapped; undefined without any. */
  readonly firstPcr: number | undefined;
  readonly lastPcr: number | undefined;
  /** Largest step between two PCRs that no discontinuity separates, in ticks. */
  readonly maxPcrGap: number;
  readonly discontinuities: number;
}

/** Also wanted of a stream. */
export interface TsReaderEvents {
  /** Each PES packet of an elementary stream, when it is whole. */
  onPes?(pes: TsPes): void;
}

const headerBytes = 4;
const adaptationFlagsAt = 5;
const pcrAt = 6;

/** Takes a stream in pieces of any size; never throws. */
export class TsReader {
  readonly #tables = new TsTableReader();
  readonly #events: TsReaderEvents;
  readonly #pids = new Map<number, TsPesAssembler>();
  readonly #continuity = new Map<number, number>();
  #rest: Buffer = Buffer.alloc(0);
  #packets = 0;
  #totalBytes = 0;
  #isSyncLost = false;
  #continuityErrors = 0;
  #malformed = 0;
  #discontinuities = 0;
  #firstPcr: number | undefined;
  #lastPcr: number | undefined;
  #maxPcrGap = 0;

  constructor(events: TsReaderEvents = {}) {
    this.#events = events;
  }

  push(bytes: Buffer): void {
    this.#totalBytes += bytes.length;
    const data = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let at = 0;
    while (!this.#isSyncLost && at + tsPacketBytes <= data.length) {
      const packet = data.subarray(at, at + tsPacketBytes);
      if (packet[0] === tsSyncByte) {
        this.#packet(packet);
        this.#packets++;
        at += tsPacketBytes;
      } else {
        this.#isSyncLost = true;
      }
    }
    this.#rest = this.#isSyncLost ? Buffer.alloc(0) : Buffer.from(data.subarray(at));
  }

  /** Call at the end: PES packets of open length end here. */
  finish(): TsSummary {
    for (const pid of this.#pids.values()) pid.finish();
    const pids = [...this.#pids].filter(([, pes]) => pes.summary.pesPackets > 0);
    return {
      programs: [...this.#tables.programs.values()],
      pids: new Map(pids.map(([pid, pes]) => [pid, pes.summary])),
      packets: this.#packets,
      wholeBytes: this.#packets * tsPacketBytes,
      totalBytes: this.#totalBytes,
      isSyncLost: this.#isSyncLost,
      continuityErrors: this.#continuityErrors,
      crcErrors: this.#tables.crcErrors,
      malformed: this.#malformed + this.#tables.malformed,
      firstPcr: this.#firstPcr,
      lastPcr: this.#lastPcr,
      maxPcrGap: this.#maxPcrGap,
      discontinuities: this.#discontinuities,
    };
  }

  #packet(packet: Buffer): void {
    const pid = packet.readUInt16BE(1) & 0x1fff;
    const isStart = (packet.readUInt8(1) & 0x40) !== 0;
    const control = (packet.readUInt8(3) >> 4) & 3;
    const hasAdaptation = (control & 2) !== 0;
    const adaptationBytes = hasAdaptation ? 1 + packet.readUInt8(headerBytes) : 0;
    const payloadAt = headerBytes + adaptationBytes;
    if (payloadAt > tsPacketBytes) {
      this.#malformed++;
      return;
    }
    const flags = adaptationBytes > 1 ? packet.readUInt8(adaptationFlagsAt) : 0;
    this.#adaptation(packet, pid, flags);
    if ((control & 1) === 0) return;
    const isWhole = this.#checkContinuity(pid, packet.readUInt8(3) & 0x0f, flags);
    const payload = packet.subarray(payloadAt);
    if (this.#tables.isTable(pid)) {
      if (isStart) this.#tables.read(pid, payload);
    } else if (pid !== TsPid.none) {
      this.#assembler(pid).push(payload, { isStart, isWhole, isKey: (flags & 0x40) !== 0 });
    }
  }

  #assembler(pid: number): TsPesAssembler {
    let assembler = this.#pids.get(pid);
    if (assembler === undefined) {
      assembler = new TsPesAssembler(pid, (pes) => this.#events.onPes?.(pes));
      this.#pids.set(pid, assembler);
    }
    return assembler;
  }

  #adaptation(packet: Buffer, pid: number, flags: number): void {
    const isDiscontinuity = (flags & 0x80) !== 0;
    if (isDiscontinuity) this.#discontinuities++;
    const isClock = [...this.#tables.programs.values()].some(({ pcrPid }) => pcrPid === pid);
    if ((flags & 0x10) === 0 || !isClock) return;
    const base = packet.readUInt32BE(pcrAt) * 2 + (packet.readUInt8(pcrAt + 4) >> 7);
    if (this.#lastPcr === undefined) {
      this.#firstPcr = base;
      this.#lastPcr = base;
      return;
    }
    const step = ticksBetween(this.#lastPcr % clockWrap, base);
    if (!isDiscontinuity) this.#maxPcrGap = Math.max(this.#maxPcrGap, Math.abs(step));
    this.#lastPcr += step;
  }

  /** True when no packet of the PID is missing before this one. */
  #checkContinuity(pid: number, counter: number, flags: number): boolean {
    const last = this.#continuity.get(pid);
    this.#continuity.set(pid, counter);
    const isNext = last === undefined || counter === ((last + 1) & 0x0f) || (flags & 0x80) !== 0;
    if (!isNext) this.#continuityErrors++;
    return isNext;
  }
}

/** Reads a whole stream at once. */
export function readTs(bytes: Buffer, events?: TsReaderEvents): TsSummary {
  const reader = new TsReader(events);
  reader.push(bytes);
  return reader.finish();
}
