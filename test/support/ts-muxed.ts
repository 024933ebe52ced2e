/** A transport stream muxer whose output is kept and read back, with tracks and frames for it. */
import assert from 'node:assert/strict';

import type { AudioTrack, MediaFrame, VideoTrack } from '../../src/media/track';
import { TsMuxer } from '../../src/media/ts-muxer';
import { readTs } from '../../src/media/ts-reader';
import type { TsPes, TsSummary } from '../../src/media/ts-reader';

import { hex, records } from './media';

/** Tracks of real configurations. */
export const avc: VideoTrack = {
  kind: 'video',
  codec: 'avc1',
  record: records.avc,
  width: 640,
  height: 360,
  fps: 25,
  lengthSize: 4,
};
export const hevc: VideoTrack = { ...avc, codec: 'hvc1', record: records.hevc };
export const aac: AudioTrack = {
  kind: 'audio',
  codec: 'mp4a',
  record: records.aac,
  sampleRate: 44100,
  channels: 2,
  samplesPerFrame: 1024,
};
export const mp3: AudioTrack = {
  ...aac,
  codec: '.mp3',
  record: Buffer.alloc(0),
  samplesPerFrame: 1152,
};
/** A picture without composition time. */
export function video(timestamp: number, data: string | Buffer, isKey = false): MediaFrame {
  const bytes = typeof data === 'string' ? hex(data) : data;
  return { kind: 'video', timestamp, compositionMs: 0, isKey, data: bytes };
}

/** A sound of any codec. */
export function audio(timestamp: number, data: string | Buffer = 'aabb'): MediaFrame {
  const bytes = typeof data === 'string' ? hex(data) : data;
  return { kind: 'audio', timestamp, compositionMs: 0, isKey: true, data: bytes };
}

/** A muxer and what it wrote. */
export class Muxed {
  readonly writes: Buffer[] = [];
  readonly muxer: TsMuxer;

  constructor(videoTrack?: VideoTrack, audioTrack?: AudioTrack, audioPesMs = 0) {
    this.muxer = new TsMuxer((packets) => this.writes.push(packets), { audioPesMs });
    this.muxer.setTracks(videoTrack, audioTrack);
  }

  write(...frames: MediaFrame[]): this {
    for (const frame of frames) this.muxer.writeFrame(frame);
    return this;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.writes);
  }

  /** Everything read back; fails on damage. */
  read(): { summary: TsSummary; pes: TsPes[] } {
    const pes: TsPes[] = [];
    const summary = readTs(this.bytes, { onPes: (one) => pes.push(one) });
    const { continuityErrors, crcErrors, malformed, isSyncLost } = summary;
    const damage = { continuityErrors, crcErrors, malformed, isSyncLost };
    const none = { continuityErrors: 0, crcErrors: 0, malformed: 0, isSyncLost: false };
    assert.deepEqual(damage, none);
    assert.equal(summary.wholeBytes, this.bytes.length);
    return { summary, pes };
  }

  /** The elementary stream of each PES packet of a PID. */
  streams(pid: number): string[] {
    return this.read().pes.flatMap((pes) => (pes.pid === pid ? [pes.data.toString('hex')] : []));
  }

  times(pid: number): (number | undefined)[] {
    return this.read().pes.flatMap((pes) => (pes.pid === pid ? [pes.pts] : []));
  }
}

/** Packets of a PID, as hexadecimal text. */
export function packetsOf(bytes: Buffer, pid: number): string[] {
  const packets: string[] = [];
  for (let at = 0; at < bytes.length; at += 188) {
    const packet = bytes.subarray(at, at + 188);
    if ((packet.readUInt16BE(1) & 0x1fff) === pid) packets.push(packet.toString('hex'));
  }
  return packets;
}
