/** Owns the way to HLS, in memory and on disk: who may have it, in which session, and who is counted. */
import type { Clock } from '../../../core/clock';
import type { ContextIds } from '../../../core/context-id';
import { describeError } from '../../../core/errors';
import type { Logger } from '../../../core/logger';
import { redact } from '../../../core/redact';
import { isPlayRestricted } from '../../access/rules';
import type { VhostOptions } from '../../config/config';
import type { StreamName } from '../../stream/sink';
import { sendText } from '../exchange';
import type { HttpExchange, HttpRoute } from '../exchange';
import type { FileGuard, FilePass, GuardedFile } from '../file-guard';
import { httpStatusOf } from '../live/admission';

import { carriedQuery } from './carried-query';
import { HlsSession } from './hls-session';
import type { AlsoAsked, SessionHost } from './hls-session';
import { HlsSessions, MIN_IDLE_MS } from './hls-sessions';
import { sendPlaylist } from './playlist-answer';
import { sessionRequest } from './session-request';
import { SessionResponse } from './session-response';
import type { MemoryResponse } from './session-response';

/** A part of a stream that a request is for. */
export interface StreamPart extends StreamName {
  /** It names others that belong to the stream. */
  readonly isPlaylist: boolean;
}

/** HLS that is held in memory. */
export interface HlsMemory {
  /** Whose the answer to a request would be; undefined when there would be none. */
  ownerOf(request: Pick<HttpExchange, 'vhost' | 'path'>): StreamPart | undefined;
  /** The stream that is cut now into files beside this playlist. */
  ownerOfPlaylist(path: string): StreamName | undefined;
  handle(
    request: Pick<HttpExchange, 'method' | 'path' | 'query' | 'vhost'> & {
      readonly response: MemoryResponse;
    },
  ): boolean;
}

/** HLS on disk, found by names. */
export interface HlsFiles {
  /** There is none. */
  readonly isEmpty: boolean;
  /** The streams that a file may belong to, by the first of its absolute paths that is anybody's; `nowMs` monotonic. */
  find(paths: readonly string[], nowMs: number): Promise<readonly FilePart[]>;
}

/** A stream that a file may belong to. */
export interface FilePart extends StreamPart {
  /** Where its media playlist is; undefined where there can be none. */
  readonly playlist: string | undefined;
}

/** What is asked for: whose it is, and of whom else it may be. */
interface Claimed {
  readonly part: StreamPart;
  readonly others: readonly StreamPart[];
}

/** What the gate is given by the composition root. */
export interface HlsGateParts extends SessionHost {
  readonly log: Logger;
  readonly clock: Clock;
  readonly ids: ContextIds;
  readonly memory: HlsMemory;
  /** The files of these vhosts. */
  filesOf(vhosts: readonly VhostOptions[]): HlsFiles;
  /** Most sessions at a time. */
  readonly maxSessions?: number;
}

/** A vhost as it is configured now. */
interface GuardedVhost {
  readonly options: VhostOptions;
  readonly isRestricted: boolean;
  readonly isServed: boolean;
  /** How long its sessions last without a request. */
  readonly idleMs: number;
}

/** What becomes of a request: served within a session, or outside of any, or refused. */
type Entry =
  | { readonly kind: 'session'; readonly session: HlsSession; readonly query: string }
  | { readonly kind: 'free' }
  | { readonly kind: 'refused'; readonly status: number; readonly text: string };

const FREE: Entry = { kind: 'free' };
const NOT_SERVED: Entry = { kind: 'refused', status: 404, text: 'Not Found' };
/** Windows are whole segments: with so many more silent than that a player has left. */
const IDLE_FRAGMENTS = 3;
/** What of a User-Agent tells players apart. */
const MAX_AGENT = 256;

/**
 * Lets viewers of restricted vhosts in by sessions: the first request is asked about as a play of any protocol, those
 * that follow within a while belong to it. Viewers of other vhosts are only counted. As a route it answers what is in
 * memory, as a guard it decides on files.
 */
export class HlsGate implements HttpRoute, FileGuard {
  readonly #parts: HlsGateParts;
  readonly #sessions: HlsSessions;
  #vhosts: ReadonlyMap<string, GuardedVhost> = new Map();
  #files: HlsFiles | undefined;

  constructor(parts: HlsGateParts) {
    this.#parts = parts;
    this.#sessions = new HlsSessions(parts.maxSessions);
  }

  /** Sessions, those that an operator has ended lately included. */
  get size(): number {
    return this.#sessions.size;
  }

  /** Some vhost has HLS. */
  get isActive(): boolean {
    return this.#files?.isEmpty === false;
  }

  /** Takes the vhosts as they are configured now. Sessions go on, unless their vhost has become a restricted one. */
  setVhosts(vhosts: readonly VhostOptions[]): void {
    this.#vhosts = new Map(vhosts.map((options) => [options.name, guarded(options)]));
    // The files of a vhost that is switched off are no more public than before.
    this.#files = this.#parts.filesOf(vhosts.filter(({ hls }) => hls.enabled));
  }

  /** Ends the sessions of a vhost that is not served any more. */
  closeVhost(vhost: string, reason: string): void {
    this.#sessions.closeVhost(vhost, reason, this.#parts.clock.nowMs());
  }

  /** Ends the sessions of viewers who have left; to be called every few seconds, `nowMs` monotonic. */
  sweep(nowMs: number): void {
    this.#sessions.sweep(nowMs);
  }

  /** Ends all sessions. */
  stop(): void {
    this.#sessions.clear(this.#parts.clock.nowMs());
  }

  handle(exchange: HttpExchange): boolean | Promise<boolean> {
    const { memory } = this.#parts;
    const part = memory.ownerOf(exchange);
    if (part === undefined) return false;
    if (exchange.method !== 'GET' && exchange.method !== 'HEAD') return memory.handle(exchange);
    const entry = this.#enter(exchange, { part, others: [] });
    if (!(entry instanceof Promise)) return this.#serve(exchange, entry);
    return entry.then((decided) => this.#serve(exchange, decided));
  }

  async admit(exchange: HttpExchange, file: GuardedFile): Promise<FilePass> {
    const owners = await this.#files?.find([file.real, file.path], this.#parts.clock.nowMs());
    const claimed = owners && this.#claimed(owners, exchange);
    if (claimed === undefined) return 'public';
    const entry = await this.#enter(exchange, claimed);
    if (entry.kind === 'free') return 'public';
    if (entry.kind === 'refused') {
      sendText(exchange, entry.status, entry.text);
      return 'answered';
    }
    const { session, query } = entry;
    const sent = (bytes: number): void => {
      session.addSent(bytes);
    };
    if (query === '' || !claimed.part.isPlaylist) return { isPrivate: session.isAdmitted, sent };
    const text = await file.content();
    if (text === undefined) return 'missing';
    sent(sendPlaylist(exchange, text.toString(), query));
    return 'answered';
  }

  #serve(exchange: HttpExchange, entry: Entry): boolean {
    const { memory } = this.#parts;
    if (entry.kind === 'free') return memory.handle(exchange);
    if (entry.kind === 'refused') {
      sendText(exchange, entry.status, entry.text);
      return true;
    }
    const { session, query } = entry;
    const { path, query: parameters, vhost } = exchange;
    const response = new SessionResponse(exchange.response, {
      isPrivate: session.isAdmitted,
      query,
      sent: (bytes) => {
        session.addSent(bytes);
      },
    });
    // The length of a playlist with queries in it is known when it is made.
    const method = query === '' ? exchange.method : 'GET';
    return memory.handle({ method, path, query: parameters, vhost, response });
  }

  #enter(exchange: HttpExchange, { part, others }: Claimed): Entry | Promise<Entry> {
    const vhost = this.#vhosts.get(part.vhost);
    if (vhost === undefined || isClosed(vhost)) return NOT_SERVED;
    const nowMs = this.#parts.clock.nowMs();
    const query = vhost.isRestricted ? carriedQuery(exchange.request.url ?? '') : '';
    const key = sessionKey(exchange, part, query);
    const session = this.#sessions.find(key, nowMs);
    if (session?.kickReason !== undefined) {
      return { kind: 'refused', status: 403, text: session.kickReason };
    }
    if (!vhost.isRestricted) return this.#count(exchange, part, vhost, { key, session });
    if (session?.deciding) return this.#await(session, session.deciding, { key, query });
    if (session?.isAdmitted === true) return { kind: 'session', session, query };
    return this.#ask(exchange, { part, others }, vhost, { key, query });
  }

  /** A viewer of a restricted vhost who is not known yet. */
  #ask(
    exchange: HttpExchange,
    { part, others }: Claimed,
    vhost: GuardedVhost,
    { key, query }: { readonly key: string; readonly query: string },
  ): Promise<Entry> {
    const begun = this.#begin(exchange, part, vhost, query);
    this.#sessions.add(key, begun);
    const renewed = (): VhostOptions | undefined => this.#served(part.vhost);
    const alsoAsked = others.map((name): AlsoAsked => {
      const { vhost: other, app, stream } = name;
      return { name: { vhost: other, app, stream }, vhost: this.#served(other) };
    });
    return this.#await(begun, begun.enter(vhost.options, renewed, alsoAsked), { key, query });
  }

  /** A viewer of a vhost that everybody may watch. It is there when it asks for a playlist. */
  #count(
    exchange: HttpExchange,
    part: StreamPart,
    vhost: GuardedVhost,
    { key, session }: { readonly key: string; readonly session: HlsSession | undefined },
  ): Entry {
    if (session) return { kind: 'session', session, query: '' };
    if (!part.isPlaylist || part.stream === '') return FREE;
    const begun = this.#begin(exchange, part, vhost, '');
    this.#sessions.add(key, begun);
    begun.begin();
    return { kind: 'session', session: begun, query: '' };
  }

  async #await(
    session: HlsSession,
    deciding: NonNullable<HlsSession['deciding']>,
    { key, query }: { readonly key: string; readonly query: string },
  ): Promise<Entry> {
    let status = 403;
    let text = 'the session has ended';
    try {
      const refusal = await deciding;
      if (refusal) {
        status = httpStatusOf(refusal);
        text = refusal.description;
      } else if (!session.isOver) return { kind: 'session', session, query };
    } catch (error) {
      status = 500;
      text = 'the server cannot decide on it now';
      this.#parts.log.error(`hls session failed, ${redact(describeError(error))}`, error);
    }
    if (session.kickReason === undefined) {
      this.#sessions.remove(key, this.#parts.clock.nowMs(), session);
    }
    return { kind: 'refused', status, text };
  }

  #begin(
    exchange: HttpExchange,
    part: StreamPart,
    { idleMs }: GuardedVhost,
    query: string,
  ): HlsSession {
    const { log, clock, ids } = this.#parts;
    const request = sessionRequest(exchange, part, query);
    const { ip } = exchange;
    return new HlsSession(
      { log: log.child(ids.next()), ip, request, nowMs: clock.nowMs(), idleMs },
      this.#parts,
    );
  }

  #served(name: string): VhostOptions | undefined {
    const vhost = this.#vhosts.get(name);
    return vhost?.isServed === true ? vhost.options : undefined;
  }

  /**
   * Whose a file is that may be that of several streams: of the one that is published; else of one whose vhost is
   * restricted, if there is any, and then all such vhosts have to agree, so that nobody gets around their rules.
   */
  #claimed(owners: readonly FilePart[], { vhost }: HttpExchange): Claimed | undefined {
    for (const { playlist, isPlaylist } of owners) {
      const running = playlist && this.#parts.memory.ownerOfPlaylist(playlist);
      if (running && owners.some((owner) => owner.vhost === running.vhost)) {
        return { part: { ...running, isPlaylist }, others: [] };
      }
    }
    const [first, ...others] = owners.filter((owner) => this.#isRestricted(owner));
    if (first) return { part: first, others };
    const part = owners.find((owner) => owner.vhost === vhost?.name) ?? owners[0];
    return part && { part, others: [] };
  }

  #isRestricted({ vhost }: StreamName): boolean {
    return this.#vhosts.get(vhost)?.isRestricted ?? true;
  }
}

/** What nobody may decide on any more, nobody gets. */
function isClosed({ isRestricted, isServed }: GuardedVhost): boolean {
  return isRestricted && !isServed;
}

function guarded(options: VhostOptions): GuardedVhost {
  const { fragmentMs, windowMs } = options.hls;
  const idleMs = Math.max(MIN_IDLE_MS, fragmentMs * IDLE_FRAGMENTS, windowMs);
  return { options, isRestricted: isPlayRestricted(options), isServed: options.enabled, idleMs };
}

/** What one viewer shows with each of its requests. Line feeds are in none of the parts. */
function sessionKey({ ip, request }: HttpExchange, part: StreamName, query: string): string {
  const agent = request.headers['user-agent']?.slice(0, MAX_AGENT) ?? '';
  return [part.vhost, part.app, part.stream, ip, query, agent].join('\n');
}
