/**
 * Owns the pace of periodic status lines: about one line per interval per stage, whatever the
 * number of clients, each client in its turn. One timer per busy stage, none per client.
 */
import type { Clock } from '../../core/clock';

/** What kinds of workers print status lines; the names are those of the `pithy_print` block. */
export type PithyStage = 'publish' | 'play' | 'forwarder' | 'encoder' | 'ingester' | 'hls' | 'edge';

/** Writes one status line. `ageMs`: whole milliseconds since the member joined (`time=` field). */
export type PithyLine = (ageMs: number) => void;

interface Member {
  readonly print: PithyLine;
  readonly joinedMs: number;
}

/** The members of one stage, next to print first. */
class StageRotation {
  readonly #members = new Set<Member>();
  #intervalMs: number;
  readonly #clock: Clock;
  #timer: NodeJS.Timeout | undefined;

  constructor(intervalMs: number, clock: Clock) {
    this.#intervalMs = intervalMs;
    this.#clock = clock;
  }

  join(print: PithyLine): () => void {
    const member = { print, joinedMs: this.#clock.nowMs() };
    this.#members.add(member);
    this.#start();
    return () => {
      this.#members.delete(member);
      if (this.#members.size === 0) this.#stop();
    };
  }

  /** Prints at another interval from now on. */
  setInterval(intervalMs: number): void {
    if (this.#intervalMs === intervalMs) return;
    this.#intervalMs = intervalMs;
    if (this.#timer === undefined) return;
    this.#stop();
    this.#start();
  }

  clear(): void {
    this.#members.clear();
    this.#stop();
  }

  #start(): void {
    this.#timer ??= setInterval(() => {
      this.#printNext();
    }, this.#intervalMs).unref();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #printNext(): void {
    for (const member of this.#members) {
      this.#members.delete(member);
      this.#members.add(member);
      member.print(Math.round(this.#clock.nowMs() - member.joinedMs));
      return;
    }
  }
}

/** All stages. Workers join the stage they are in and leave it when they end. */
export class PithyPrint {
  #intervalsMs: Readonly<Record<PithyStage, number>>;
  readonly #clock: Clock;
  readonly #stages = new Map<PithyStage, StageRotation>();

  /** `intervalsMs`: milliseconds between two lines of a stage. */
  constructor(intervalsMs: Readonly<Record<PithyStage, number>>, clock: Clock) {
    this.#intervalsMs = intervalsMs;
    this.#clock = clock;
  }

  /** Enters a stage; the returned function leaves it again (harmless when called twice). */
  join(stage: PithyStage, print: PithyLine): () => void {
    let rotation = this.#stages.get(stage);
    if (rotation === undefined) {
      rotation = new StageRotation(this.#intervalsMs[stage], this.#clock);
      this.#stages.set(stage, rotation);
    }
    return rotation.join(print);
  }

  /** Takes other intervals, those that are running included. */
  setIntervals(intervalsMs: Readonly<Record<PithyStage, number>>): void {
    this.#intervalsMs = intervalsMs;
    for (const [stage, rotation] of this.#stages) rotation.setInterval(intervalsMs[stage]);
  }

  /** Ends all stages; nothing prints any more. */
  close(): void {
    for (const rotation of this.#stages.values()) rotation.clear();
  }
}
