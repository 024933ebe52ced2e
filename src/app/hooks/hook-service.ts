/** Owns the hooks of all vhosts: which servers are asked or told, when, and what becomes of their answers. */
import type { Clock } from '../../core/clock';
import { ErrorCode } from '../../core/errors';
import type { Logger } from '../../core/logger';
import { deniedStatus } from '../access/access';
import type { AccessAction, Authorizer, ClientIdentity, Refusal } from '../access/access';
import type { VhostOptions } from '../config/config';
import type { StreamName } from '../stream/sink';

import { HookCalls } from './hook-calls';
import type { Failure } from './hook-calls';
import { laneOf, streamLane } from './lanes';
import { askedEvents, toldEvents, urlsOf } from './options';
import type { HookOptions, ListedEvent } from './options';
import { Outbox } from './outbox';
import type { OutboxLimits } from './outbox';
import {
  clientPayload,
  dvrPayload,
  forwardPayload,
  hlsPayload,
  notifyUrl,
  subjectOf,
  trafficOf,
} from './payload';
import type { DvrFile, ForwardedPublish, HlsSegment, HookPublisher, Payload } from './payload';
import { Publishers } from './publishers';
import { Visits } from './visits';
import type { Allowed, Visit } from './visits';

/** Longest wait of a client for what is still being told of what it did before. */
const ORDER_MS = 1000;

/** What is read of a vhost. */
export type HookVhost = Pick<VhostOptions, 'name' | 'httpHooks'> & {
  readonly hls: Pick<VhostOptions['hls'], 'notifyBytes'>;
};

/** What the service is made with. */
export interface HookServiceParts {
  readonly log: Logger;
  readonly clock: Clock;
  /** The enabled vhost that serves a name, as the configuration is now. */
  findVhost(name: string): HookVhost | undefined;
  /** Time of day, epoch milliseconds; the system's by default. */
  readonly wallMs?: () => number;
  /** How much may wait to be told, and when it is told again. */
  readonly outbox?: Partial<OutboxLimits>;
}

/** Something to be told to the URLs of an event. */
interface Notice {
  readonly event: ListedEvent;
  readonly clientId: number;
  readonly options: HookOptions;
  readonly payload: Payload;
  /** Those of one owner are told in order to each server. */
  readonly owner: string;
}

/** Asks the servers of a vhost who may come in, and tells them what happens. */
export class HookService implements Authorizer {
  readonly #parts: HookServiceParts;
  readonly #calls: HookCalls;
  readonly #outbox: Outbox;
  readonly #visits = new Visits();
  readonly #publishers = new Publishers();
  readonly #wallMs: () => number;
  #stopped: Promise<void> | undefined;

  constructor(parts: HookServiceParts) {
    const { log, clock, wallMs = Date.now } = parts;
    this.#parts = parts;
    this.#wallMs = wallMs;
    this.#calls = new HookCalls(log, clock, wallMs);
    this.#outbox = new Outbox(log, clock, parts.outbox);
  }

  /** What is to be told yet. */
  get pending(): number {
    return this.#outbox.size;
  }

  /** Asks the servers of the client's vhost, one after the other; undefined at once where there are none. */
  authorize(
    action: AccessAction,
    client: ClientIdentity,
  ): Refusal | undefined | Promise<Refusal | undefined> {
    const vhost = this.#parts.findVhost(client.request.vhost);
    if (vhost?.httpHooks.enabled !== true) return undefined;
    const options = vhost.httpHooks;
    const wish: Allowed = { action, subject: subjectOf(client, vhost.name), options };
    const visit = this.#visits.of(client, wish);
    const urls = urlsOf(options, askedEvents[action]);
    if (urls.length > 0) return this.#ask(wish, urls, visit);
    visit.allow(wish);
    this.#begin(wish);
    return undefined;
  }

  /** Tells the servers of the vhost that something allowed has ended: on_close comes after all else of a client. */
  ended(action: AccessAction, client: ClientIdentity): void {
    const visit = this.#visits.find(client);
    const was = visit?.end(action);
    if (!visit || !was) return;
    const event = toldEvents[action];
    const payload = clientPayload(event, was.subject);
    if (action === 'connect') {
      const whole = { ...payload, ...trafficOf(client) };
      visit.whenQuiet(() => {
        this.#tellOf(was, event, whole);
      });
      return;
    }
    if (action === 'publish') this.#publishers.ended(was.subject);
    this.#tellOf(was, event, payload);
    visit.ended();
  }

  /** A recording is complete. */
  onDvr(file: DvrFile): void {
    const options = this.#vhostOf(file.name)?.httpHooks;
    if (!options?.enabled || options.onDvr.length === 0) return;
    const publisher = this.#publishers.of(file.name, file.startedAt);
    this.#tell({
      event: 'on_dvr',
      clientId: publisher.clientId,
      options,
      payload: dvrPayload(file, publisher),
      owner: streamLane('on_dvr', file.name),
    });
  }

  /** A segment can be fetched. */
  onHls(segment: HlsSegment): void {
    const vhost = this.#vhostOf(segment.name);
    const options = vhost?.httpHooks;
    if (!vhost || !options?.enabled) return;
    const publisher = this.#publishers.of(segment.name);
    if (options.onHls.length > 0) {
      this.#tell({
        event: 'on_hls',
        clientId: publisher.clientId,
        options,
        payload: hlsPayload(segment, publisher, process.cwd()),
        owner: streamLane('on_hls', segment.name),
      });
    }
    if (options.onHlsNotify.length > 0) this.#notify(segment, publisher, vhost);
  }

  /**
   * Asks `url` where else a stream is to go, by the options of its vhost, whether its hooks are on or off. Undefined when
   * that is not known now, and may be asked again; nothing for a vhost that is gone. Never rejects.
   */
  async askForwards(
    url: string,
    publish: ForwardedPublish,
  ): Promise<readonly string[] | undefined> {
    const options = this.#vhostOf(publish)?.httpHooks;
    if (!options || this.#stopped) return [];
    const { clientId } = publish;
    const payload = forwardPayload(publish);
    return this.#calls.askUrls({ event: 'on_forward', clientId, url, payload, options });
  }

  /** Tells what can be told in time, and gives up the rest; whoever asks is refused from now on. Idempotent. */
  stop(timeoutMs: number): Promise<void> {
    this.#stopped ??= this.#outbox.stop(timeoutMs).then(() => {
      this.#calls.close();
    });
    return this.#stopped;
  }

  async #ask(wish: Allowed, urls: readonly string[], visit: Visit): Promise<Refusal | undefined> {
    visit.ask(wish.action);
    let refusal: Refusal | undefined;
    for (const url of urls) {
      refusal = await this.#askOne(wish, url);
      if (refusal) break;
    }
    visit.answer(wish, !refusal);
    if (!refusal) this.#begin(wish);
    return refusal;
  }

  async #askOne({ action, subject, options }: Allowed, url: string): Promise<Refusal | undefined> {
    const event = askedEvents[action];
    const { clientId } = subject;
    await this.#outbox.whenEmpty(laneOf(`client ${clientId}`, url), ORDER_MS);
    if (this.#stopped) return refusalOf(action, ErrorCode.SOCKET_CLOSED, 'the server is stopping');
    const payload = clientPayload(event, subject);
    const failure = await this.#calls.ask({ event, clientId, url, payload, options });
    if (!failure || (failure.kind === 'broken' && options.onFailure === 'allow')) return undefined;
    return refusalOf(action, failure.code, descriptionOf(event, failure));
  }

  #begin({ action, subject }: Allowed): void {
    if (action === 'publish') this.#publishers.began(subject, this.#wallMs());
  }

  /** A vhost that is not served any more is told by the options that the client came by. */
  #tellOf({ subject, options: former }: Allowed, event: ListedEvent, payload: Payload): void {
    const options = this.#vhostOf(subject)?.httpHooks ?? former;
    const { clientId } = subject;
    this.#tell({ event, clientId, options, payload, owner: `client ${clientId}` });
  }

  #tell({ event, clientId, options, payload, owner }: Notice): void {
    if (!options.enabled) return;
    for (const url of urlsOf(options, event)) {
      this.#outbox.post({
        lane: laneOf(owner, url),
        retries: options.retries,
        attempt: () => this.#calls.tell({ event, clientId, url, payload, options }),
      });
    }
  }

  #notify(segment: HlsSegment, publisher: HookPublisher, { httpHooks, hls }: HookVhost): void {
    const event = 'on_hls_notify';
    const { clientId } = publisher;
    const maxBytes = hls.notifyBytes;
    // A segment with an address of its own is the same for all of them.
    const urls = httpHooks.onHlsNotify.map((template) => notifyUrl(template, segment, publisher));
    for (const url of new Set(urls)) {
      const call = {
        event,
        clientId,
        url,
        payload: undefined,
        options: httpHooks,
        maxBytes,
      } as const;
      this.#outbox.post({
        lane: laneOf(streamLane(event, segment.name), url),
        // What is too late to be warmed up has been fetched by others.
        retries: 0,
        attempt: () => this.#calls.fetch(call),
      });
    }
  }

  /** Not the default one, which serves every name. */
  #vhostOf({ vhost: name }: Pick<StreamName, 'vhost'>): HookVhost | undefined {
    const vhost = this.#parts.findVhost(name);
    return vhost?.name === name ? vhost : undefined;
  }
}

function refusalOf(action: AccessAction, code: ErrorCode, description: string): Refusal {
  return { code, status: deniedStatus[action], description };
}

/** What goes wrong between the servers is for the log only. */
function descriptionOf(event: ListedEvent, { kind, reason }: Failure): string {
  if (reason !== '') return reason;
  return kind === 'refused' ? `refused by ${event}` : 'the server cannot decide on it now';
}
