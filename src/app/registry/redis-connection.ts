/** Owns one connection to Redis by way of its client library, which is loaded when the first is opened. */
import { lookup } from 'node:dns';
import type { LookupAddress, LookupOptions } from 'node:dns';
import { readFileSync } from 'node:fs';

import type * as redisModule from '@redis/client';

import type { RedisTarget } from '../config/redis-url';

/** Longest wait for the connection, from the look-up of the host to the grant of the credentials, milliseconds. */
const OPEN_TIMEOUT_MS = 5000;
/** Commands that may wait for their answers; more are refused. */
const MAX_COMMANDS = 2000;

/** What the owner of a connection is told. */
export interface RedisEvents {
  /** Commands may be sent. */
  onReady(): void;
  /** The connection is over, or never came to be; once, and not after {@link RedisConnection.close}. */
  onClosed(error: Error): void;
}

/** A connection that is opened once, and never again. */
export interface RedisConnection {
  /** Sends a command; rejects with what Redis has against it, or when the connection is not there. */
  send(args: readonly string[]): Promise<unknown>;
  /** Ends it at once; commands under way are rejected. Idempotent. */
  close(): void;
}

/** Begins to open a connection; never throws. */
export type OpenRedis = (target: RedisTarget, events: RedisEvents) => RedisConnection;

/** The real one, with a look-up of its own. */
export function redisOpener(): OpenRedis {
  const find = patientLookup();
  return (target, events) => new ClientConnection(target, find, events);
}

/** What is used of the library. */
type Client = Pick<
  ReturnType<typeof redisModule.createClient>,
  'connect' | 'destroy' | 'isOpen' | 'sendCommand'
>;

/**
 * A client of the library for one connection: it neither reconnects nor keeps commands for later, since both would go
 * on behind the back of who has to know.
 */
class ClientConnection implements RedisConnection {
  readonly #events: RedisEvents;
  #client: Client | undefined;
  /** The library can be told to close as soon as it has a socket, and not before. */
  #hasSocket = false;
  #isOver = false;
  readonly #timer: NodeJS.Timeout;

  constructor(target: RedisTarget, find: Lookup, events: RedisEvents) {
    this.#events = events;
    this.#timer = setTimeout(() => {
      this.#end(new Error(`no answer in ${OPEN_TIMEOUT_MS} ms`));
    }, OPEN_TIMEOUT_MS).unref();
    // Not within the call: the caller has to have the connection before it is told of its end.
    queueMicrotask(() => {
      this.#open(target, find);
    });
  }

  send(args: readonly string[]): Promise<unknown> {
    const client = this.#client;
    if (!client || this.#isOver) return Promise.reject(new Error('the connection is closed'));
    return client.sendCommand([...args]);
  }

  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    if (this.#hasSocket && this.#client?.isOpen === true) this.#client.destroy();
  }

  #open(target: RedisTarget, find: Lookup): void {
    if (this.#isOver) return;
    try {
      const client = loadClient().createClient(clientOptions(target, find));
      this.#client = client;
      client.on('error', (error: Error) => {
        this.#end(error);
      });
      client.on('connect', () => {
        this.#hasSocket = true;
        if (this.#isOver) client.destroy();
      });
      client.on('ready', () => {
        clearTimeout(this.#timer);
        if (!this.#isOver) this.#events.onReady();
      });
      // A server has other reasons to live.
      client.unref();
      client.connect().catch((error: unknown) => {
        this.#end(error instanceof Error ? error : new Error(String(error)));
      });
    } catch (error) {
      this.#end(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #end(error: Error): void {
    if (this.#isOver) return;
    this.close();
    this.#events.onClosed(error);
  }
}

function clientOptions(target: RedisTarget, find: Lookup): redisModule.RedisClientOptions {
  const { host, port, username, password, database } = target;
  const shared = { host, port, lookup: find, connectTimeout: OPEN_TIMEOUT_MS };
  return {
    socket: { ...shared, ...tlsOptions(target), reconnectStrategy: false },
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    database,
    disableOfflineQueue: true,
    commandsQueueMaxLength: MAX_COMMANDS,
    // What only some servers know is not asked for.
    disableClientInfo: true,
    maintNotifications: 'disabled',
  };
}

/** The file is read for each connection: it may have been renewed. */
function tlsOptions({ isTls, host, caFile }: RedisTarget): object {
  if (!isTls) return { tls: false };
  const isName = /[^0-9.:]/.test(host) && !host.includes(':');
  return {
    tls: true,
    ...(isName ? { servername: host } : {}),
    ...(caFile === '' ? {} : { ca: readFileSync(caFile) }),
  };
}

/** Finds the addresses of a host, as a socket asks for them. */
type Lookup = (
  hostname: string,
  options: LookupOptions,
  callback: (error: Error | null, address: string | LookupAddress[], family?: number) => void,
) => void;

/** One look-up at a time: each takes a thread of a small pool for as long as the system likes. */
function patientLookup(): Lookup {
  let isBusy = false;
  return (hostname, options, callback) => {
    if (isBusy) {
      const error = new Error(`the last look-up of ${hostname} is still under way`);
      process.nextTick(callback, error, '', 0);
      return;
    }
    isBusy = true;
    lookup(hostname, options, (error, address, family) => {
      isBusy = false;
      callback(error, address, family);
    });
  };
}

// A server without a registry does without the library.
/* eslint-disable @typescript-eslint/no-require-imports -- import() does not pass through tsx/cjs */
const loadClient = (): typeof redisModule => require('@redis/client') as typeof redisModule;
/* eslint-enable @typescript-eslint/no-require-imports */
