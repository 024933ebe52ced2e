/** Owns what operators add while the server runs: which streams are to be copied, and where to. */
import { describeError, ErrorCode, SrsError } from '../../core/errors';
import type { StreamNames } from '../stats/stat-types';
import { parseUpstream } from '../upstream/target';

/** Most of them. */
const MAX_DESTINATIONS = 1000;
/** In the place of a name: every app, every stream. */
const ALL = '*';

/** What is to be copied, and where to. */
export interface ForwardWish extends StreamNames {
  readonly url: string;
}

/** A wish, and the id by which it is removed. */
export interface AddedDestination extends ForwardWish {
  readonly id: number;
  /** The url without its key. */
  readonly label: string;
  /** Epoch milliseconds. */
  readonly addedMs: number;
}

/** All that was added and not removed, in that order. */
export class AddedDestinations {
  readonly #byId = new Map<number, AddedDestination>();

  [Symbol.iterator](): Iterator<AddedDestination> {
    return this.#byId.values();
  }

  /**
   * Adds a wish; one that is there already keeps its id.
   *
   * @throws SrsError REQUEST_DATA (3065) for a url that means nothing, and above the limit
   */
  add(wish: ForwardWish, nextId: () => number, nowMs: number): AddedDestination {
    const label = labelOf(wish.url);
    for (const added of this) {
      if (KEYS.every((key) => added[key] === wish[key])) return added;
    }
    if (this.#byId.size >= MAX_DESTINATIONS) {
      throw bad(`expect at most ${MAX_DESTINATIONS} destinations to be added, remove some first`);
    }
    const { vhost, app, stream, url } = wish;
    const added = { id: nextId(), vhost, app, stream, url, label, addedMs: nowMs };
    this.#byId.set(added.id, added);
    return added;
  }

  /** False when there is none of that id. */
  remove(id: number): boolean {
    return this.#byId.delete(id);
  }

  /** Those that a stream fits. */
  of({ vhost, app, stream }: StreamNames): AddedDestination[] {
    return [...this.#byId.values()].filter(
      (added) =>
        added.vhost === vhost &&
        (added.app === ALL || added.app === app) &&
        (added.stream === ALL || added.stream === stream),
    );
  }
}

const KEYS = ['vhost', 'app', 'stream', 'url'] as const;

function labelOf(url: string): string {
  try {
    return parseUpstream(url).text;
  } catch (error) {
    if (!(error instanceof SrsError)) throw error;
    throw bad(describeError(error));
  }
}

function bad(message: string): SrsError {
  return new SrsError(ErrorCode.REQUEST_DATA, message);
}
