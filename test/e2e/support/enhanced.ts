/** Owns the making of Enhanced RTMP messages from real encoded media, which the ffmpeg of the tests cannot write. */
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { promisify } from 'node:util';

import type { FlvTag } from '../../../src/media/flv';

import type { Packet } from './media';
import { packetsOf } from './media';

const run = promisify(execFile);

const AUDIO = 8;
const VIDEO = 9;
const MS_PER_SECOND = 1000;
const COMPOSITION_BYTES = 3;

/** Packet types of Enhanced RTMP v2, the same numbers for video and audio. */
const PacketType = { sequenceStart: 0, codedFrames: 1 } as const;
const IS_EXTENDED = 0x80;
const KEY_FRAME = 0x10;
const INTER_FRAME = 0x20;
const EXTENDED_AUDIO = 0x90;

/** FourCC by the codec names of ffprobe, and whether a composition offset precedes the frame. */
const FOUR_CC: Readonly<Record<string, { readonly code: string; readonly hasOffset: boolean }>> = {
  hevc: { code: 'hvc1', hasOffset: true },
  av1: { code: 'av01', hasOffset: false },
  aac: { code: 'mp4a', hasOffset: false },
  opus: { code: 'Opus', hasOffset: false },
};

interface Stream {
  readonly codec_name: string;
  readonly codec_type: string;
  readonly extradata: string;
}

/** Packet of a file in which it stands in one piece. */
interface StoredPacket extends Packet {
  readonly pos: string;
  readonly pts_time: string;
  readonly dts_time: string;
}

/** The messages of an mp4 file: configurations first, then all frames in order of their decoding times. */
export async function enhancedTags(path: string): Promise<FlvTag[]> {
  const args = ['-v', 'error', '-show_streams', '-show_data', '-of', 'json', path];
  const { stdout } = await run('ffprobe', args);
  const { streams } = JSON.parse(stdout) as { streams: Stream[] };
  const packets = (await packetsOf(path)) as StoredPacket[];
  const file = fs.readFileSync(path);
  const headers = streams.map((stream) => configuration(stream));
  const first = Math.min(...packets.map((packet) => milliseconds(packet.dts_time)));
  const frames = packets.map((packet) => {
    const stream = streams.find(({ codec_type: type }) => type === packet.codec_type)!;
    return frame(stream, packet, file, first);
  });
  return [...headers, ...frames.sort((a, b) => a.timestamp - b.timestamp)];
}

function configuration({ codec_name: codec, codec_type: kind, extradata }: Stream): FlvTag {
  const isVideo = kind === 'video';
  const head = isVideo ? IS_EXTENDED | KEY_FRAME : EXTENDED_AUDIO;
  const payload = Buffer.concat([
    Buffer.from([head | PacketType.sequenceStart]),
    Buffer.from(FOUR_CC[codec]!.code),
    dumped(extradata),
  ]);
  return { type: isVideo ? VIDEO : AUDIO, timestamp: 0, payload };
}

function frame(stream: Stream, packet: StoredPacket, file: Buffer, firstMs: number): FlvTag {
  const { code, hasOffset } = FOUR_CC[stream.codec_name]!;
  const isVideo = stream.codec_type === 'video';
  const frameType = packet.flags.startsWith('K') ? KEY_FRAME : INTER_FRAME;
  const head = isVideo ? IS_EXTENDED | frameType : EXTENDED_AUDIO;
  const dts = milliseconds(packet.dts_time);
  const offset = Buffer.alloc(hasOffset ? COMPOSITION_BYTES : 0);
  if (hasOffset) offset.writeIntBE(milliseconds(packet.pts_time) - dts, 0, COMPOSITION_BYTES);
  const at = Number(packet.pos);
  const payload = Buffer.concat([
    Buffer.from([head | PacketType.codedFrames]),
    Buffer.from(code),
    offset,
    file.subarray(at, at + Number(packet.size)),
  ]);
  return { type: isVideo ? VIDEO : AUDIO, timestamp: dts - firstMs, payload };
}

function milliseconds(seconds: string): number {
  return Math.round(Number(seconds) * MS_PER_SECOND);
}

/** The bytes of a dump as ffprobe prints it: offset, up to eight groups of two bytes, the text. */
function dumped(text: string): Buffer {
  const lines = text.trim().split('\n');
  const digits = lines.map((line) => line.slice(line.indexOf(':') + 1).slice(0, 41));
  return Buffer.from(digits.join('').replace(/\s/g, ''), 'hex');
}
