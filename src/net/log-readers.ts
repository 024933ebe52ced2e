/** Owns the pulled players of one log, grouped by their flush interval. */
import type { Engine } from './engine';
import { LogReader } from './log-reader';
import type { LogFormat, PulledPlayer } from './log-reader';
import type { Flushable } from './log-reader-pump';

/** The players of one log with one flush interval: they are flushed together. */
class ReaderGroup implements Flushable {
  readonly flushMs: number;
  readonly readers = new Set<LogReader>();

  constructor(flushMs: number) {
    this.flushMs = flushMs;
  }

  flush(): void {
    for (const reader of this.readers) reader.flush();
  }
}

interface Place {
  readonly reader: LogReader;
  group: ReaderGroup;
}

/** The pulled players of one log. */
export class LogReaders {
  readonly #engine: Engine;
  readonly #log: number;
  readonly #places = new Map<PulledPlayer, Place>();
  readonly #groups: ReaderGroup[] = [];

  constructor(engine: Engine, log: number) {
    this.#engine = engine;
    this.#log = log;
  }

  get isEmpty(): boolean {
    return this.#places.size === 0;
  }

  /** The log has grown. */
  onAppend(): void {
    for (const group of this.#groups) this.#engine.readerPumps.add(group, group.flushMs);
  }

  add(player: PulledPlayer, streamId: number, flushMs: number, format: LogFormat): void {
    this.remove(player);
    const place = { log: this.#log, streamId, format };
    const reader = new LogReader(this.#engine, player, place, (error) => {
      this.remove(player);
      this.#engine.reportFailure(error);
    });
    const group = this.#groupOf(flushMs);
    group.readers.add(reader);
    this.#places.set(player, { reader, group });
  }

  remove(player: PulledPlayer): void {
    const place = this.#places.get(player);
    if (place === undefined) return;
    this.#places.delete(player);
    this.#leave(place);
    place.reader.close();
  }

  /** The reader of a player; undefined when it has none, also after its code threw. */
  get(player: PulledPlayer): LogReader | undefined {
    return this.#places.get(player)?.reader;
  }

  /** 0 hands on what waits before this returns: ahead of anything the owner sends next, or an end. */
  setFlushMs(player: PulledPlayer, flushMs: number): void {
    const place = this.#places.get(player);
    if (place === undefined) return;
    const changes = place.group.flushMs !== flushMs;
    if (changes) {
      this.#leave(place);
      place.group = this.#groupOf(flushMs);
      place.group.readers.add(place.reader);
    }
    if (flushMs === 0) place.reader.flush();
    else if (changes) place.reader.wake();
  }

  close(): void {
    for (const player of [...this.#places.keys()]) this.remove(player);
  }

  #groupOf(flushMs: number): ReaderGroup {
    let group = this.#groups.find((one) => one.flushMs === flushMs);
    if (group === undefined) this.#groups.push((group = new ReaderGroup(flushMs)));
    return group;
  }

  #leave(place: Place): void {
    const { group, reader } = place;
    group.readers.delete(reader);
    if (group.readers.size > 0) return;
    this.#groups.splice(this.#groups.indexOf(group), 1);
    this.#engine.readerPumps.remove(group);
  }
}
