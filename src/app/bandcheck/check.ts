/** Owns a bandwidth check over the network: finds the server, connects, and brings back what came of it. */
import { lookup } from 'node:dns/promises';
import { getSystemErrorName } from 'node:util';

import type { Clock } from '../../core/clock';
import { describeError, ErrorCode, SrsError } from '../../core/errors';
import { redact } from '../../core/redact';
import type { Socket, SocketHandler } from '../../net/socket';
import type { ConnectInfo } from '../../rtmp/packets/connect';
import { parseTcUrl } from '../../rtmp/request';

import { BandwidthClient } from './client';
import type { BandwidthResult } from './client';

/** Longest wait for one address of the server to take the connection. */
const CONNECT_TIMEOUT_MS = 5000;

/** What a check works with. */
export interface CheckParts {
  readonly clock: Clock;
  /** Opens a connection to a numeric address, as {@link Engine.connect}. */
  readonly connect: (
    address: string,
    port: number,
    timeoutMs: number,
    handler: SocketHandler,
  ) => Socket;
  /** Numeric addresses of a host; the system's unless given. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
}

/** What came of it. */
export interface CheckReport {
  /** What the server told about itself; undefined when it has not accepted the connect. */
  readonly server: ConnectInfo | undefined;
  /** Either this or the error. */
  readonly result: BandwidthResult | undefined;
  readonly error: SrsError | undefined;
}

/** Where a check goes. */
export interface CheckTarget {
  readonly host: string;
  readonly port: number;
  readonly app: string;
  readonly tcUrl: string;
}

/**
 * Takes `rtmp://server[:port]/app?key=K,vhost=V` apart; the parameters may be parted by `&`, too.
 *
 * @throws SrsError RTMP_REQ_TCURL when it is no such url
 */
export function parseCheckUrl(url: string): CheckTarget {
  const tcUrl = url.trim();
  const { schema, host, port, app, param } = parseTcUrl(tcUrl);
  if (schema !== 'rtmp') {
    const text = `bandwidth check: expect a url rtmp://..., got ${redact(tcUrl)}`;
    throw new SrsError(ErrorCode.RTMP_REQ_TCURL, text);
  }
  return { host, port, app: `${app}${param}`, tcUrl };
}

/** Measures the line to a server; takes about six seconds. Never rejects: what went wrong stands in the report. */
export async function checkBandwidth(target: CheckTarget, parts: CheckParts): Promise<CheckReport> {
  const { host, port } = target;
  let addresses: readonly string[];
  try {
    addresses = await (parts.resolve ?? addressesOf)(host);
  } catch (error) {
    return failed(ErrorCode.SYSTEM_IP_INVALID, `cannot resolve ${host}: ${describeError(error)}`);
  }
  let reason = 'it has no address';
  for (const address of addresses) {
    const outcome = await attempt(target, address, parts);
    if (typeof outcome !== 'number') return outcome;
    reason = outcome === 0 ? 'closed at once' : getSystemErrorName(-outcome);
  }
  return failed(ErrorCode.SOCKET_CONNECT, `cannot connect to ${host} port ${port}: ${reason}`);
}

/** The report, or the errno for an address that takes no connection. */
function attempt(
  target: CheckTarget,
  address: string,
  parts: CheckParts,
): Promise<CheckReport | number> {
  return new Promise((resolve) => {
    const run = new CheckRun(target, parts.clock, resolve);
    run.open((handler) => parts.connect(address, target.port, CONNECT_TIMEOUT_MS, handler));
  });
}

/** One connection. Its outcome is told once it is closed, so that the last word has been delivered. */
class CheckRun implements SocketHandler {
  readonly #target: CheckTarget;
  readonly #clock: Clock;
  readonly #done: (outcome: CheckReport | number) => void;
  #client: BandwidthClient | undefined;
  #isConnected = false;
  #report: CheckReport = { server: undefined, result: undefined, error: undefined };

  constructor(target: CheckTarget, clock: Clock, done: (outcome: CheckReport | number) => void) {
    this.#target = target;
    this.#clock = clock;
    this.#done = done;
  }

  open(connect: (handler: SocketHandler) => Socket): void {
    const socket = connect(this);
    const handler = {
      onConnected: (server: ConnectInfo): void => {
        this.#report = { ...this.#report, server };
      },
      onResult: (result: BandwidthResult): void => {
        this.#report = { ...this.#report, result };
      },
      onError: (error: SrsError): void => {
        this.#report = { ...this.#report, error };
        socket.destroy();
      },
    };
    const { tcUrl, app } = this.#target;
    this.#client = new BandwidthClient(socket, handler, { clock: this.#clock, tcUrl, app });
  }

  onConnect(): void {
    this.#isConnected = true;
    this.#client?.start();
  }

  onData(slab: Buffer, start: number, end: number): void {
    this.#client?.push(slab, start, end);
  }

  onDrain(): void {
    this.#client?.onDrain();
  }

  onClose(errno: number): void {
    if (!this.#isConnected) {
      this.#done(errno);
      return;
    }
    const reason = errno === 0 ? 'closed the connection' : `lost, ${getSystemErrorName(-errno)},`;
    this.#client?.close(`bandwidth check: the server ${reason}`);
    this.#done(this.#report);
  }
}

async function addressesOf(host: string): Promise<string[]> {
  const found = await lookup(host, { all: true });
  return found.map(({ address }) => address);
}

function failed(code: ErrorCode, text: string): CheckReport {
  const error = new SrsError(code, `bandwidth check: ${text}`);
  return { server: undefined, result: undefined, error };
}
