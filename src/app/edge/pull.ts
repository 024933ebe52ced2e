/** Owns the fetching of one stream from upstream: from server to server, for as long as somebody wants it. */
import { isDeepStrictEqual } from 'node:util';

import { describeError, describeFault, ErrorCode, SrsError } from '../../core/errors';
import type { Logger } from '../../core/logger';
import { redact } from '../../core/redact';
import type { RtmpRequest } from '../../rtmp/request';
import type { VhostOptions } from '../config/config';
import { Kbps } from '../stats/kbps';
import type { StatusMember } from '../stats/status-lines';
import type { Publisher } from '../stream/publisher';
import type { StreamName } from '../stream/sink';
import { streamKey } from '../stream/source';
import type { Source } from '../stream/source';
import { Backoff } from '../upstream/backoff';
import { namesFrom } from '../upstream/names';
import type { UpstreamServer } from '../upstream/target';

import type { EdgeParts } from './edge-parts';
import { serverKey } from './origins';
import { PullLink } from './pull-link';
import type { LinkEnd } from './pull-link';
import { PullRequests } from './pull-requests';

/** Waits when all servers have failed, ms. */
const MIN_BACKOFF_MS = 200;
const MAX_BACKOFF_MS = 3000;
/** After media has come for so long a loss is the first failure, not another one, ms. */
const STABLE_MS = 5000;
/** After media has come for so long the servers are asked from the first again, ms. */
const FED_MS = 1000;
/** Places in a round before and behind all others. */
const FIRST = -1;
const LAST = 2;
/** So many things that were said to the log are remembered, not to be said again. */
const MAX_TOLD = 32;
/** So long nothing is fetched after an operator has ended it, unless one more wants the stream, ms. */
const DROPPED_MS = 10_000;

/** How a pull is doing. */
export interface PullStatus {
  /** Context id: that of its lines in the log, and the `source_id` of its players. */
  readonly id: number;
  readonly stream: StreamName;
  /** Where from, '' while no server has been asked. */
  readonly url: string;
  /** `asking` which servers there are, `connecting` to one, `connected` but without media, `pulling`, or `waiting` to try again. */
  readonly state: 'asking' | 'connecting' | 'connected' | 'pulling' | 'waiting';
  /** Of all its connections. */
  readonly receivedBytes: number;
  /** How many connections it has made beyond the first. */
  readonly reconnects: number;
  /** Why the last one ended, '' when none has. */
  readonly lastError: string;
}

/** Fetches from {@link start} to {@link stop}; the publisher of the stream while media comes. */
export class Pull implements Publisher, StatusMember {
  readonly isUpstream = true;
  readonly contextId: number;
  readonly log: Logger;
  readonly #parts: EdgeParts;
  readonly #source: Source;
  /** It has stopped of itself: a client publishes the stream, or nobody wants it any more. */
  readonly #onStopped: () => void;
  readonly #startedMs: number;
  readonly #backoff = new Backoff(MIN_BACKOFF_MS, MAX_BACKOFF_MS);
  readonly #kbps: { readonly sent: Kbps; readonly received: Kbps };
  #vhost: VhostOptions;
  readonly #requests: PullRequests;
  /** Servers not asked yet in this round, best first. */
  #round: UpstreamServer[] = [];
  #hasOthers = false;
  /** Servers that live, but have had nothing since media came last: they are asked after the others. */
  readonly #idle = new Set<string>();
  #link: PullLink | undefined;
  /** Grows when what was asked for is not awaited any more. */
  #generation = 0;
  #isAsking = false;
  #timer: NodeJS.Timeout | undefined;
  #triedMs = -Infinity;
  #unwantedMs: number | undefined;
  #connections = 0;
  /** Of the last connection. */
  #url = '';
  #ended = { sent: 0, received: 0 };
  #lastError = '';
  /** What the log was told since media came last. */
  readonly #told = new Set<string>();
  #isStopped = false;

  constructor(
    parts: EdgeParts,
    source: Source,
    vhost: VhostOptions,
    request: RtmpRequest,
    onStopped: () => void,
  ) {
    this.#parts = parts;
    this.#source = source;
    this.#vhost = vhost;
    this.#requests = new PullRequests(request);
    this.#onStopped = onStopped;
    this.contextId = parts.ids.next();
    this.log = parts.log.child(this.contextId);
    this.#startedMs = parts.clock.nowMs();
    this.#kbps = { sent: new Kbps(this.#startedMs), received: new Kbps(this.#startedMs) };
  }

  get lastReceivedMs(): number {
    return this.#link?.lastReceivedMs ?? this.#startedMs;
  }

  get status(): PullStatus {
    return {
      id: this.contextId,
      stream: this.#source.name,
      url: this.#url,
      state: this.#state,
      receivedBytes: this.#bytes.received,
      reconnects: Math.max(0, this.#connections - 1),
      lastError: this.#lastError,
    };
  }

  start(): void {
    this.#parts.lines.add(this);
    this.#beginRound();
  }

  /** Ends it; the stream is not published by it any more. Idempotent, and not told. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#quit();
    this.#parts.lines.remove(this);
    if (this.#connections === 0) return;
    const ageMs = Math.round(this.#parts.clock.nowMs() - this.#startedMs);
    this.log.trace(`edge pull stops, time=${ageMs}, received=${this.#bytes.received}`);
  }

  /** One more wants it: what was refused to others, or ended by an operator, may be given to him. */
  wanted(request: RtmpRequest): void {
    this.#requests.add(request);
    this.#unwantedMs = undefined;
    const isEarly = this.#parts.clock.nowMs() - this.#triedMs < MIN_BACKOFF_MS;
    if (this.#timer !== undefined && !isEarly) this.#beginRound();
  }

  /** These servers are said to have it now; one that has sent nothing yet is left for them. */
  found(words: readonly string[]): void {
    const link = this.#link;
    const isThere = link !== undefined && words.includes(link.server.label);
    if (this.#isAsking || isThere || link?.isFeeding === true) return;
    this.#backoff.reset();
    this.#beginRound();
  }

  /** Nobody wants it any more: it goes on for a while, if there is something to go on with. */
  unwanted(): void {
    if (this.#link?.isFeeding !== true || this.#vhost.edgeLingerMs === 0) this.#stopItself();
    else this.#unwantedMs = this.#parts.clock.nowMs();
  }

  /** Looks after the connection; to be called a few times a second. */
  check(nowMs: number): void {
    const { edgeLingerMs } = this.#vhost;
    if (this.#unwantedMs !== undefined && nowMs - this.#unwantedMs >= edgeLingerMs) {
      this.#stopItself();
    } else this.#link?.check(nowMs);
  }

  /** Goes on with changed options of its vhost; one that fetches from a server not wanted any more moves over. */
  setVhost(vhost: VhostOptions): void {
    const before = this.#vhost;
    this.#vhost = vhost;
    this.#link?.setVhost(vhost);
    const isSame =
      isDeepStrictEqual(before.origin, vhost.origin) &&
      before.upstreamVhost === vhost.upstreamVhost;
    if (isSame) return;
    if (before.upstreamVhost !== vhost.upstreamVhost || !this.#link) this.#restart('the vhost');
    else void this.#moveOver(this.#link);
  }

  onReplaced(byId: number): void {
    this.log.trace(`edge pull ends, id=${byId} publishes the stream here`);
    this.#stopItself();
  }

  drop(error: SrsError): void {
    if (this.#isStopped) return;
    this.#fail(error);
    this.#quit();
    this.#triedMs = -Infinity;
    this.#wait(DROPPED_MS);
  }

  statusLine(nowMs: number): string {
    const { sent, received } = this.#bytes;
    const rates = [
      `okbps=${this.#kbps.sent.sample(nowMs, sent).toString()}`,
      `ikbps=${this.#kbps.received.sample(nowMs, received).toString()}`,
    ].join(', ');
    const where = this.#link ? `, url=${this.#link.label}` : '';
    return `<- EIG time=${Math.round(nowMs - this.#startedMs)}, ${rates}, state=${this.#state}${where}`;
  }

  get #state(): PullStatus['state'] {
    const link = this.#link;
    if (!link) return this.#isAsking ? 'asking' : 'waiting';
    if (link.isFeeding) return 'pulling';
    return link.isConnected ? 'connected' : 'connecting';
  }

  get #bytes(): { readonly sent: number; readonly received: number } {
    return {
      sent: this.#ended.sent + (this.#link?.bytesSent ?? 0),
      received: this.#ended.received + (this.#link?.bytesReceived ?? 0),
    };
  }

  /** Asks which servers there are, and begins with the best; with `lost`, which had the stream, first or last of all. */
  #beginRound(lost?: { readonly key: string; readonly rank: typeof FIRST | typeof LAST }): void {
    this.#quit();
    this.#isAsking = true;
    const generation = this.#generation;
    this.#servers().then(
      (servers) => {
        if (generation !== this.#generation) return;
        this.#isAsking = false;
        const rankOf = (server: UpstreamServer): number => {
          const key = serverKey(server);
          return key === lost?.key ? lost.rank : Number(this.#idle.has(key));
        };
        this.#round = [...servers].sort((a, b) => rankOf(a) - rankOf(b));
        this.#hasOthers = servers.length > 1;
        this.#connectNext();
      },
      (error: unknown) => {
        if (generation !== this.#generation) return;
        this.#isAsking = false;
        this.#onNowhere(error);
      },
    );
  }

  /** An origin that nobody is known to have the stream for waits to be told; an edge asks again. */
  #onNowhere(error: unknown): void {
    this.#fail(error);
    if (this.#vhost.mode === 'remote') this.#wait(this.#backoff.next());
    else this.#stopItself();
  }

  #servers(): Promise<UpstreamServer[]> {
    const { vhost, app, stream } = namesFrom(this.#requests.current, this.#vhost);
    const key = streamKey({ vhost, app, stream });
    return this.#parts.origins.of(this.#source.name, this.#vhost, key);
  }

  #connectNext(): void {
    const server = this.#round.shift();
    if (server) this.#connect(server);
    else this.#wait(this.#backoff.next());
  }

  #connect(server: UpstreamServer): void {
    const request = this.#requests.current;
    this.#connections++;
    this.#triedMs = this.#parts.clock.nowMs();
    const task = {
      source: this.#source,
      server,
      request,
      vhost: this.#vhost,
      log: this.log,
      hasOthers: this.#hasOthers,
      publisher: this,
    };
    const link = new PullLink(this.#parts, task, (end) => {
      this.#onLinkOver(link, request, end);
    });
    this.#link = link;
    this.#url = link.label;
    const text = `edge pull ${redact(this.#source.key)}, url=${link.label}`;
    if (this.#isNews(text)) this.log.trace(text);
  }

  #onLinkOver(link: PullLink, request: RtmpRequest, { why, error }: LinkEnd): void {
    const fedMs = link.fedMs(this.#parts.clock.nowMs());
    this.#quit();
    if (fedMs > 0) this.#told.clear();
    this.#fail(error);
    const key = serverKey(link.server);
    if (fedMs > 0) {
      this.#requests.grant(request);
      this.#idle.clear();
    }
    if (why === 'idle') this.#idle.add(key);
    if (why === 'lost') this.#parts.failures.fail(link.server);
    if (!this.#source.isWanted) this.#stopItself();
    else if (why === 'refused' && this.#requests.refuse(request)) this.#connect(link.server);
    else if (fedMs >= FED_MS) {
      if (fedMs >= STABLE_MS) this.#backoff.reset();
      // It may be but the line that broke, and others may not have the stream; one that is silent would cost time.
      const isTriedFirst = why === 'lost' && error.code !== ErrorCode.SOCKET_TIMEOUT;
      this.#beginRound({ key, rank: isTriedFirst ? FIRST : LAST });
    } else this.#connectNext();
  }

  /** The list of servers has changed: whether the one it fetches from is still among them. */
  async #moveOver(link: PullLink): Promise<void> {
    try {
      const servers = await this.#servers();
      if (this.#link !== link) return;
      const isListed = servers.some((one) => serverKey(one) === serverKey(link.server));
      if (!isListed) this.#restart('its list of origins');
    } catch (error) {
      if (this.#link === link) this.#restart(describeError(error));
    }
  }

  /** By the changed options; what has failed so far says nothing about them. */
  #restart(reason: string): void {
    this.log.trace(`edge pull begins anew, a reload has changed ${reason}`);
    this.#backoff.reset();
    this.#beginRound();
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => {
      if (this.#source.isWanted) this.#beginRound();
      else this.#stopItself();
    }, ms);
  }

  /** Nothing is under way any more. */
  #quit(): void {
    this.#generation++;
    this.#isAsking = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const link = this.#link;
    this.#link = undefined;
    if (!link) return;
    link.close();
    this.#ended.sent += link.bytesSent;
    this.#ended.received += link.bytesReceived;
  }

  #stopItself(): void {
    if (this.#isStopped) return;
    this.stop();
    this.#onStopped();
  }

  /** Says why it does not get on; the same reason again and again is said once. */
  #fail(error: unknown): void {
    const text = redact(error instanceof SrsError ? describeError(error) : describeFault(error));
    if (this.#isNews(text)) this.log.warn(`edge pull fails, ${text}`, error);
    this.#lastError = text;
  }

  #isNews(text: string): boolean {
    if (this.#told.has(text)) return false;
    if (this.#told.size >= MAX_TOLD) this.#told.clear();
    this.#told.add(text);
    return true;
  }
}
