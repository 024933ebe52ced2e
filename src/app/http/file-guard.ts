/** Owns the port by which another part decides on files before they are sent. */
import type { HttpExchange } from './exchange';

/** A file that would be sent. */
export interface GuardedFile {
  /** Absolute, by the names that led to it. */
  readonly path: string;
  /** The same file, free of links. */
  readonly real: string;
  /** All of it, when it is as small as files of text are; undefined when it is gone or larger. */
  content(): Promise<Buffer | undefined>;
}

/**
 * What is to become of a file: sent to anybody, sent under conditions, not there, or answered already. `isPrivate`: not
 * for caches that others use; `sent` is told of the bytes that are sent.
 */
export type FilePass =
  'public' | 'missing' | 'answered' | { readonly isPrivate: boolean; sent(bytes: number): void };

/** Decides on files. */
export interface FileGuard {
  /** Whether it has to be asked at all, as of now. */
  readonly isActive: boolean;
  admit(exchange: HttpExchange, file: GuardedFile): Promise<FilePass>;
}
