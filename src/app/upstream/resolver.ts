/** Owns the finding of hosts and services by DNS. */
import { lookup, Resolver as DnsResolver } from 'node:dns/promises';

import { ErrorCode, SrsError } from '../../core/errors';
import { parseIp } from '../../core/ip-address';

/** A server that an SRV record names. */
export interface Service {
  readonly host: string;
  readonly port: number;
  /** The lowest are asked first. */
  readonly priority: number;
  /** The share among those of one priority. */
  readonly weight: number;
}

/** DNS has so long for an answer. */
const LIMIT_MS = 3000;
/** Answers kept for when DNS fails; there are more names only where clients or hooks invent them. */
const MAX_KEPT = 1000;
/** Codes by which DNS says that there is no such name: an answer, not a failure. */
const NO_SUCH_NAME = new Set(['ENOTFOUND', 'ENODATA']);
const LOCAL = /^localhost\.?$/i;
const IPV6_MARK = ':';

/** How the addresses of a host are asked for at the system. */
export type LookUp = (host: string) => Promise<readonly { readonly address: string }[]>;

/** Asks DNS anew each time; what it said last is used while it does not answer. */
export class Resolver {
  readonly #servers: () => readonly string[];
  readonly #lookUp: LookUp;
  readonly #limitMs: number;
  /** Questions under way: who asks meanwhile gets the same answer. */
  readonly #pending = new Map<string, Promise<unknown>>();
  readonly #kept = new Map<string, unknown>();
  /** What the system was asked and has not answered, perhaps long after anybody waits for it. */
  readonly #lookUps = new Map<string, ReturnType<LookUp>>();

  /**
   * @param servers DNS servers to ask, `ip[:port]` each, as they are now; none for those of the system
   */
  constructor(
    servers: () => readonly string[],
    { lookUp = systemLookUp, limitMs = LIMIT_MS }: { lookUp?: LookUp; limitMs?: number } = {},
  ) {
    this.#servers = servers;
    this.#lookUp = lookUp;
    this.#limitMs = limitMs;
  }

  /**
   * Numeric addresses of a host, IPv4 first; one that is numeric is its own address.
   *
   * @throws SrsError SYSTEM_DNS (1059)
   */
  async addresses(host: string): Promise<readonly string[]> {
    if (parseIp(host) !== undefined) return [host];
    return this.#ask(`address of ${host}`, async () => {
      const found = await this.#findAddresses(host);
      const isIpv6 = (address: string): boolean => address.includes(IPV6_MARK);
      return [
        ...found.filter((address) => !isIpv6(address)),
        ...found.filter((address) => isIpv6(address)),
      ];
    });
  }

  /**
   * The servers of SRV records.
   *
   * @throws SrsError SYSTEM_DNS (1059), also when there are none
   */
  async services(name: string): Promise<readonly Service[]> {
    return this.#ask(`service ${name}`, async () => {
      const records = await this.#withDns((dns) => dns.resolveSrv(name));
      // A single dot says that the service is not to be had here (RFC 2782).
      const usable = records.filter((one) => one.name !== '' && one.name !== '.' && one.port > 0);
      return usable.map(({ name: host, port, priority, weight }) => ({
        host: host.replace(/\.$/, ''),
        port,
        priority,
        weight,
      }));
    });
  }

  /** One question at a time; the answer of the last time when this time there is none. */
  async #ask<T>(what: string, find: () => Promise<readonly T[]>): Promise<readonly T[]> {
    let pending = this.#pending.get(what) as Promise<readonly T[]> | undefined;
    if (pending === undefined) {
      pending = this.#answer(what, find).finally(() => {
        this.#pending.delete(what);
      });
      this.#pending.set(what, pending);
    }
    return pending;
  }

  async #answer<T>(what: string, find: () => Promise<readonly T[]>): Promise<readonly T[]> {
    try {
      const found = await find();
      if (found.length > 0) {
        this.#keep(what, found);
        return found;
      }
      this.#kept.delete(what);
      throw failureOf(what, 'there is none');
    } catch (error) {
      if (error instanceof SrsError) throw error;
      const code = (error as NodeJS.ErrnoException).code ?? String(error);
      if (NO_SUCH_NAME.has(code)) this.#kept.delete(what);
      const kept = this.#kept.get(what) as readonly T[] | undefined;
      if (kept === undefined) throw failureOf(what, code, error);
      return kept;
    }
  }

  async #findAddresses(host: string): Promise<readonly string[]> {
    if (this.#servers().length === 0 || LOCAL.test(host)) {
      const found = await this.#limited(this.#askSystem(host));
      return found.map(({ address }) => address);
    }
    return this.#withDns(async (dns) => {
      const answers = await Promise.allSettled([dns.resolve4(host), dns.resolve6(host)]);
      const found = answers.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
      const failures = answers.flatMap((one): unknown[] =>
        one.status === 'rejected' ? [one.reason] : [],
      );
      // One family without records is the common case; a failure counts when nothing was found.
      if (found.length === 0) throw worstOf(failures);
      return found;
    });
  }

  /** The system cannot be told to leave off: questions that it is still busy with are not put to it again. */
  #askSystem(host: string): ReturnType<LookUp> {
    let lookUp = this.#lookUps.get(host);
    if (lookUp === undefined) {
      lookUp = this.#lookUp(host).finally(() => {
        this.#lookUps.delete(host);
      });
      this.#lookUps.set(host, lookUp);
    }
    return lookUp;
  }

  /** A fresh one each time: the servers may be others by now. */
  async #withDns<T>(ask: (dns: DnsResolver) => Promise<T>): Promise<T> {
    const servers = this.#servers();
    // Those that are down leave time for the last of them.
    const timeout = Math.ceil(this.#limitMs / (servers.length + 1));
    const dns = new DnsResolver({ timeout, tries: 2 });
    if (servers.length > 0) dns.setServers(servers);
    try {
      return await this.#limited(ask(dns));
    } finally {
      dns.cancel();
    }
  }

  async #limited<T>(answer: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(Object.assign(new Error('no answer'), { code: 'ETIMEOUT' }));
      }, this.#limitMs).unref();
    });
    try {
      return await Promise.race([answer, limit]);
    } finally {
      clearTimeout(timer);
    }
  }

  #keep(what: string, found: unknown): void {
    this.#kept.delete(what);
    this.#kept.set(what, found);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
  }
}

function systemLookUp(host: string): Promise<readonly { readonly address: string }[]> {
  return lookup(host, { all: true });
}

/** The failure that is none of "no such name", if there is one. */
function worstOf(failures: readonly unknown[]): unknown {
  const isFailure = (error: unknown): boolean =>
    !NO_SUCH_NAME.has((error as NodeJS.ErrnoException).code ?? '');
  return failures.find(isFailure) ?? failures[0];
}

function failureOf(what: string, reason: string, cause?: unknown): SrsError {
  return new SrsError(ErrorCode.SYSTEM_DNS, `DNS: expected the ${what}, got ${reason}`, { cause });
}
