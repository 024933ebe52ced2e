/** Owns the end of a connection that has to be over soon, whether its peer takes what it is sent or not. */
import type { Channel } from './socket';

/**
 * Closes in good order if the peer takes what waits, and the last words of `say`, within `timeoutMs`; else just so.
 * Nothing may be written afterwards. Uses one timer, and none for a peer that keeps up.
 */
export function endWithin(
  channel: Pick<Channel, 'pendingBytes' | 'setTimeouts' | 'end' | 'destroy'>,
  timeoutMs: number,
  say: () => void,
): void {
  const hasTaken = channel.pendingBytes === 0;
  say();
  channel.setTimeouts(0, timeoutMs);
  if (hasTaken) {
    // The last words are all that waits: there is room for them as soon as there is room at all.
    channel.end();
    return;
  }
  // An end that has begun cannot be cut short, so that it does not begin before all is taken.
  setTimeout(() => {
    if (channel.pendingBytes === 0) channel.end();
    else channel.destroy();
  }, timeoutMs).unref();
}
