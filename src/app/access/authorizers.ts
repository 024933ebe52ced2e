/** Owns the order of several authorizers, which are asked as if they were one. */
import { refusalOfGone } from './access';
import type { AccessAction, Authorizer, ClientIdentity, Refusal } from './access';

type Verdict = ReturnType<Authorizer['authorize']>;

/**
 * Asks one after the other; the first that refuses says so, and those that had allowed it are told that it is over. About
 * a client that leaves meanwhile nobody else is asked.
 */
export class Authorizers implements Authorizer {
  readonly #list: readonly Authorizer[];

  constructor(list: readonly Authorizer[]) {
    this.#list = list;
  }

  authorize(action: AccessAction, client: ClientIdentity): Verdict {
    return this.#ask(0, action, client);
  }

  ended(action: AccessAction, client: ClientIdentity): void {
    this.#end(this.#list.length, action, client);
  }

  /** Asks those from `first` on; waits only for one who takes time. */
  #ask(first: number, action: AccessAction, client: ClientIdentity): Verdict {
    for (const [at, authorizer] of this.#list.entries()) {
      if (at < first) continue;
      const verdict = this.#askOne(at, authorizer, action, client);
      if (verdict instanceof Promise) return this.#await(at, verdict, action, client);
      if (!verdict) continue;
      this.#end(at, action, client);
      return verdict;
    }
    return undefined;
  }

  #askOne(
    at: number,
    authorizer: Authorizer,
    action: AccessAction,
    client: ClientIdentity,
  ): Verdict {
    try {
      return authorizer.authorize(action, client);
    } catch (error) {
      this.#end(at, action, client);
      throw error;
    }
  }

  async #await(
    at: number,
    verdict: Promise<Refusal | undefined>,
    action: AccessAction,
    client: ClientIdentity,
  ): Promise<Refusal | undefined> {
    let isAllowed = false;
    try {
      const refusal = await verdict;
      isAllowed = refusal === undefined;
      if (refusal) return refusal;
    } finally {
      if (!isAllowed) this.#end(at, action, client);
    }
    if (client.isClosing !== true) return this.#ask(at + 1, action, client);
    this.#end(at + 1, action, client);
    return refusalOfGone(action);
  }

  /** It is over for those before `count`, the last first. */
  #end(count: number, action: AccessAction, client: ClientIdentity): void {
    for (const authorizer of this.#list.slice(0, count).reverse()) authorizer.ended(action, client);
  }
}
