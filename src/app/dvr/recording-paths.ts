/** Owns the names of recordings: from a stream to a file and back. */
import { PathTemplate } from '../../files/path-template';
import type { StreamName } from '../stream/sink';

import type { DvrOptions } from './options';

/** Ends the name of a recording that is not finished. */
export const TEMPORARY_SUFFIX = '.tmp';
/** What a recording gets when its name was taken: `-2` and so on, before the extension. */
const numberSuffix = /-\d+(\.[a-z0-9]+)$/;

/** The file names of a vhost's recordings. */
export class RecordingPaths {
  readonly #template: PathTemplate;
  readonly #matcher: RegExp;

  /** @param vhost fixes the vhost of the files that {@link match} finds; all when absent */
  constructor(options: Pick<DvrOptions, 'path' | 'format'>, isUtc: () => boolean, vhost?: string) {
    const { path, format } = options;
    const isFile = /\.(flv|mp4)$/.test(path);
    // The format is what counts: it makes the extension.
    const file = isFile ? path.slice(0, -4) : `${path}/[stream].[timestamp]`;
    this.#template = new PathTemplate(`${file}.${format}`, isUtc);
    this.#matcher = this.#template.matcher(vhost === undefined ? {} : { vhost });
  }

  /** The directory that all recordings are in. */
  get root(): string {
    return this.#template.root;
  }

  /** The name of a recording that begins at `nowMs`, epoch. Throws `SrsError` for names that cannot be in a path. */
  resolve(name: StreamName, nowMs: number): string {
    return this.#template.resolve({ ...name, nowMs });
  }

  /** The stream that a finished file may be a recording of, as far as its path tells; undefined when of none. */
  match(path: string): Partial<StreamName> | undefined {
    const match = this.#matcher.exec(path) ?? this.#matcher.exec(path.replace(numberSuffix, '$1'));
    return match === null ? undefined : { ...match.groups };
  }

  /** The same for a file that is not finished. */
  matchTemporary(path: string): Partial<StreamName> | undefined {
    if (!path.endsWith(TEMPORARY_SUFFIX)) return undefined;
    return this.match(finishedPath(path));
  }
}

/** The name that a temporary file gets in the end. */
export function finishedPath(temporary: string): string {
  return temporary.slice(0, -TEMPORARY_SUFFIX.length);
}
