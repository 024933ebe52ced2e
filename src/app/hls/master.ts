/** Owns the master playlist of a stream: one variant, with what was measured of it (RFC 8216 4.3.4.2). */
import { codecString } from '../../media/codec-string';
import type { AudioTrack, VideoTrack } from '../../media/track';

import type { ListedSegment } from './segment';

/** The tracks of a variant. */
export interface VariantTracks {
  readonly video: VideoTrack | undefined;
  readonly audio: AudioTrack | undefined;
}

/** An average that moves by less than this share does not change the playlist. */
const NOTICEABLE = 0.1;
/** A peak that falls by less than this share does not either; it never is above the one shown. */
const NOTICEABLE_FALL = 0.25;
const BITS = 8;

/** The text of the master playlist, which changes only when something noticeable does. */
export class MasterPlaylist {
  readonly #uri: string;
  readonly #version: number;
  #peak = 0;
  #average = 0;
  #text: string | undefined;

  /** `uri`: of the media playlist, seen from the master. */
  constructor(uri: string, version: number) {
    this.#uri = uri;
    this.#version = version;
  }

  /** The newest text; undefined before the first segment. */
  get text(): string | undefined {
    return this.#text;
  }

  /** Measures the listed segments; true when the text is a new one. */
  update(segments: readonly ListedSegment[], tracks: VariantTracks): boolean {
    const { peak, average } = measure(segments);
    if (peak === 0) return false;
    const isPeakOff = peak > this.#peak || peak < this.#peak * (1 - NOTICEABLE_FALL);
    if (isPeakOff) this.#peak = roundUp(peak);
    if (hasMoved(this.#average, average)) this.#average = average;
    const text = this.#render(tracks);
    if (text === this.#text) return false;
    this.#text = text;
    return true;
  }

  #render({ video, audio }: VariantTracks): string {
    const codecs = [video, audio].filter((track) => track !== undefined).map(codecString);
    const attributes = [
      `BANDWIDTH=${this.#peak}`,
      `AVERAGE-BANDWIDTH=${Math.min(this.#average, this.#peak)}`,
      `CODECS="${codecs.join(',')}"`,
    ];
    if (video !== undefined && video.width > 0 && video.height > 0) {
      attributes.push(`RESOLUTION=${video.width}x${video.height}`);
    }
    if (video !== undefined && video.fps > 0) attributes.push(`FRAME-RATE=${video.fps.toFixed(3)}`);
    return [
      '#EXTM3U',
      `#EXT-X-VERSION:${this.#version}`,
      `#EXT-X-STREAM-INF:${attributes.join(',')}`,
      this.#uri,
      '',
    ].join('\n');
  }
}

/** Bits per second: of the densest segment, and of all of them. Very short ones say nothing of the peak. */
function measure(segments: readonly ListedSegment[]): { peak: number; average: number } {
  let peak = 0;
  let bytes = 0;
  let durationMs = 0;
  const longestMs = Math.max(0, ...segments.map((segment) => segment.durationMs));
  for (const segment of segments) {
    bytes += segment.bytes;
    durationMs += segment.durationMs;
    const isTypical = segment.durationMs >= longestMs / 2;
    if (isTypical) peak = Math.max(peak, rate(segment.bytes, segment.durationMs));
  }
  return { peak, average: durationMs === 0 ? 0 : rate(bytes, durationMs) };
}

function rate(bytes: number, durationMs: number): number {
  return Math.ceil((bytes * BITS * 1000) / durationMs);
}

/** To two digits, so that a slightly higher peak does not change the text every time. */
function roundUp(value: number): number {
  const step = 10 ** Math.max(0, Math.floor(Math.log10(value)) - 1);
  return Math.ceil(value / step) * step;
}

function hasMoved(shown: number, measured: number): boolean {
  return Math.abs(measured - shown) > shown * NOTICEABLE;
}
