/** What a segment is to those who keep it and to those who list it. */

/** The initialisation section that segments of one configuration share (RFC 8216 4.3.2.5). */
export interface InitSection {
  readonly bytes: Buffer;
  /** Named after the first segment that needs it. */
  readonly file: SegmentFile;
}

/** Where something of a stream is kept. */
export interface SegmentFile {
  /** On disk. */
  readonly path: string;
  /** As the playlist on disk names it. */
  readonly uri: string;
  /** Relative to the playlist, for what is kept in memory. */
  readonly ramName: string;
}

/** The key of one segment. */
export interface SegmentKey {
  /** 16 bytes. */
  readonly bytes: Buffer;
  /** 16 bytes. */
  readonly iv: Buffer;
  readonly file: SegmentFile;
}

/** What is known of a segment when it begins. */
export interface SegmentStart {
  /** Counts the segments of the stream; part of its name. */
  readonly sequence: number;
  /** What it holds does not go on from the segment before. */
  readonly isDiscontinuity: boolean;
  /** Time of day of its first frame, milliseconds since 1970. */
  readonly startEpochMs: number;
  readonly file: SegmentFile;
  readonly init: InitSection | undefined;
  readonly key: SegmentKey | undefined;
  /** Set where its number comes from the timeline, so that other servers make the same. */
  readonly alignment?: SegmentAlignment | undefined;
}

/** How a segment lies on the timeline that numbers it. */
export interface SegmentAlignment {
  /** Length of a slot of the timeline. */
  readonly fragmentMs: number;
  /** Media time since the end of the segment before; undefined when that is not known. */
  readonly gapMs: number | undefined;
  /** Other servers may have the segments before it, which this one has not. */
  readonly isJoin: boolean;
}

/** A part of a segment that is complete. */
export interface PartEnd {
  readonly durationMs: number;
  /** Decoding may start with it. */
  readonly isIndependent: boolean;
}

/** A segment as a playlist shows it. */
export interface ListedSegment {
  readonly sequence: number;
  readonly uri: string;
  readonly durationMs: number;
  readonly isDiscontinuity: boolean;
  /** Undefined when the playlist shows no times of day. */
  readonly startEpochMs: number | undefined;
  /** URI of its initialisation section. */
  readonly mapUri: string | undefined;
  /** Attributes of its EXT-X-KEY. */
  readonly key: string | undefined;
  /** Size, as it is stored. */
  readonly bytes: number;
  /** There is no such segment here: it keeps the numbers right (EXT-X-GAP). */
  readonly isGap?: true;
}

/** One place where the segments of a stream are kept and listed: disk or memory. */
export interface SegmentTarget {
  /** A segment begins. */
  open(start: SegmentStart): void;
  /** The next bytes of the open segment; they will not change. */
  write(bytes: Buffer): void;
  /** What was written since the last call, or since `open`, is a part; `isLast`: the segment ends with it. */
  endPart(part: PartEnd, isLast?: boolean): void;
  /** The open segment is complete and is listed. */
  close(durationMs: number): void;
  /** The open segment is thrown away; harmless without one. */
  drop(): void;
  /** The publisher has left. */
  rest(): void;
  /** Removes what is not needed any more; `nowMs` monotonic. */
  sweep(nowMs: number): void;
  /** Removes everything. */
  dispose(): void;
  /** Resolves when nothing is under way any more. */
  settle(): Promise<void>;
  /** Whether something is still to be done in a later sweep, or under way. */
  readonly isBusy: boolean;
}

/** Stands for a segment that is not there. */
export function gapSegment(sequence: number, durationMs: number, uri: string): GapSegment {
  return {
    ...{ sequence, durationMs, uri, isGap: true, isDiscontinuity: false, bytes: 0 },
    ...{ startEpochMs: undefined, mapUri: undefined, key: undefined },
  };
}

/** A segment that is not there. */
export type GapSegment = ListedSegment & { readonly isGap: true };

/** Attributes of EXT-X-KEY (RFC 8216 4.3.2.4). */
export function keyAttributes(key: SegmentKey, uri: string): string {
  return `METHOD=AES-128,URI="${uri}",IV=0x${key.iv.toString('hex')}`;
}
