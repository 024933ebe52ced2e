/** Owns the HTTP API: which endpoint answers a request, in which form, and to whom. */
import { ErrorCode, SrsError } from '../../../core/errors';
import { RateLimit } from '../../../core/rate-limit';
import { redact } from '../../../core/redact';
import type { HttpExchange, HttpRoute } from '../exchange';

import { jsonOf, sendJson } from './api-answer';
import type { ApiOptions, ApiParts } from './api-parts';
import { BodyCache } from './body-cache';
import { isOwnPage } from './caller';
import { challenges, checkCredentials } from './credentials';
import type { Credentials } from './credentials';
import { methodsOf, refusal } from './endpoint';
import type { ApiCall, ApiReply, Change, ChangeMethod, Endpoint, Read } from './endpoint';
import { apiEndpoints } from './endpoints';
import { readAsked } from './jsonp';
import type { Asked } from './jsonp';
import { TimeShare } from './time-share';

const CONSOLE_PATH = '/console';
/** Lines about clients that may not: so many at once, then one per interval. */
const WARNINGS_AT_ONCE = 5;
const WARNING_INTERVAL_MS = 10_000;

/** Answers every request of the API's port. */
export class ApiRoute implements HttpRoute {
  readonly #parts: ApiParts;
  readonly #endpoints: ReadonlyMap<string, Endpoint>;
  /** What never changes, by path. */
  readonly #lasting = new Map<string, Buffer>();
  readonly #recent = new BodyCache();
  readonly #share = new TimeShare();
  readonly #warnings = new RateLimit(WARNINGS_AT_ONCE, WARNING_INTERVAL_MS);

  constructor(parts: ApiParts) {
    this.#parts = parts;
    this.#endpoints = new Map(apiEndpoints(parts).map((endpoint) => [endpoint.path, endpoint]));
  }

  handle(exchange: HttpExchange): boolean | Promise<boolean> {
    const options = this.#parts.options();
    const credentials = checkCredentials(exchange.request, options.auth);
    if (credentials === 'none' || credentials === 'wrong') {
      this.#refuseStranger(exchange, credentials, options);
      return true;
    }
    const asked = readAsked(exchange, options.jsonp);
    const fault = asked.refused ?? faultOfPage(exchange, asked, credentials, options);
    if (fault !== undefined) {
      this.#refuse(exchange, fault.status, fault.message);
      return true;
    }
    const { endpoint, call } = this.#find(exchange);
    if (endpoint === undefined) return this.#handleOther(exchange);
    return this.#serve(endpoint, call, asked);
  }

  #find(exchange: HttpExchange): { endpoint: Endpoint | undefined; call: ApiCall } {
    const path = bare(exchange.path);
    const endpoint = this.#endpoints.get(path);
    if (endpoint !== undefined) return { endpoint, call: { exchange, id: '' } };
    const idAt = path.lastIndexOf('/') + 1;
    const call = { exchange, id: path.slice(idAt) };
    return { endpoint: this.#endpoints.get(`${path.slice(0, idAt)}{id}`), call };
  }

  #serve(endpoint: Endpoint, call: ApiCall, asked: Asked): boolean | Promise<boolean> {
    const { read, changes = {} } = endpoint;
    const { method } = asked;
    if (read !== undefined && (method === 'GET' || method === 'HEAD')) {
      this.#read(endpoint, read, call, asked);
      return true;
    }
    const change = isChange(method) ? changes[method] : undefined;
    if (change !== undefined) return this.#change(change, call, asked);
    this.#send(call.exchange, asked, {
      ...refusal(405, urlOf(call.exchange)),
      headers: { Allow: methodsOf(endpoint).join(', ') },
    });
    return true;
  }

  #read(endpoint: Endpoint, read: Read, call: ApiCall, asked: Asked): void {
    const { exchange } = call;
    if (endpoint.lasts === 'once') {
      this.#send(exchange, asked, read(call));
      return;
    }
    try {
      const body =
        endpoint.lasts === 'forever'
          ? this.#lastingBody(endpoint, read, call)
          : this.#recentBody(endpoint, read, call);
      if (body === undefined) this.#sendBusy(exchange, asked);
      else sendJson(exchange.response, body, {}, asked.callback);
    } catch (error) {
      if (!(error instanceof SrsError) || error.code !== ErrorCode.REQUEST_DATA) throw error;
      this.#send(exchange, asked, refusal(400, urlOf(exchange), error.message, error.code));
    }
  }

  #lastingBody({ path }: Endpoint, read: Read, call: ApiCall): Buffer {
    const made = this.#lasting.get(path) ?? this.#jsonOf(read(call));
    this.#lasting.set(path, made);
    return made;
  }

  /** Undefined when it would have to be made, and too much time was spent on others lately. */
  #recentBody({ parameters = [] }: Endpoint, read: Read, call: ApiCall): Buffer | undefined {
    const { clock, statistics } = this.#parts;
    const { path, query } = call.exchange;
    const name = [bare(path), ...parameters.map((key) => query.get(key) ?? '\0')].join('\n');
    const beganMs = clock.nowMs();
    const { version } = statistics;
    const found = this.#recent.find(name, version, beganMs);
    if (found !== undefined) return found;
    if (!this.#share.hasLeft(beganMs)) return undefined;
    const body = this.#jsonOf(read(call));
    const nowMs = clock.nowMs();
    this.#share.spend(nowMs - beganMs);
    this.#recent.add(name, version, body, beganMs, nowMs);
    return body;
  }

  async #change(change: Change, call: ApiCall, asked: Asked): Promise<boolean> {
    const { exchange } = call;
    const reply = await change(call);
    this.#recent.clear();
    const { log, ip, path } = exchange;
    log.trace(`HTTP API ${asked.method} ${redact(path)} done, ip=${ip}, code=${reply.code ?? 0}`);
    this.#send(exchange, asked, reply);
    return true;
  }

  /** What is no endpoint: the console, and what was added. */
  async #handleOther(exchange: HttpExchange): Promise<boolean> {
    const { files, more = [] } = this.#parts;
    const isConsole =
      exchange.path === CONSOLE_PATH || exchange.path.startsWith(`${CONSOLE_PATH}/`);
    const routes = files !== undefined && isConsole ? [...more, files] : more;
    for (const route of routes) {
      if (await route.handle(exchange)) return true;
    }
    this.#refuse(exchange, 404);
    return true;
  }

  #refuseStranger(
    exchange: HttpExchange,
    credentials: 'none' | 'wrong',
    options: ApiOptions,
  ): void {
    const { log, ip, path } = exchange;
    const what = credentials === 'none' ? 'no credentials' : 'wrong credentials';
    const line = `HTTP API refused, ${what}, ip=${ip}, path=${redact(path)}`;
    // A browser asks without first: that is no attempt.
    const isWorthIt = credentials === 'wrong' && this.#warnings.take(this.#parts.clock.nowMs());
    if (isWorthIt) log.warn(`${line}, ret=${ErrorCode.SYSTEM_SECURITY}`);
    else log.info(line);
    const message = `${what}, expect an Authorization header`;
    this.#send(exchange, undefined, {
      ...refusal(401, urlOf(exchange), message, ErrorCode.SYSTEM_SECURITY),
      headers: { 'WWW-Authenticate': [...challenges(options.auth)] },
    });
  }

  #sendBusy(exchange: HttpExchange, asked: Asked): void {
    this.#send(exchange, asked, {
      ...refusal(503, urlOf(exchange), 'too much is asked, try again later'),
      headers: { 'Retry-After': 1 },
    });
  }

  #refuse(exchange: HttpExchange, status: number, message?: string): void {
    this.#send(exchange, undefined, refusal(status, urlOf(exchange), message));
  }

  #send({ response }: HttpExchange, asked: Asked | undefined, reply: ApiReply): void {
    sendJson(response, this.#jsonOf(reply), reply, asked?.callback);
  }

  #jsonOf(reply: ApiReply): Buffer {
    return jsonOf(reply, this.#parts.statistics.serverId);
  }
}

/**
 * Why the page that is behind a request may not have an answer. Where the browser asks first (CORS), that is settled by
 * then. It does not ask before a script element or a form, and adds a password that it knows by itself.
 */
function faultOfPage(
  { request }: HttpExchange,
  { method, callback }: Asked,
  credentials: Credentials,
  { crossdomain }: ApiOptions,
): { readonly status: number; readonly message: string } | undefined {
  if (crossdomain && credentials !== 'basic') return undefined;
  if (callback === undefined && method !== 'POST') return undefined;
  const isOwn = isOwnPage(request.headers);
  if (callback === undefined ? isOwn !== false : isOwn === true) return undefined;
  return { status: 403, message: 'expect a page of this server, by Origin or Referer' };
}

function isChange(method: string): method is ChangeMethod {
  return method === 'POST' || method === 'DELETE';
}

/** As the reference tells it: normalised, query and all. */
function urlOf({ path, request }: HttpExchange): string {
  const { url = '' } = request;
  const queryAt = url.indexOf('?');
  return queryAt < 0 ? bare(path) : bare(path) + url.slice(queryAt);
}

/** Without the slash at the end. */
function bare(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}
