/** Owns what is known of clients while they are here: what they were allowed, and in which order its end is told. */
import type { AccessAction, ClientIdentity } from '../access/access';

import type { HookOptions } from './options';
import type { HookSubject } from './payload';

/** Something that a client was allowed. */
export interface Allowed {
  readonly action: AccessAction;
  readonly subject: HookSubject;
  /** As they were then: the vhost may be gone at the end. */
  readonly options: HookOptions;
}

/** One client: what it was allowed, and what has not ended. */
export class Visit {
  readonly #allowed: Allowed[] = [];
  /** Plays and publishes whose answer has not come. */
  #asked = 0;
  readonly #held: (() => void)[] = [];

  /** A server is being asked. */
  ask(action: AccessAction): void {
    if (action !== 'connect') this.#asked += 1;
  }

  /** The answer has come. */
  answer(allowed: Allowed, isAllowed: boolean): void {
    if (allowed.action !== 'connect') this.#asked -= 1;
    if (isAllowed) this.allow(allowed);
    else this.#release();
  }

  allow(allowed: Allowed): void {
    this.#allowed.push(allowed);
  }

  /** Something has ended, the latest of its kind: what it was; undefined when it was not allowed here. */
  end(action: AccessAction): Allowed | undefined {
    const index = this.#allowed.map((allowed) => allowed.action).lastIndexOf(action);
    return index < 0 ? undefined : this.#allowed.splice(index, 1)[0];
  }

  /** Runs when no play or publish is left, or still to be answered: a client that has left may be answered yet. */
  whenQuiet(run: () => void): void {
    this.#held.push(run);
    this.#release();
  }

  /** To be called when the end of a play or publish was told. */
  ended(): void {
    this.#release();
  }

  #release(): void {
    const isBusy = this.#asked > 0 || this.#allowed.some(({ action }) => action !== 'connect');
    if (isBusy) return;
    for (const run of this.#held.splice(0)) run();
  }
}

/** The visits of all clients of vhosts with hooks. */
export class Visits {
  readonly #visits = new WeakMap<ClientIdentity, Visit>();

  find(client: ClientIdentity): Visit | undefined {
    return this.#visits.get(client);
  }

  /**
   * The visit of a client that asks for something. One that is first seen when it plays or publishes came while its
   * vhost had no hooks: it has been let in.
   */
  of(client: ClientIdentity, { action, subject, options }: Allowed): Visit {
    let visit = this.#visits.get(client);
    if (!visit) {
      visit = new Visit();
      this.#visits.set(client, visit);
      if (action !== 'connect') visit.allow({ action: 'connect', subject, options });
    }
    return visit;
  }
}
