/** Builds the tables that open a transport stream: PAT and PMT (ISO/IEC 13818-1, 2.4.4). */
import { crc32Mpeg } from './crc32';
import { TsPid, TsStreamType } from './ts-packet';

/** One elementary stream as the PMT lists it. */
export interface TsTableEntry {
  readonly streamType: number;
  readonly pid: number;
}

const transportStreamId = 1;
const programNumber = 1;
const crcBytes = 4;
/** table_id, section_length and all up to last_section_number. */
const sectionHeaderBytes = 8;
const registrationTag = 5;
/** format_identifier of the streams whose type alone is not enough everywhere. */
const registrations: Record<number, string> = {
  [TsStreamType.hevc]: 'HEVC',
  [TsStreamType.ac3]: 'AC-3',
  [TsStreamType.eac3]: 'EAC3',
};

/** The PAT section of the one program there is. */
export function patSection(): Buffer {
  const body = Buffer.alloc(4);
  body.writeUInt16BE(programNumber, 0);
  body.writeUInt16BE(0xe000 | TsPid.pmt, 2);
  return section(0, transportStreamId, 0, body);
}

/** The PMT section; `version` is taken modulo 32. */
export function pmtSection(
  streams: readonly TsTableEntry[],
  pcrPid: number,
  version: number,
): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(0xe000 | pcrPid, 0);
  head.writeUInt16BE(0xf000, 2);
  return section(2, programNumber, version, Buffer.concat([head, ...streams.map(entry)]));
}

function entry(stream: TsTableEntry): Buffer {
  const registration = registrations[stream.streamType];
  const descriptors =
    registration === undefined
      ? Buffer.alloc(0)
      : Buffer.from([registrationTag, registration.length, ...Buffer.from(registration)]);
  const head = Buffer.alloc(5);
  head.writeUInt8(stream.streamType, 0);
  head.writeUInt16BE(0xe000 | stream.pid, 1);
  head.writeUInt16BE(0xf000 | descriptors.length, 3);
  return Buffer.concat([head, descriptors]);
}

/** A section in the long syntax, the only one of its table, applicable now. */
function section(tableId: number, extension: number, version: number, body: Buffer): Buffer {
  const bytes = Buffer.alloc(sectionHeaderBytes + body.length + crcBytes);
  bytes.writeUInt8(tableId, 0);
  bytes.writeUInt16BE(0xb000 | (bytes.length - 3), 1);
  bytes.writeUInt16BE(extension, 3);
  bytes.writeUInt8(0xc1 | ((version & 0x1f) << 1), 5);
  body.copy(bytes, sectionHeaderBytes);
  const end = bytes.length - crcBytes;
  bytes.writeUInt32BE(crc32Mpeg(bytes, 0, end), end);
  return bytes;
}
