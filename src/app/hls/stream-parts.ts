/** Owns what the parts of one stream's HLS have in common. */
import type { Clock } from '../../core/clock';
import type { Logger } from '../../core/logger';

import type { VariantTracks } from './master';
import type { HlsOptions } from './options';
import type { ListedSegment } from './segment';
import type { SegmentNames } from './segment-names';

/** Given to everything that works for one stream. */
export interface StreamParts {
  readonly names: SegmentNames;
  readonly options: HlsOptions;
  readonly clock: Clock;
  /** Log of the publisher, or of the last one. */
  readonly log: { readonly current: Logger };
  /** EXT-X-VERSION of plain playlists. */
  readonly version: number;
  /** What the stream consists of at present. */
  readonly tracks: VariantTracks;
  /** A segment can be fetched from now on; `file` where it is. */
  readonly onListed: (segment: ListedSegment, file: string, storage: 'disk' | 'ram') => void;
}
