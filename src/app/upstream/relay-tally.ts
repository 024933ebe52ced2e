/** Owns what a relay has sent so far, over all its connections. */
import { Kbps } from '../stats/kbps';

/** Counters of one connection. */
export interface ConnectionCounters {
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Of the stream. */
  readonly messages: number;
  /** Of the stream, left out since the server took too little. */
  readonly dropped: number;
}

const nothing: ConnectionCounters = { bytesSent: 0, bytesReceived: 0, messages: 0, dropped: 0 };

/** Sums; a connection may forget its counters when it closes, so what it told last counts. */
export class RelayTally {
  /** Of the connections before. */
  #past = nothing;
  /** Of the present one, as of the last look. */
  #present = nothing;
  #sentRate: Kbps | undefined;
  #receivedRate: Kbps | undefined;
  #sinceMs = 0;

  /** Another connection begins. */
  begin(nowMs: number): void {
    this.#past = this.total;
    this.#present = nothing;
    this.#sinceMs = nowMs;
    this.#sentRate = new Kbps(nowMs);
    this.#receivedRate = new Kbps(nowMs);
  }

  /** What the present connection tells now. */
  look(counters: ConnectionCounters): void {
    this.#present = larger(this.#present, counters);
  }

  get total(): ConnectionCounters {
    const [past, present] = [this.#past, this.#present];
    return {
      bytesSent: past.bytesSent + present.bytesSent,
      bytesReceived: past.bytesReceived + present.bytesReceived,
      messages: past.messages + present.messages,
      dropped: past.dropped + present.dropped,
    };
  }

  /** Of the present connection: `time=…, msgs=…, okbps=a,b,c, ikbps=a,b,c`, and what was dropped. */
  line(nowMs: number): string {
    const { bytesSent, bytesReceived, messages, dropped } = this.#present;
    const sent = this.#sentRate?.sample(nowMs, bytesSent);
    const received = this.#receivedRate?.sample(nowMs, bytesReceived);
    const drops = dropped > 0 ? `, dropped=${dropped}` : '';
    return (
      `time=${Math.round(nowMs - this.#sinceMs)}, msgs=${messages}, ` +
      `okbps=${String(sent)}, ikbps=${String(received)}${drops}`
    );
  }
}

function larger(a: ConnectionCounters, b: ConnectionCounters): ConnectionCounters {
  return {
    bytesSent: Math.max(a.bytesSent, b.bytesSent),
    bytesReceived: Math.max(a.bytesReceived, b.bytesReceived),
    messages: Math.max(a.messages, b.messages),
    dropped: Math.max(a.dropped, b.dropped),
  };
}
