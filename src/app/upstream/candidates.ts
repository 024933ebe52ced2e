/** Owns the choice among the servers that could serve a stream: the same one for all who ask, but none that failed. */
import { createHash } from 'node:crypto';

import type { Clock } from '../../core/clock';

import type { Resolver } from './resolver';
import { hostAndPort } from './target';
import type { UpstreamServer, UpstreamWord } from './target';

/** So long a server that failed is asked after all others. */
const FAILURE_MS = 30_000;
/** SRV records of weight 0 are to have a very small share beside others (RFC 2782). */
const LEAST_WEIGHT = 0.01;

/** Which servers have failed a short while ago, for all streams alike. */
export class FailureMemory {
  readonly #clock: Clock;
  /** When it failed, by server; the oldest first. */
  readonly #failed = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** It could not be reached, or was lost. */
  fail(server: UpstreamServer): void {
    this.#forgetOld();
    const key = keyOf(server);
    this.#failed.delete(key);
    this.#failed.set(key, this.#clock.nowMs());
  }

  /** It serves. */
  succeed(server: UpstreamServer): void {
    this.#failed.delete(keyOf(server));
  }

  has(server: UpstreamServer): boolean {
    const failedMs = this.#failed.get(keyOf(server));
    return failedMs !== undefined && this.#clock.nowMs() - failedMs < FAILURE_MS;
  }

  #forgetOld(): void {
    for (const [key, failedMs] of this.#failed) {
      if (this.#clock.nowMs() - failedMs < FAILURE_MS) return;
      this.#failed.delete(key);
    }
  }
}

/**
 * The servers that words stand for, each once, SRV records looked up. One word that cannot be looked up does not
 * matter while another stands for a server.
 *
 * @throws SrsError SYSTEM_DNS (1059) when none does
 */
export async function expand(
  words: readonly UpstreamWord[],
  resolver: Pick<Resolver, 'services'>,
): Promise<readonly UpstreamServer[]> {
  const answers = await Promise.allSettled(words.map((word) => serversOf(word, resolver)));
  const found = answers.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
  const [failure] = answers.filter((one) => one.status === 'rejected');
  if (found.length === 0 && failure !== undefined) throw failure.reason;
  const servers = new Map<string, UpstreamServer>();
  for (const server of found) {
    const key = `${keyOf(server)} ${JSON.stringify(server.word.path)}`;
    if (!servers.has(key)) servers.set(key, server);
  }
  return [...servers.values()];
}

/**
 * Servers in the order in which they are to be asked for a stream: by priority, within one by rendezvous hashing, so
 * that everybody who has the same list begins with the same server, and the servers have shares of the streams by
 * their weights. Those that failed come last.
 */
export function orderFor(
  streamKey: string,
  servers: readonly UpstreamServer[],
  failures: Pick<FailureMemory, 'has'>,
): UpstreamServer[] {
  const ranked = servers.map((server) => ({
    server,
    hasFailed: failures.has(server) ? 1 : 0,
    score: scoreOf(streamKey, server),
  }));
  ranked.sort(
    (a, b) =>
      a.hasFailed - b.hasFailed || a.server.priority - b.server.priority || b.score - a.score,
  );
  return ranked.map(({ server }) => server);
}

async function serversOf(
  word: UpstreamWord,
  resolver: Pick<Resolver, 'services'>,
): Promise<UpstreamServer[]> {
  const { schema, host, port } = word;
  if (!word.isService) {
    return [{ schema, host, port, priority: 0, weight: 1, label: hostAndPort(host, port), word }];
  }
  const services = await resolver.services(host);
  return services.map((service) => ({
    schema,
    ...service,
    label: hostAndPort(service.host, service.port),
    word,
  }));
}

/** The weighted form: each server draws a number for the stream, and the largest wins. */
function scoreOf(streamKey: string, server: UpstreamServer): number {
  const digest = createHash('sha1')
    .update(`${keyOf(server)} ${streamKey}`)
    .digest();
  // In (0, 1): 0 has no logarithm.
  const draw = (digest.readUIntBE(0, 6) + 0.5) / 2 ** 48;
  return -Math.max(LEAST_WEIGHT, server.weight) / Math.log(draw);
}

function keyOf({ schema, label }: UpstreamServer): string {
  return `${schema}://${label}`;
}
