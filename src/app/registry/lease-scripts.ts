/**
 * Owns what the registry keeps in Redis, and the scripts that read and write it.
 *
 * `<prefix>stream:<vhost>/<app>/<stream>` is a hash: the address of each origin that has the stream, and `<expiry>
 * <since>` in milliseconds of the clock of Redis, which is the only one that counts. `<prefix>changes` is a number that
 * goes up whenever an origin announces a stream that it had not, so that others need not ask for each stream they wait
 * for. Redis 5 or newer.
 */
import type { StreamName } from '../stream/sink';

/** Streams of one call: a script holds up everybody else while it runs. */
export const MAX_KEYS = 500;
/** Origins of one stream that are looked at. */
const MAX_ORIGINS = 32;
/** What stands under the key of a stream with more fields is none of ours: it is not even read. */
const MAX_FIELDS = 256;
/** The longest address, and then some, characters. */
const MAX_ADDRESS = 300;
/** `host:port` or `[v6]:port`: nothing else is believed. */
const ADDRESS = /^(?:\[[0-9A-Fa-f:.]{2,45}\]|[\w.-]{1,253}):([1-9]\d{0,4})$/;
const MAX_PORT = 65535;

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/** KEYS: changes, streams. ARGV: address, lease in ms, age of each publish in ms. Returns how many are new. */
const ANNOUNCE = `${NOW}
local lease = tonumber(ARGV[2])
local added = 0
for i = 2, #KEYS do
  local size = redis.pcall('HLEN', KEYS[i])
  if type(size) == 'table' or size > ${MAX_FIELDS} then redis.call('UNLINK', KEYS[i]) end
  local old = redis.call('HGET', KEYS[i], ARGV[1])
  local expiry = type(old) == 'string' and tonumber(string.match(old, '^%d+'))
  if not expiry or expiry <= now then
    added = added + 1
    local fields = redis.call('HGETALL', KEYS[i])
    for j = 1, #fields, 2 do
      local ending = tonumber(string.match(fields[j + 1], '^%d+'))
      if not ending or ending <= now then redis.call('HDEL', KEYS[i], fields[j]) end
    end
  end
  local value = string.format('%.0f %.0f', now + lease, now - tonumber(ARGV[i + 1]))
  redis.call('HSET', KEYS[i], ARGV[1], value)
  if redis.call('PTTL', KEYS[i]) < lease then redis.call('PEXPIRE', KEYS[i], lease) end
end
if added > 0 then
  local begin = string.format('%.0f', time[1] * 1000000 + time[2])
  redis.call('SET', KEYS[1], begin, 'NX')
  if type(redis.pcall('INCR', KEYS[1])) == 'table' then redis.call('SET', KEYS[1], begin) end
end
return added
`;

/** KEYS: streams. ARGV: address. */
const WITHDRAW = `
for i = 1, #KEYS do redis.pcall('HDEL', KEYS[i], ARGV[1]) end
return #KEYS
`;

/** KEYS: streams. Returns for each a list of address, since, address, since ... */
const FIND = `${NOW}
local all = {}
for i = 1, #KEYS do
  local found = {}
  local size = redis.pcall('HLEN', KEYS[i])
  if type(size) == 'number' and size <= ${MAX_FIELDS} then
    local fields = redis.call('HGETALL', KEYS[i])
    for j = 1, #fields, 2 do
      local expiry, since = string.match(fields[j + 1], '^(%d+) (%-?%d+)$')
      if expiry and tonumber(expiry) > now and #fields[j] <= ${MAX_ADDRESS} then
        found[#found + 1] = fields[j]
        found[#found + 1] = since
      end
    end
  end
  all[i] = found
end
return all
`;

/** A stream of ours that somebody publishes. */
export interface Announced {
  readonly key: string;
  /** How long it has been published, milliseconds. */
  readonly ageMs: number;
}

/** `vhost/app/stream`; a slash within a name is escaped, so that no two streams are one. */
export function registryKey({ vhost, app, stream }: StreamName): string {
  return [vhost, app, stream].map((name) => name.replace(/[%/]/g, encodeURIComponent)).join('/');
}

/** The command that announces streams, or renews them, as those of `address`. */
export function announceCommand(
  prefix: string,
  address: string,
  leaseMs: number,
  streams: readonly Announced[],
): string[] {
  const keys = [`${prefix}changes`, ...streams.map(({ key }) => streamKey(prefix, key))];
  const ages = streams.map(({ ageMs }) => String(Math.round(ageMs)));
  return script(ANNOUNCE, keys, [address, String(leaseMs), ...ages]);
}

/** The command that takes announcements back. */
export function withdrawCommand(
  prefix: string,
  address: string,
  streams: readonly string[],
): string[] {
  return script(
    WITHDRAW,
    streams.map((key) => streamKey(prefix, key)),
    [address],
  );
}

/** The command that asks who has the streams. */
export function findCommand(prefix: string, streams: readonly string[]): string[] {
  return script(
    FIND,
    streams.map((key) => streamKey(prefix, key)),
    [],
  );
}

/** The command that tells by its answer whether anything was announced since it was asked last. */
export function changesCommand(prefix: string): string[] {
  return ['GET', `${prefix}changes`];
}

/**
 * Reads the answer to {@link findCommand}: for each stream the addresses of those that have it, who began to publish
 * last in front. What is no address is left out.
 */
export function foundAddresses(reply: unknown, count: number): string[][] {
  const lists: unknown[] = Array.isArray(reply) ? reply : [];
  return Array.from({ length: count }, (_none, at) => newestFirst(lists[at]));
}

function newestFirst(list: unknown): string[] {
  if (!Array.isArray(list)) return [];
  const origins: { address: string; since: number }[] = [];
  for (let at = 0; at + 1 < list.length && origins.length < MAX_ORIGINS; at += 2) {
    const [address, since] = [String(list[at]), Number(list[at + 1])];
    if (isAddress(address) && Number.isFinite(since)) origins.push({ address, since });
  }
  origins.sort((a, b) => b.since - a.since || (a.address < b.address ? -1 : 1));
  return origins.map(({ address }) => address);
}

function isAddress(text: string): boolean {
  return Number(ADDRESS.exec(text)?.[1] ?? Infinity) <= MAX_PORT;
}

function streamKey(prefix: string, key: string): string {
  return `${prefix}stream:${key}`;
}

function script(text: string, keys: readonly string[], values: readonly string[]): string[] {
  return ['EVAL', text, String(keys.length), ...keys, ...values];
}
