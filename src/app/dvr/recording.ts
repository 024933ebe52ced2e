/** Owns what a recording in any container is to the recorder, and what it is made with. */
import type { SrsError } from '../../core/errors';
import type { Logger } from '../../core/logger';
import type { AmfObject } from '../../rtmp/amf0-value';
import type { StreamMessage } from '../stream/sink';

import type { ActiveFiles, FileOwner } from './active-files';

/** A finished recording. */
export interface ClosedRecording {
  readonly file: string;
  readonly durationMs: number;
  readonly bytes: number;
}

/** One file being written. Times are milliseconds on the recording's own timeline. */
export interface Recording extends FileOwner {
  /** The file cannot hold what the stream has become: the next key frame should open another one. */
  readonly isStale: boolean;
  /** Media has reached the disk. */
  readonly isOnDisk: boolean;
  write(message: StreamMessage, timeMs: number): void;
  setMetadata(metadata: AmfObject): void;
  /**
   * Ends the recording and gives the file its name; undefined when there was nothing to record and so no file is left.
   * What could be written is kept after an error, too; rejects with `SrsError` when even that fails. Call it once.
   */
  close(): Promise<ClosedRecording | undefined>;
}

/** What a recording is made with. */
export interface RecordingParts {
  /** Where to; when the name is taken by another file, a numbered one beside it. */
  readonly path: string;
  /** Goes on in an existing file instead. */
  readonly isAppend: boolean;
  /** Times begin at 0: those of an existing file are gone on with. */
  readonly isRebased: boolean;
  /** The stream's `vhost/app/stream`. */
  readonly key: string;
  readonly log: Logger;
  readonly active: ActiveFiles;
  /** What a player needs first. */
  readonly headers: readonly StreamMessage[];
  readonly metadata: AmfObject | undefined;
  /** Most entries of the index. */
  readonly indexCapacity: number;
  /** Tells the user of something that the file does not hold; once per subject and publish. */
  readonly complain: (subject: string, text: string) => void;
  /** Writing failed; once, never from within a call. `close` is still due. */
  readonly onError: (error: SrsError) => void;
}
