/** Owns what the tests of connections upstream share: an engine, origins, and owners that take notes. */
import assert from 'node:assert/strict';

import { UpstreamConnection } from '../../../../src/app/upstream/connection';
import type { UpstreamHandler, UpstreamParts } from '../../../../src/app/upstream/connection';
import { Resolver } from '../../../../src/app/upstream/resolver';
import { parseUpstream, urlOf } from '../../../../src/app/upstream/target';
import type { UpstreamError } from '../../../../src/app/upstream/upstream-error';
import { systemClock } from '../../../../src/core/clock';
import { Engine } from '../../../../src/net/engine';
import type { AmfObject } from '../../../../src/rtmp/amf0-value';
import { RecordingLogger } from '../../../support/fakes/recording-logger';
import { eventually, Waits } from '../../../support/waits';

import { FakeOrigin } from './fake-origin';
import type { Behaviour } from './fake-origin';

const names = { vhost: '__defaultVhost__', app: 'live', param: '', stream: 's', streamParam: '' };

/** What an owner does once it is connected. */
type Deed = 'publish' | 'play' | 'nothing';

/** How a connection is made. */
export interface Asking {
  readonly does?: Deed;
  readonly verify?: boolean;
  readonly timeoutMs?: number;
  readonly firstByteMs?: number;
  readonly identify?: boolean;
  readonly args?: AmfObject;
  readonly resolver?: UpstreamParts['resolver'];
  readonly turns?: UpstreamParts['turns'];
}

/** A name server that knows these addresses only. */
export function knowing(addresses: readonly string[]): UpstreamParts['resolver'] {
  return { addresses: () => Promise.resolve(addresses), services: () => Promise.resolve([]) };
}

/** An owner of a connection that takes notes. */
export class Owner implements UpstreamHandler {
  readonly events: string[] = [];
  readonly log = new RecordingLogger(321);
  error: UpstreamError | undefined;
  connection: UpstreamConnection | undefined;
  readonly #does: Deed;
  readonly #waits = new Waits(() => this.events.join(', '));

  constructor(does: Deed) {
    this.#does = does;
  }

  onConnected(): void {
    this.#note('connected');
    if (this.#does !== 'nothing') this.connection![this.#does]();
  }
  onPublishing(): void {
    this.#note('publishing');
  }
  onPlaying(): void {
    this.#note('playing');
  }
  onStatus({ code }: { code: string }): void {
    this.#note(code);
  }
  onMedia(header: { type: number; timestamp: number }): void {
    this.#note(`media ${header.type} ${header.timestamp}`);
  }
  onMetadata(_header: unknown, metadata: AmfObject): void {
    this.#note(`metadata ${metadata.entries.size}`);
  }
  onDataMessage(): void {
    this.#note('data');
  }
  onPong(): void {
    this.#note('pong');
  }
  onEnd(error: UpstreamError): void {
    this.error = error;
    this.#note('end');
  }

  until(event: string): Promise<void> {
    return this.#waits.until(event, () => this.events.includes(event));
  }

  #note(event: string): void {
    this.events.push(event);
    this.#waits.look();
  }
}

/** One test's engine, and what was made with it. */
export class UpstreamBench {
  readonly engine = new Engine(new RecordingLogger());
  readonly #origins: FakeOrigin[] = [];
  readonly #owners: Owner[] = [];

  async origin(behaviour?: Behaviour, isSecure?: boolean): Promise<FakeOrigin> {
    const made = await FakeOrigin.start(behaviour, isSecure);
    this.#origins.push(made);
    return made;
  }

  /** Connects; it publishes unless told otherwise. */
  reach(word: string, asking: Asking = {}): Owner {
    const { does = 'publish', verify = true, identify = false, ...more } = asking;
    const { resolver = new Resolver(() => []), turns, ...rest } = more;
    const owner = new Owner(does);
    const parsed = parseUpstream(word);
    const { schema, host, port } = parsed;
    const server = { schema, host, port, priority: 0, weight: 1, label: `${host}:${port}` };
    const url = urlOf({ ...server, word: parsed }, names);
    owner.connection = new UpstreamConnection(
      { engine: this.engine, resolver, turns, clock: systemClock, serverIp: () => '192.0.2.7' },
      { url, verify, identify, log: owner.log, chunkSize: 4096, ...rest },
      owner,
    );
    this.#owners.push(owner);
    return owner;
  }

  /** Resolves when no socket of ours is left. */
  async untilClosed(): Promise<void> {
    await eventually('all sockets closed', () => this.engine.stats.sockets === 0);
  }

  async close(): Promise<void> {
    for (const { connection } of this.#owners) connection?.close();
    for (const origin of this.#origins) await origin.close();
    await this.untilClosed();
    this.engine.close();
  }
}

/** How it ends: once. */
export async function endOf(owner: Owner): Promise<UpstreamError> {
  await owner.until('end');
  assert.equal(owner.events.filter((event) => event === 'end').length, 1);
  assert.ok(owner.connection?.isClosed);
  assert.ok(owner.error);
  return owner.error;
}
