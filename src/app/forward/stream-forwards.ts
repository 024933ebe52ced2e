/** Owns all copies of one stream: which there are to be, from when to when. */
import { describeError, SrsError } from '../../core/errors';
import type { VhostOptions } from '../config/config';
import type { Source } from '../stream/source';
import { Backoff } from '../upstream/backoff';

import type { AddedDestinations } from './added-destinations';
import { BackendInquiry } from './backend-inquiry';
import type { ForwardPublish } from './forward-parts';
import { Forwarder } from './forwarder';
import type { ForwarderHost, ForwardOrigin } from './forwarder';

/** First and longest wait before the backend is asked again. */
const MIN_ASK_MS = 1000;
const MAX_ASK_MS = 30_000;

/** The forwarders of a source, by where they go. */
export class StreamForwards {
  readonly #host: ForwarderHost;
  readonly #source: Source;
  readonly #added: AddedDestinations;
  #vhost: VhostOptions | undefined;
  readonly #forwarders = new Map<string, Forwarder>();
  /** Words that mean nothing, told once for each publish. */
  readonly #refused = new Set<string>();
  #inquiry: BackendInquiry | undefined;
  /** What the backend answered. */
  #answered: readonly string[] = [];
  readonly #unobserve: () => void;

  constructor(host: ForwarderHost, source: Source, added: AddedDestinations) {
    this.#host = host;
    this.#source = source;
    this.#added = added;
    this.#unobserve = source.observe({
      onPublish: () => {
        this.#begin();
      },
      onUnpublish: () => {
        this.#inquiry?.cancel();
        // Whoever takes the stream over does so at once: the copies go on with him.
        queueMicrotask(() => {
          if (this.#source.publisher === undefined) this.#end();
        });
      },
    });
  }

  get forwarders(): Iterable<Forwarder> {
    return this.#forwarders.values();
  }

  /** Takes the options of the vhost, undefined where it is not served any more: what no change concerns goes on. */
  setVhost(vhost: VhostOptions | undefined): void {
    const before = this.#vhost;
    this.#vhost = vhost;
    if (this.#source.publisher === undefined) return;
    for (const [text, forwarder] of this.#forwarders) {
      if (vhost === undefined || forwarder.setVhost(vhost)) continue;
      forwarder.stop();
      this.#forwarders.delete(text);
    }
    if (backendOf(before) !== backendOf(vhost)) this.#ask();
    this.refresh();
  }

  /** Begins and ends copies so that there are those that are wanted. */
  refresh(): void {
    const wanted = this.#wanted();
    for (const [text, forwarder] of this.#forwarders) {
      if (wanted.has(text)) continue;
      forwarder.stop();
      this.#forwarders.delete(text);
    }
    for (const [text, origin] of wanted) {
      const forwarder = this.#forwarders.get(text);
      if (forwarder) forwarder.origin = origin;
      else this.#start(text, origin);
    }
  }

  /** Ends all copies, for good. */
  close(): void {
    this.#unobserve();
    this.#end();
  }

  #begin(): void {
    for (const forwarder of this.#forwarders.values()) forwarder.tellSource('goes on');
    this.#refused.clear();
    this.#ask();
    this.refresh();
  }

  #end(): void {
    this.#inquiry?.cancel();
    this.#answered = [];
    for (const forwarder of this.#forwarders.values()) forwarder.stop();
    this.#forwarders.clear();
  }

  /** The same place is gone to once, whoever wants it. */
  #wanted(): Map<string, ForwardOrigin> {
    const wanted = new Map<string, ForwardOrigin>();
    const { forward } = this.#vhost ?? {};
    if (!forward?.enabled || this.#source.publisher === undefined) return wanted;
    const want = (text: string, kind: ForwardOrigin['kind'], destinationId?: number): void => {
      if (!wanted.has(text)) wanted.set(text, { kind, destinationId });
    };
    for (const text of forward.destinations) want(text, 'config');
    for (const { id, url } of this.#added.of(this.#source.name)) want(url, 'api', id);
    for (const text of this.#answered) want(text, 'backend');
    return wanted;
  }

  #start(text: string, origin: ForwardOrigin): void {
    if (this.#vhost === undefined || this.#refused.has(text)) return;
    const [source, vhost] = [this.#source, this.#vhost];
    try {
      this.#forwarders.set(text, new Forwarder(this.#host, { source, vhost, text, origin }));
    } catch (error) {
      if (!(error instanceof SrsError)) throw error;
      this.#refused.add(text);
      source.publisher?.log.error(`cannot forward, origin=${origin.kind}, ${describeError(error)}`);
    }
  }

  /** Asks the backend, if there is one; what it answered before holds until it answers. */
  #ask(): void {
    this.#inquiry?.cancel();
    const url = backendOf(this.#vhost);
    const { backend, createBackoff } = this.#host.parts;
    if (url === '' || backend === undefined) {
      this.#answered = [];
      return;
    }
    this.#inquiry = new BackendInquiry({
      backend,
      url,
      publish: () => this.#publish,
      backoff: createBackoff?.() ?? new Backoff(MIN_ASK_MS, MAX_ASK_MS),
      onAnswer: (words) => {
        this.#answered = words;
        this.refresh();
      },
    });
  }

  get #publish(): ForwardPublish {
    const { name, sourceId } = this.#source;
    const { vhost, app, stream } = name;
    const client = this.#host.parts.statistics.client(sourceId)?.client;
    return {
      clientId: Math.max(0, sourceId),
      ip: client?.ip ?? '',
      vhost,
      app,
      tcUrl: client?.names.tcUrl ?? '',
      stream,
      param: client?.names.param ?? '',
    };
  }
}

/** Where to ask; '' for nowhere. */
function backendOf(vhost: VhostOptions | undefined): string {
  if (vhost?.forward.enabled !== true) return '';
  const { forward, forwardBackend } = vhost;
  return forward.backend === '' ? forwardBackend : forward.backend;
}
