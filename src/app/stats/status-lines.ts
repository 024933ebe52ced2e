/** Owns the turns in which clients of one kind print their status: one line per interval, whatever their number. */
import type { Clock } from '../../core/clock';
import type { Logger } from '../../core/logger';

import type { PithyPrint, PithyStage } from './pithy-print';

/** A client with a status to tell. */
export interface StatusMember {
  readonly log: Logger;
  /** The line, as of `nowMs`. */
  statusLine(nowMs: number): string;
}

/** The clients of one protocol in one stage; costs nothing while there are none. */
export class StatusLines {
  readonly #stage: PithyStage;
  readonly #pithyPrint: PithyPrint;
  readonly #clock: Clock;
  readonly #members = new Set<StatusMember>();
  #leave: (() => void) | undefined;

  constructor(stage: PithyStage, pithyPrint: PithyPrint, clock: Clock) {
    this.#stage = stage;
    this.#pithyPrint = pithyPrint;
    this.#clock = clock;
  }

  add(member: StatusMember): void {
    this.#members.add(member);
    this.#leave ??= this.#pithyPrint.join(this.#stage, () => {
      this.#printNext();
    });
  }

  remove(member: StatusMember): void {
    this.#members.delete(member);
    if (this.#members.size > 0) return;
    this.#leave?.();
    this.#leave = undefined;
  }

  #printNext(): void {
    for (const member of this.#members) {
      this.#members.delete(member);
      this.#members.add(member);
      member.log.trace(member.statusLine(this.#clock.nowMs()));
      return;
    }
  }
}
