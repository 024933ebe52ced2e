/** Cuts sections and PES packets into transport packets (ISO/IEC 13818-1, 2.4.3), copying each byte once. */
import { tsPacketBytes, tsSyncByte, wrapTicks } from './ts-packet';

/** A PID being written; its continuity counter runs on for as long as the object lives. */
export interface TsPidState {
  readonly pid: number;
  /** Counter of the last packet with payload, 0 to 15. */
  continuity: number;
  /** The next PES packet says that the counter does not go on from what was before (discontinuity_indicator). */
  isFresh: boolean;
}

/** One PES packet and what its first transport packet says of it. */
export interface PesHeader {
  readonly streamId: number;
  /** Ticks, wrapped; the same number twice writes a PTS only. */
  readonly pts: number;
  readonly dts: number;
  /** Bytes of the elementary stream that follow by `put`. */
  readonly bytes: number;
  readonly isRandomAccess: boolean;
  /** Ticks, wrapped; -1 for none. */
  readonly pcr: number;
  readonly isDiscontinuity: boolean;
  /** Further PCRs inside the PES packet: how many, at most one per 188 bytes, and ticks from one to the next. */
  readonly innerPcrs: number;
  readonly innerPcrStep: number;
}

const headerBytes = 4;
const payloadBytes = tsPacketBytes - headerBytes;
const pcrBytes = 6;
const adaptationWithPcrBytes = 2 + pcrBytes;
const startIndicator = 0x40;
const Control = { payload: 0x10, adaptation: 0x20, both: 0x30 } as const;
const AdaptationFlag = { discontinuity: 0x80, randomAccess: 0x40, pcr: 0x10 } as const;
const timestampBytes = 5;
const pesFixedBytes = 9;
/** Bytes counted by PES_packet_length that stand before PES_header_data_length's data. */
const pesCountedBytes = 3;
const maxPesLength = 0xffff;
const videoStreamIds = 0xe0;
/** Up to here a loop is faster than a call into the engine. */
const maxLoopBytes = 24;
/** Packets made room for at a time. */
const chunkPackets = 87;

/** Packets are handed on by `flush`, in order; memory handed on is never touched again. */
export class TsPacketWriter {
  readonly #write: (packets: Buffer) => void;
  #chunk = Buffer.alloc(0);
  /** What of the chunk was handed on already. */
  #handed = 0;
  /** Start of the packet being filled, and where its next byte goes. */
  #packet = 0;
  #at = 0;
  /** The PES packet being written. */
  #stream: TsPidState = { pid: 0, continuity: 0, isFresh: false };
  #left = 0;
  #innerPcr = -1;
  #innerPcrStep = 0;
  #innerPcrBytes = 0;
  #nextInnerPcr = -1;

  constructor(write: (packets: Buffer) => void) {
    this.#write = write;
  }

  /** Hands on what was written since the last time. */
  flush(): void {
    if (this.#packet === this.#handed) return;
    const packets = this.#chunk.subarray(this.#handed, this.#packet);
    this.#handed = this.#packet;
    this.#write(packets);
  }

  /** A section that fits one packet (183 bytes), padded with 0xff. */
  section(stream: TsPidState, section: Buffer): void {
    this.#reserve(1);
    this.#header(stream, startIndicator, Control.payload, true);
    const chunk = this.#chunk;
    chunk[this.#at++] = 0;
    this.#at += section.copy(chunk, this.#at);
    chunk.fill(0xff, this.#at, this.#packet + tsPacketBytes);
    this.#packet += tsPacketBytes;
  }

  /** A packet without payload for the sake of its PCR. */
  pcr(stream: TsPidState, pcr: number, isDiscontinuity: boolean): void {
    this.#reserve(1);
    this.#header(stream, 0, Control.adaptation, false);
    const flags = AdaptationFlag.pcr | (isDiscontinuity ? AdaptationFlag.discontinuity : 0);
    this.#adaptation(payloadBytes, flags, pcr);
    this.#packet += tsPacketBytes;
  }

  /** Opens a PES packet; `pes.bytes` bytes follow by `put`. */
  begin(stream: TsPidState, pes: PesHeader): void {
    const hasDts = pes.pts !== pes.dts;
    const dataBytes = hasDts ? 2 * timestampBytes : timestampBytes;
    this.#stream = stream;
    this.#left = pesFixedBytes + dataBytes + pes.bytes;
    const adaptations = (1 + pes.innerPcrs) * adaptationWithPcrBytes;
    this.#reserve(Math.ceil((this.#left + adaptations) / payloadBytes) + 1);
    this.#planInnerPcrs(pes);
    let flags = pes.isRandomAccess ? AdaptationFlag.randomAccess : 0;
    if (pes.isDiscontinuity || stream.isFresh) flags |= AdaptationFlag.discontinuity;
    stream.isFresh = false;
    if (pes.pcr >= 0) flags |= AdaptationFlag.pcr;
    this.#startPacket(startIndicator, flags, pes.pcr);
    this.#pesHeader(pes, dataBytes);
  }

  /** The next `data[start, end)` of the PES packet, which ends by itself with its last byte. */
  put(data: Buffer, start = 0, end = data.length): void {
    let from = start;
    while (from < end) {
      if (this.#at === this.#packet + tsPacketBytes) this.#nextPacket();
      const room = this.#packet + tsPacketBytes - this.#at;
      const count = Math.min(room, end - from);
      this.#copy(data, from, count);
      from += count;
    }
    if (this.#left === 0 && this.#at === this.#packet + tsPacketBytes) {
      this.#packet = this.#at;
    }
  }

  #copy(data: Buffer, from: number, count: number): void {
    const chunk = this.#chunk;
    if (count > maxLoopBytes) {
      data.copy(chunk, this.#at, from, from + count);
    } else {
      for (let index = 0; index < count; index++) {
        chunk[this.#at + index] = data[from + index] ?? 0;
      }
    }
    this.#at += count;
    this.#left -= count;
  }

  #planInnerPcrs(pes: PesHeader): void {
    this.#innerPcr = pes.pcr;
    this.#innerPcrStep = pes.innerPcrs > 0 ? pes.innerPcrStep : 0;
    this.#innerPcrBytes = pes.innerPcrs > 0 ? this.#left / (pes.innerPcrs + 1) : this.#left;
    this.#nextInnerPcr = this.#left - this.#innerPcrBytes;
  }

  #nextPacket(): void {
    this.#packet = this.#at;
    if (this.#innerPcrStep > 0 && this.#left <= this.#nextInnerPcr) {
      this.#nextInnerPcr -= this.#innerPcrBytes;
      this.#innerPcr += this.#innerPcrStep;
      this.#startPacket(0, AdaptationFlag.pcr, wrapTicks(this.#innerPcr));
    } else {
      this.#startPacket(0, 0, -1);
    }
  }

  /** The header of a packet whose payload is what is left of the PES packet, as far as it fits. */
  #startPacket(start: number, flags: number, pcr: number): void {
    const wanted = flags === 0 ? 0 : 2 + (pcr >= 0 ? pcrBytes : 0);
    const size = Math.max(wanted, payloadBytes - this.#left);
    this.#header(this.#stream, start, size > 0 ? Control.both : Control.payload, true);
    if (size > 0) this.#adaptation(size, flags, pcr);
  }

  #header(stream: TsPidState, start: number, control: number, hasPayload: boolean): void {
    const chunk = this.#chunk;
    const at = this.#packet;
    if (hasPayload) stream.continuity = (stream.continuity + 1) & 0x0f;
    chunk[at] = tsSyncByte;
    chunk[at + 1] = start | (stream.pid >> 8);
    chunk[at + 2] = stream.pid & 0xff;
    chunk[at + 3] = control | stream.continuity;
    this.#at = at + headerBytes;
  }

  /** An adaptation field of `size` bytes in all, 2.4.3.4; one byte is a mere length of 0. */
  #adaptation(size: number, flags: number, pcr: number): void {
    const chunk = this.#chunk;
    const end = this.#at + size;
    chunk[this.#at++] = size - 1;
    if (size > 1) chunk[this.#at++] = flags;
    if ((flags & AdaptationFlag.pcr) !== 0) {
      chunk.writeUInt32BE(Math.floor(pcr / 2), this.#at);
      // The base's last bit, six reserved bits, an extension of 0.
      chunk[this.#at + 4] = ((pcr & 1) << 7) | 0x7e;
      chunk[this.#at + 5] = 0;
      this.#at += pcrBytes;
    }
    if (this.#at < end) chunk.fill(0xff, this.#at, end);
    this.#at = end;
  }

  /** 2.4.3.6. Only video may leave its length open. */
  #pesHeader(pes: PesHeader, dataBytes: number): void {
    const length = pesCountedBytes + dataBytes + pes.bytes;
    const isOpen = length > maxPesLength && (pes.streamId & 0xf0) === videoStreamIds;
    const chunk = this.#chunk;
    const at = this.#at;
    chunk[at] = 0;
    chunk[at + 1] = 0;
    chunk[at + 2] = 1;
    chunk[at + 3] = pes.streamId;
    chunk.writeUInt16BE(isOpen ? 0 : length, at + 4);
    chunk[at + 6] = 0x80;
    chunk[at + 7] = dataBytes === timestampBytes ? 0x80 : 0xc0;
    chunk[at + 8] = dataBytes;
    if (dataBytes === timestampBytes) {
      this.#timestamp(at + pesFixedBytes, 2, pes.pts);
    } else {
      this.#timestamp(at + pesFixedBytes, 3, pes.pts);
      this.#timestamp(at + pesFixedBytes + timestampBytes, 1, pes.dts);
    }
    this.#at = at + pesFixedBytes + dataBytes;
    this.#left -= pesFixedBytes + dataBytes;
  }

  /** Four marker bits, then 33 bits in groups of 3, 15 and 15, each followed by a 1. */
  #timestamp(at: number, marker: number, ticks: number): void {
    const chunk = this.#chunk;
    const high = Math.floor(ticks / 2 ** 30);
    const low = ticks % 2 ** 30;
    chunk[at] = (marker << 4) | (high << 1) | 1;
    chunk[at + 1] = low >> 22;
    chunk[at + 2] = ((low >> 14) & 0xfe) | 1;
    chunk[at + 3] = (low >> 7) & 0xff;
    chunk[at + 4] = ((low << 1) & 0xfe) | 1;
  }

  /** Makes room for this many packets in one piece. */
  #reserve(packets: number): void {
    const bytes = packets * tsPacketBytes;
    if (this.#packet + bytes <= this.#chunk.length) return;
    this.flush();
    // Not from the shared pool: what is kept of a stream shall not keep other things alive.
    this.#chunk = Buffer.allocUnsafeSlow(Math.max(bytes, chunkPackets * tsPacketBytes));
    this.#handed = 0;
    this.#packet = 0;
  }
}
