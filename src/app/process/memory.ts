/** Owns what keeps the server's memory small on boards that have little of it. */
import { setFlagsFromString } from 'node:v8';

/** After this time nothing of the start is needed any more, milliseconds. */
const SETTLED_MS = 2000;
/** How often memory that got free is given back, milliseconds. */
const INTERVAL_MS = 10_000;

/**
 * To be called first: keeps V8's space for new objects at its initial megabyte. Objects here either
 * die within a turn of the loop or live as long as a connection, so a larger one gains nothing and
 * holds up to 32 MB.
 */
export function limitHeapGrowth(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** Calls `release` once the start is over and regularly from then on, without holding the process. */
export function keepMemorySmall(release: () => Promise<void>): void {
  const run = (): void => {
    void release();
  };
  setTimeout(run, SETTLED_MS).unref();
  setInterval(run, INTERVAL_MS).unref();
}
