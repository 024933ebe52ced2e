/** Owns the question whether a copy of a stream would come back to the very server it comes from. */
import { networkInterfaces } from 'node:os';

import { ErrorCode, SrsError } from '../../core/errors';
import { formatIp, parseIp } from '../../core/ip-address';
import type { Interfaces } from '../../core/local-addresses';
import { parseTcUrl, splitStreamName } from '../../rtmp/request';
import type { ListenAddress } from '../config/config';
import type { StreamNames } from '../stats/stat-types';
import type { UpstreamParts } from '../upstream/connection';
import type { UpstreamNames } from '../upstream/names';
import { hostAndPort, urlOf } from '../upstream/target';
import type { UpstreamWord } from '../upstream/target';

/** First byte of the IPv4 addresses that lead to the machine itself. */
const LOOPBACK = 127;
/** To connect there is to connect to oneself. */
const ANY_ADDRESSES = new Set(['0.0.0.0', '::']);

type Addresses = UpstreamParts['resolver'];

/** What the guard knows of this server. */
export interface OwnServer {
  /** The name of the vhost that serves a name; undefined when none does. */
  vhostName(name: string): string | undefined;
  /** Where it listens, as of now. */
  listening(): readonly ListenAddress[];
  /** Interfaces of the machine; the system's unless a test has others. */
  readonly interfaces?: () => Interfaces;
}

/**
 * Whether a word names the very stream that is copied, if its server is this one: vhost, application and stream as this
 * server would understand them.
 */
export function isSameStream(
  word: UpstreamWord,
  names: UpstreamNames,
  name: StreamNames,
  own: Pick<OwnServer, 'vhostName'>,
): boolean {
  const { schema, host, port } = word;
  const server = { schema, host, port: port || 1, priority: 0, weight: 1, label: '', word };
  const url = urlOf(server, names);
  const address = parseTcUrl(url.tcUrl);
  const asked = splitStreamName(url.stream);
  if (address.app !== name.app || asked.stream !== name.stream) return false;
  return own.vhostName(asked.vhost === '' ? address.vhost : asked.vhost) === name.vhost;
}

/**
 * The resolver for a destination that would be the source, if this server were there: a host that leads here is refused
 * with SrsError SYSTEM_FORWARD_LOOP (1030), each time that it is looked up, and `onLoop` told.
 */
export function guardedResolver(
  resolver: Addresses,
  word: UpstreamWord,
  own: OwnServer,
  onLoop: (error: SrsError) => void,
): Addresses {
  const ports = new Map<string, Set<number>>([[word.host, new Set([word.port])]]);
  return {
    addresses: async (host) => {
      const found = await resolver.addresses(host);
      const loop = [...(ports.get(host) ?? [])].flatMap((port) =>
        found
          .filter((address) => leadsHere(address, port, own))
          .map((address) => hostAndPort(address, port)),
      )[0];
      if (loop === undefined) return found;
      const error = new SrsError(
        ErrorCode.SYSTEM_FORWARD_LOOP,
        `expect another server than this one as the destination of a forward, got ${loop}`,
      );
      onLoop(error);
      throw error;
    },
    services: async (name) => {
      const services = await resolver.services(name);
      for (const { host, port } of services) {
        ports.set(host, (ports.get(host) ?? new Set()).add(port));
      }
      return services;
    },
  };
}

/** Whether a connection to this address is one to this server. */
function leadsHere(address: string, port: number, own: OwnServer): boolean {
  const target = normal(address);
  const isOwn = ANY_ADDRESSES.has(target) || isLocal(target, own.interfaces ?? networkInterfaces);
  if (!isOwn) return false;
  return own.listening().some((open) => open.port === port && takes(open.host, target));
}

/** Whether who listens at `host` hears of those that connect to an address of the machine. */
function takes(host: string, target: string): boolean {
  if (ANY_ADDRESSES.has(target) || host === '::') return true;
  if (host === '' || host === '0.0.0.0') return !target.includes(':');
  return normal(host) === target;
}

function isLocal(address: string, interfaces: () => Interfaces): boolean {
  if (parseIp(address)?.[0] === LOOPBACK && !address.includes(':')) return true;
  return Object.values(interfaces()).some((addresses = []) =>
    addresses.some((one) => normal(one.address) === address),
  );
}

/** One way to write an address; what is none stays as it is. */
function normal(address: string): string {
  const bytes = parseIp(address);
  return bytes === undefined ? address : formatIp(bytes);
}
