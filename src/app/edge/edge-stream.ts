/** Owns what an edge does about one stream: fetches it while it is wanted here and published by nobody, or hands it on. */
import type { RtmpRequest } from '../../rtmp/request';
import type { VhostOptions } from '../config/config';
import type { SourceObserver } from '../stream/publisher';
import type { Source } from '../stream/source';

import { askedBy, askedVia, viaOf } from './asked';
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
  /** Marks of the servers that want it or wait for one who does. */
  readonly #via = new Set<string>();
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
    if (source.wantedBy) this.#ask(source.wantedBy);
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

  onWanted(request: RtmpRequest): void {
    const asked = this.#ask(request);
    this.#pull?.wanted(asked);
    this.consider();
  }

  onUnwanted(): void {
    this.#via.clear();
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

  /** How it is asked for upstream from now on. */
  #ask(request: RtmpRequest): RtmpRequest {
    for (const mark of viaOf(request)) this.#via.add(mark);
    this.#request = askedVia(askedBy(request), [...this.#via, this.#parts.mark]);
    return this.#request;
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
    this.#parts.lookAfter();
    pull.start();
  }
}
