/** Reads PAT and PMT sections of a transport stream (ISO/IEC 13818-1, 2.4.4). */
import { crc32Mpeg } from './crc32';
import { TsPid, TsStreamType } from './ts-packet';

/** One elementary stream of a program. */
export interface TsStream {
  readonly pid: number;
  readonly streamType: number;
  /** `avc1`, `hvc1`, `mp4a`, `.mp3`, `ac-3`, `ec-3`, or empty for a stream type not known here. */
  readonly codec: string;
}

/** One program as its PMT lists it. */
export interface TsProgram {
  readonly number: number;
  readonly pmtPid: number;
  readonly pcrPid: number;
  readonly version: number;
  readonly streams: readonly TsStream[];
}

const patTableId = 0;
const pmtTableId = 2;
const lengthEnd = 3;
const headerBytes = 8;
const crcBytes = 4;
const patEntryBytes = 4;
const pmtHeadBytes = 4;
const pmtEntryBytes = 5;
const codecs: Record<number, string> = {
  [TsStreamType.mpeg1Audio]: '.mp3',
  [TsStreamType.mpeg2Audio]: '.mp3',
  [TsStreamType.aacAdts]: 'mp4a',
  [TsStreamType.avc]: 'avc1',
  [TsStreamType.hevc]: 'hvc1',
  [TsStreamType.ac3]: 'ac-3',
  [TsStreamType.eac3]: 'ec-3',
};

/** The programs of a stream, as the newest tables have them. Sections that go over several packets are not read. */
export class TsTableReader {
  readonly programs = new Map<number, TsProgram>();
  /** Sections whose CRC is wrong. */
  crcErrors = 0;
  /** Sections that contradict themselves. */
  malformed = 0;
  readonly #programOfPmt = new Map<number, number>();

  /** True when sections of tables read here come on this PID. */
  isTable(pid: number): boolean {
    return pid === TsPid.pat || this.#programOfPmt.has(pid);
  }

  /** Takes the payload of a packet that starts a section. */
  read(pid: number, payload: Buffer): void {
    const start = 1 + (payload[0] ?? 0);
    if (start + headerBytes > payload.length) return;
    const end = start + lengthEnd + (payload.readUInt16BE(start + 1) & 0x0fff);
    if (end > payload.length || end < start + headerBytes + crcBytes) {
      this.malformed++;
    } else if (crc32Mpeg(payload, start, end) !== 0) {
      this.crcErrors++;
    } else {
      this.#section(pid, payload.subarray(start, end - crcBytes));
    }
  }

  #section(pid: number, section: Buffer): void {
    const tableId = section.readUInt8(0);
    if (tableId === patTableId && pid === TsPid.pat) this.#readPat(section);
    if (tableId === pmtTableId && pid !== TsPid.pat) this.#readPmt(pid, section);
  }

  #readPat(section: Buffer): void {
    for (let at = headerBytes; at + patEntryBytes <= section.length; at += patEntryBytes) {
      const number = section.readUInt16BE(at);
      // Program 0 is the network information table.
      if (number !== 0) this.#programOfPmt.set(section.readUInt16BE(at + 2) & 0x1fff, number);
    }
  }

  #readPmt(pmtPid: number, section: Buffer): void {
    const number = section.readUInt16BE(3);
    if (this.#programOfPmt.get(pmtPid) !== number) return;
    if (section.length < headerBytes + pmtHeadBytes) {
      this.malformed++;
      return;
    }
    const streams: TsStream[] = [];
    const infoBytes = section.readUInt16BE(headerBytes + 2) & 0x0fff;
    let at = headerBytes + pmtHeadBytes + infoBytes;
    while (at + pmtEntryBytes <= section.length) {
      const streamType = section.readUInt8(at);
      const pid = section.readUInt16BE(at + 1) & 0x1fff;
      streams.push({ pid, streamType, codec: codecs[streamType] ?? '' });
      at += pmtEntryBytes + (section.readUInt16BE(at + 3) & 0x0fff);
    }
    const pcrPid = section.readUInt16BE(headerBytes) & 0x1fff;
    const version = (section.readUInt8(5) >> 1) & 0x1f;
    this.programs.set(number, { number, pmtPid, pcrPid, version, streams });
  }
}
