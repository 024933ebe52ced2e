/** Owns the names of the queues by which events are told: one per client or stream, and server. */
import type { StreamName } from '../stream/sink';

import type { HookEvent } from './options';

/** The queue of an owner to the server of a URL. */
export function laneOf(owner: string, url: string): string {
  return `${owner}\n${originOf(url)}`;
}

/** A stream as owner of a queue of one event; a line feed is in no name. */
export function streamLane(event: HookEvent, { vhost, app, stream }: StreamName): string {
  return `${event}\n${vhost}\n${app}\n${stream}`;
}

/** What is no URL is a server of its own. */
function originOf(url: string): string {
  try {
    return new URL(url).origin;
  } catch {
    return url;
  }
}
