/** A small reader of boxes for the tests, written apart from the one under test (ISO/IEC 14496-12). */
import type { Fragment } from '../../../../src/media/mp4/fragment-writer';
import type { AudioTrack, MediaFrame, VideoTrack } from '../../../../src/media/track';
import { records } from '../../../support/media';

export interface Box {
  type: string;
  /** Where the box begins in the data read. */
  at: number;
  body: Buffer;
}

/** The boxes of one level; throws when their sizes do not add up. */
export function boxesOf(data: Buffer): Box[] {
  const boxes: Box[] = [];
  let at = 0;
  while (at < data.length) {
    const size = data.readUInt32BE(at);
    if (size < 8 || at + size > data.length) throw new Error(`box of ${size} bytes at ${at}`);
    const type = data.toString('latin1', at + 4, at + 8);
    boxes.push({ type, at, body: data.subarray(at + 8, at + size) });
    at += size;
  }
  return boxes;
}

/** All boxes of the last type of `path` found by walking down it. */
export function all(data: Buffer, path: string): Buffer[] {
  return path
    .split('/')
    .reduce<Buffer[]>(
      (found, type) =>
        found.flatMap((body) =>
          boxesOf(body).flatMap((box) => (box.type === type ? [box.body] : [])),
        ),
      [data],
    );
}

/** The only such box. */
export function one(data: Buffer, path: string): Buffer {
  const [body, ...others] = all(data, path);
  if (body === undefined || others.length > 0) throw new Error(`not one ${path}`);
  return body;
}

export interface ReadSample {
  duration: number;
  flags: number;
  composition: number;
  data: Buffer;
}

export interface ReadRun {
  trackId: number;
  decodeTime: number;
  samples: ReadSample[];
}

/** What the moof of a fragment says, with the bytes that its offsets point at. */
export function readRuns(fragment: Fragment): ReadRun[] {
  const bytes = Buffer.concat(fragment.data);
  return all(bytes, 'moof/traf').map((traf) => readRun(traf, bytes));
}

function readRun(traf: Buffer, bytes: Buffer): ReadRun {
  const tfhd = one(traf, 'tfhd');
  const tfdt = one(traf, 'tfdt');
  const trun = one(traf, 'trun');
  const tfhdFlags = tfhd.readUIntBE(1, 3);
  let at = 8;
  const defaultDuration = tfhdFlags & 8 ? tfhd.readUInt32BE((at += 4) - 4) : 0;
  const defaultFlags = tfhdFlags & 0x20 ? tfhd.readUInt32BE(at) : 0;
  const flags = trun.readUIntBE(1, 3);
  let dataAt = trun.readInt32BE(8);
  at = 12;
  const firstFlags = flags & 4 ? trun.readUInt32BE((at += 4) - 4) : defaultFlags;
  const samples = Array.from({ length: trun.readUInt32BE(4) }, (_, index) => {
    const word = (bit: number, otherwise: number): number =>
      flags & bit ? trun.readUInt32BE((at += 4) - 4) : otherwise;
    const duration = word(0x100, defaultDuration);
    const size = word(0x200, 0);
    const sampleFlags = word(0x400, index === 0 ? firstFlags : defaultFlags);
    const composition = word(0x800, 0) | 0;
    const data = bytes.subarray(dataAt, dataAt + size);
    dataAt += size;
    return { duration, flags: sampleFlags, composition, data };
  });
  if (at !== trun.length) throw new Error(`trun of ${trun.length} bytes, ${at} read`);
  return { trackId: tfhd.readUInt32BE(4), decodeTime: Number(tfdt.readBigUInt64BE(4)), samples };
}

export const video: VideoTrack = {
  kind: 'video',
  codec: 'avc1',
  record: records.avc,
  width: 640,
  height: 360,
  fps: 0,
  lengthSize: 4,
};

export const audio: AudioTrack = {
  kind: 'audio',
  codec: 'mp4a',
  record: records.aac,
  sampleRate: 44100,
  channels: 2,
  samplesPerFrame: 1024,
};

export function videoFrame(timestamp: number, isKey = false, compositionMs = 0): MediaFrame {
  return { kind: 'video', timestamp, compositionMs, isKey, data: Buffer.from(`v${timestamp}`) };
}

export function audioFrame(
  timestamp: number,
  data: Buffer = Buffer.from(`a${timestamp}`),
): MediaFrame {
  return { kind: 'audio', timestamp, compositionMs: 0, isKey: true, data };
}
