/** Owns what an edge does about one stream: fetches it while it is wanted here and published by nobody, or hands it on. */
import type { RtmpRequest } from '../../rtmp/request';
import type { VhostOptions } from '../config/config';
import type { SourceObserver } from '../stream/publisher';
import type { Source } from '../stream/source';

import type { EdgeParts } from './edge-parts';
import type { EdgePushes } from './edge-pushes';
import { Pull } from './pull';

/** From the making of a stream to its end, or that of its vhost. */
export class EdgeStream implements SourceObserver {
  readonly source: Source;
  readonly #parts: EdgeParts;
  readonly #pushes: Pick<EdgePushes, 'attach' | 'detach'>;
  readonly #unobserve: () => void;
  #vhost: VhostOptions;
  /** What the newest who wants it asked for. */
  #request: RtmpRequest | undefined;
  #pull: Pull | undefined;
  #unwatch: (() => void) | undefined;
  #isClosed = false;

  constructor(
    parts: EdgeParts,
    source: Source,
    vhost: VhostOptions,
    pushes: Pick<EdgePushes, 'attach' | 'detach'>,
  ) {
    this.source = source;
    this.#parts = parts;
    this.#pushes = pushes;
    this.#vhost = vhost;
    this.#request = source.wantedBy && { ...source.wantedBy };
    this.#unobserve = source.observe(this);
  }

  get pull(): Pull | undefined {
    return this.#pull;
  }

  /** Fetches the stream, or waits to be told who has it, if there is reason to. */
  consider(): void {
    const { source } = this;
    const isNeeded = source.isWanted && source.publisher === undefined && !this.#isClosed;
    if (!isNeeded) {
      this.#unwatch?.();
      this.#unwatch = undefined;
      return;
    }
    if (this.#vhost.mode === 'remote') this.#fetch();
    this.#unwatch ??= this.#parts.finder?.watch(source.name, (words) => {
      if (this.#pull) this.#pull.found(words);
      else this.#fetch();
    });
  }

  /** The request changes with what its client asks for next. */
  onWanted(request: RtmpRequest): void {
    this.#request = { ...request };
    this.#pull?.wanted(this.#request);
    this.consider();
  }

  onUnwanted(): void {
    this.#pull?.unwanted();
    this.consider();
  }

  onPublish(): void {
    const { publisher } = this.source;
    this.consider();
    if (!publisher || publisher === this.#pull) return;
    this.#pull?.onReplaced(publisher.contextId);
    this.#pushes.attach(publisher.contextId, this.source);
  }

  /** The publisher is about to leave: what follows can be told when it has. */
  onUnpublish(): void {
    const { publisher } = this.source;
    if (publisher && publisher !== this.#pull) this.#pushes.detach(publisher.contextId);
    setImmediate(() => {
      this.consider();
    });
  }

  setVhost(vhost: VhostOptions): void {
    this.#vhost = vhost;
    this.#pull?.setVhost(vhost);
  }

  /** Ends all of it; idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#unobserve();
    this.consider();
    this.#pull?.stop();
    this.#pull = undefined;
  }

  #fetch(): void {
    if (this.#pull || !this.#request) return;
    const pull = new Pull(this.#parts, this.source, this.#vhost, this.#request, () => {
      this.#pull = undefined;
      // What it knew is out of date: to be told anew.
      this.#unwatch?.();
      this.#unwatch = undefined;
      this.consider();
    });
    this.#pull = pull;
    pull.start();
  }
}
