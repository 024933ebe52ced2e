/** Owns what is compared: the packets of a file as ffprobe sees them, the tags of an FLV file byte by byte. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { promisify } from 'node:util';

import type { FlvTag } from '../../../src/media/flv';
import { FlvReader } from '../../../src/media/flv-reader';

const run = promisify(execFile);
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const VIDEO = 9;
/** Header of a video tag without anything behind it. */
const NO_PICTURE_BYTES = 5;
const KEY_FRAME_OF_AVC = 0x17;

/** One packet as ffprobe reports it; times in ms. */
export interface Packet {
  readonly codec_type: string;
  readonly pts: number;
  readonly dts: number;
  readonly size: string;
  readonly flags: string;
  readonly data_hash: string;
}

/** Arguments for ffprobe to print the packets of a file or url. */
export function packetArguments(input: string): string[] {
  return ['-v', 'error', '-show_packets', '-show_data_hash', 'md5', '-of', 'json', '-i', input];
}

/** The packets in what ffprobe has printed. */
export function parsePackets(output: string): Packet[] {
  return (JSON.parse(output) as { packets: Packet[] }).packets;
}

/** The packets of a file. */
export async function packetsOf(path: string): Promise<Packet[]> {
  const { stdout } = await run('ffprobe', packetArguments(path), { maxBuffer: MAX_OUTPUT_BYTES });
  return parsePackets(stdout);
}

/** Whether a packet is a key frame of video. */
export function isKeyPacket({ codec_type: type, flags }: Packet): boolean {
  return type === 'video' && flags.startsWith('K');
}

/**
 * One line a packet of one kind, in order: time since the first of the file, composition offset, key frame or not, size, hash.
 * What a container adds by itself (durations, positions, side data) is left out.
 */
export function packetLines(packets: readonly Packet[], kind: string): string[] {
  const from = packets[0]?.dts ?? 0;
  return packets
    .filter(({ codec_type: type, size }) => type === kind && size !== '0')
    .map(
      ({ dts, pts, flags, size, data_hash: hash }) =>
        `${dts - from} ${pts - dts} ${flags} ${size} ${hash}`,
    );
}

/** All tags of an FLV file; one that its recorder left unfinished at the end is dropped. */
export function tagsOf(path: string): FlvTag[] {
  const reader = new FlvReader();
  reader.push(fs.readFileSync(path));
  const tags: FlvTag[] = [];
  for (let tag = reader.read(); tag !== undefined; tag = reader.read()) tags.push(tag);
  return tags;
}

/**
 * One line an audio or video tag, in order of the file, times since the first of them. Ends of a sequence are left out:
 * librtmp takes such small messages for damaged ones.
 */
export function tagLines(tags: readonly FlvTag[]): string[] {
  const media = tags.filter(
    ({ type, payload }) => type < VIDEO || (type === VIDEO && payload.length > NO_PICTURE_BYTES),
  );
  const from = media[0]?.timestamp ?? 0;
  return media.map(({ type, timestamp, payload }) => {
    const hash = createHash('md5').update(payload).digest('hex');
    return `${type} ${timestamp - from} ${payload.length} ${hash}`;
  });
}

/** Audio and video of an FLV file. */
export function mediaOf(path: string): FlvTag[] {
  return tagsOf(path).filter(({ type }) => type <= VIDEO);
}

/** Whether a tag of H.264 is a key frame, not a configuration. */
export function isKeyTag({ type, payload }: FlvTag): boolean {
  return type === VIDEO && payload[0] === KEY_FRAME_OF_AVC && payload[1] === 1;
}

/** As {@link tagLines}, from the last key frame on. */
export function lastGroup(tags: readonly FlvTag[]): string[] {
  return tagLines(tags.slice(tags.map(isKeyTag).lastIndexOf(true)));
}
