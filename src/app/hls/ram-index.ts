/** Owns the URLs of everything that HLS holds in memory. */
import type { StreamName } from '../stream/sink';

import type { HlsRequest, Resource } from './exchange';

/** Something that can be fetched. */
export interface IndexedResource {
  readonly resource: Resource;
  /** The stream that it is a part of. */
  readonly owner: StreamName;
}

/** All resources by vhost and path. A resource without vhost is there for all of them. */
export class RamIndex {
  readonly #resources = new Map<string, IndexedResource>();

  get size(): number {
    return this.#resources.size;
  }

  set(vhost: string | undefined, path: string, indexed: IndexedResource): void {
    this.#resources.set(indexKey(vhost, path), indexed);
  }

  delete(vhost: string | undefined, path: string): void {
    this.#resources.delete(indexKey(vhost, path));
  }

  find({ vhost, path }: Pick<HlsRequest, 'vhost' | 'path'>): IndexedResource | undefined {
    const ofVhost = vhost && this.#resources.get(indexKey(vhost.name, path));
    return ofVhost ?? this.#resources.get(indexKey(undefined, path));
  }
}

/** A line feed is neither in a vhost nor in a path. */
function indexKey(vhost: string | undefined, path: string): string {
  return `${vhost ?? ''}\n${path}`;
}
