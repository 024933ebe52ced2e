/** Owns the face of the few system calls that Node does not offer. */
import { loadBinding } from './binding';

/**
 * Tries to take an exclusive lock over the whole file. It is held until this process closes any
 * descriptor of that file, so nothing else may open it.
 *
 * @returns 0, or the errno: EAGAIN or EACCES when another process holds it
 */
export function lockFile(fd: number): number {
  return loadBinding().lockFile(fd);
}

/** Limits on the number of open descriptors of this process. */
export interface FileLimit {
  readonly soft: number;
  readonly hard: number;
}

/** Raises the soft limit of open descriptors to `wanted`, as far as the hard one allows; never lowers it. */
export function raiseFileLimit(wanted: number): FileLimit {
  const numbers = new Float64Array(2);
  loadBinding().raiseFileLimit(wanted, numbers);
  return { soft: numbers[0] ?? 0, hard: numbers[1] ?? 0 };
}

/**
 * Gives memory back to the system: the pages of the program file, most of which only the start
 * needed (those still in use come back from the page cache), and free heap outside of V8. Runs on
 * a thread of the pool; resolves when it is done.
 */
export function releaseMemory(): Promise<void> {
  return new Promise((resolve) => {
    loadBinding().releaseMemory(resolve);
  });
}
