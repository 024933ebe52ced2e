/** Owns all calls of hook servers: how many at a time each server gets, and that all of them can be ended. */
import type { Clock } from '../../core/clock';
import { Slots } from '../../core/slots';

import { Agents } from './agents';
import { OutgoingCall } from './http-call';
import type { HttpAsk, HttpCall } from './http-call';

/** Calls at a time to one server whose answer a client waits for. */
const MAX_VERDICTS = 256;
/** The same for what is only told; apart, so that neither holds up the other. */
const MAX_NOTICES = 64;

/** Whether a client waits for the answer. */
export type Urgency = 'verdict' | 'notice';

/** Calls servers, each within limits of its own: a slow one delays no other. */
export class HttpCaller {
  readonly #agents: Agents;
  readonly #slots = new Map<string, Slots>();
  readonly #calls = new Set<HttpCall>();

  constructor(clock: Clock) {
    this.#agents = new Agents(clock);
  }

  /** Calls whose answer has not come. */
  get size(): number {
    return this.#calls.size;
  }

  /** Servers that are being called. */
  get origins(): number {
    return this.#slots.size;
  }

  /** Calls a server as soon as it has a connection free; the time counts from now when the answer is a verdict. */
  call(ask: HttpAsk, urgency: Urgency): HttpCall {
    const key = `${urgency} ${ask.url.origin}`;
    const slots = this.#slotsOf(key, urgency);
    const call = new OutgoingCall(ask, {
      slots,
      isHurried: urgency === 'verdict',
      agent: () => this.#agents.of(ask.url, ask.caFile),
      onOver: (ended) => this.#calls.delete(ended),
      onReleased: () => {
        if (slots.isIdle) this.#slots.delete(key);
      },
    });
    this.#calls.add(call);
    return call;
  }

  /** Gives up all calls and closes all connections. */
  close(): void {
    for (const call of this.#calls) call.cancel();
    this.#agents.close();
  }

  #slotsOf(key: string, urgency: Urgency): Slots {
    let slots = this.#slots.get(key);
    if (!slots) {
      slots = new Slots(urgency === 'verdict' ? MAX_VERDICTS : MAX_NOTICES);
      this.#slots.set(key, slots);
    }
    return slots;
  }
}
