/** Owns the pushes of an edge by their clients, and the rule that a stream has one. */
import { ErrorCode, SrsError } from '../../core/errors';
import { RefusalStatus } from '../access/access';
import type { ClientIdentity, Refusal } from '../access/access';
import type { VhostOptions } from '../config/config';
import type { StreamName } from '../stream/sink';
import { streamKey } from '../stream/source';
import type { Source } from '../stream/source';

import type { EdgeParts } from './edge-parts';
import { EdgePush } from './edge-push';
import type { PushStatus } from './edge-push';

/** All pushes. */
export class EdgePushes {
  readonly #parts: EdgeParts;
  /** By context id of the client. */
  readonly #pushes = new Map<number, EdgePush>();

  constructor(parts: EdgeParts) {
    this.#parts = parts;
  }

  get isIdle(): boolean {
    return this.#pushes.size === 0;
  }

  status(): PushStatus[] {
    return Array.from(this.#pushes.values(), (push) => push.status);
  }

  /** Whether an origin lets the client publish; undefined when one does, and then it is held open. */
  async open(client: ClientIdentity, vhost: VhostOptions): Promise<Refusal | undefined> {
    if (vhost.origin.length === 0) return noOrigin(vhost);
    const push = new EdgePush(this.#parts, client, vhost);
    const others = this.#of(push.stream);
    const waiting = others.find(({ isAttached }) => !isAttached);
    if (waiting) return taken(push.stream, waiting.client.id);
    for (const other of others) other.yield();
    this.#pushes.set(client.id, push);
    const refusal = await push.open(others.length > 0);
    if (refusal) this.#forget(push);
    return refusal;
  }

  /** A client has published a stream: what it sends goes to the origin. */
  attach(clientId: number, source: Source): void {
    this.#pushes.get(clientId)?.attach(source);
  }

  /** It does not any more. */
  detach(clientId: number): void {
    this.#pushes.get(clientId)?.detach();
  }

  /** What the client was allowed has ended. */
  ended(client: ClientIdentity): void {
    const push = this.#pushes.get(client.id);
    if (push?.client !== client) return;
    push.close(new SrsError(ErrorCode.SOCKET_CLOSED, 'the client has left'));
    this.#forget(push);
  }

  setVhost(vhost: VhostOptions): void {
    for (const push of this.#pushes.values()) {
      if (push.stream.vhost === vhost.name) push.setVhost(vhost);
    }
  }

  /** To be called a few times a second. */
  check(nowMs: number): void {
    for (const push of this.#pushes.values()) push.check(nowMs);
  }

  /** Ends those of a vhost, or all; clients that wait for an answer are refused. */
  close(vhost: string | undefined, reason: string): void {
    for (const push of this.#pushes.values()) {
      if (vhost !== undefined && push.stream.vhost !== vhost) continue;
      push.close(new SrsError(ErrorCode.SOCKET_CLOSED, reason));
    }
  }

  /** One that had made room for this goes on. */
  #forget(push: EdgePush): void {
    const { id } = push.client;
    if (this.#pushes.get(id) === push) this.#pushes.delete(id);
    for (const other of this.#of(push.stream)) other.resume();
  }

  #of(stream: StreamName): EdgePush[] {
    const key = streamKey(stream);
    return [...this.#pushes.values()].filter((push) => streamKey(push.stream) === key);
  }
}

function noOrigin({ name }: VhostOptions): Refusal {
  return {
    code: ErrorCode.EDGE_VHOST_REMOVED,
    status: RefusalStatus.publish,
    description: `vhost ${name} has no origin to publish to`,
  };
}

function taken(stream: StreamName, byId: number): Refusal {
  return {
    code: ErrorCode.RTMP_EDGE_PUBLISH_STATE,
    status: RefusalStatus.badName,
    description: `stream ${streamKey(stream)} is about to be published by id=${byId}`,
  };
}
