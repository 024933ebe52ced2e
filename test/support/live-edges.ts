/** Owns what tests of edges share: their configuration, media that can be told apart, and watching players. */
import assert from 'node:assert/strict';

import type { LivePeer, Message } from './live-peer';
import { vhost } from './live-server';
import type { LiveServer } from './live-server';
import { avcInterFrame, avcKeyFrame, avcSequenceHeader } from './media';

/** What can be connected to: a server, or a proxy in front of it. */
export interface Reachable {
  readonly port: number;
}

/** The word of `origin` for it. */
function wordOf({ port }: Reachable): string {
  return `127.0.0.1:${port}`;
}

/** The configuration of an edge of these origins that sends and gives up at once. */
export function edgeOf(origins: readonly Reachable[], options = '', others = ''): string {
  const origin = origins.length === 0 ? '' : `origin ${origins.map(wordOf).join(' ')};`;
  return vhost(`mode remote; ${origin} min_latency on; edge_timeout 0.5; ${options}`, others);
}

type Sent = Pick<Message, 'type' | 'timestamp' | 'payload'>;

/** A header, a key frame and three others from a time on; `name` tells them from those of another group. */
export function group(from: number, name: string): Sent[] {
  const frame = (ms: number, payload: Buffer): Sent => ({ type: 9, timestamp: from + ms, payload });
  return [
    frame(0, avcSequenceHeader()),
    frame(0, avcKeyFrame(name)),
    ...[40, 80, 120].map((ms) => frame(ms, avcInterFrame(`${name}${ms}`))),
  ];
}

/** One player, who watches the order of what he gets. */
export class Watcher {
  readonly peer: LivePeer;
  #lastMs = 0;

  constructor(peer: LivePeer) {
    this.peer = peer;
  }

  /** The key frame of that name and all after it come, their time does not go back; what comes before is passed over. */
  async sees(name: string): Promise<void> {
    const [, key, ...rest] = group(0, name);
    const first = await this.peer.next(`group ${name}`, (message) => {
      this.#watch(message);
      return message.payload.equals(key!.payload);
    });
    assert.ok(first.timestamp >= 0);
    for (const { payload } of rest) {
      const [message] = await this.peer.media(1);
      assert.equal(message?.payload.toString('latin1'), payload.toString('latin1'));
      this.#watch(message);
    }
  }

  #watch({ type, timestamp }: Message): void {
    if (type !== 8 && type !== 9) return;
    assert.ok(timestamp >= this.#lastMs, `${timestamp} after ${this.#lastMs}`);
    this.#lastMs = timestamp;
  }
}

/** A player of a server that watches. */
export async function watch(live: LiveServer, stream = 's'): Promise<Watcher> {
  return new Watcher(await live.player(stream));
}

/** Which of the servers an edge has asked last. */
export function askedLast<T extends Reachable>(edge: LiveServer, origins: readonly T[]): T {
  const line = edge.log
    .matching(' edge pull ')
    .filter((text) => text.includes('url='))
    .at(-1);
  const found = origins.find(({ port }) => line?.includes(`:${port}/`));
  assert.ok(found, `no origin in ${String(line)}`);
  return found;
}
