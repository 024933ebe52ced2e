/** Owns the question which servers may have a stream, and in which order they are asked for it. */
import { ErrorCode, SrsError } from '../../core/errors';
import type { VhostOptions } from '../config/config';
import type { StreamName } from '../stream/sink';
import { expand, orderFor } from '../upstream/candidates';
import type { FailureMemory } from '../upstream/candidates';
import type { Resolver } from '../upstream/resolver';
import { parseUpstream } from '../upstream/target';
import type { UpstreamServer } from '../upstream/target';

/** Where a stream can be had besides the `origin` of its vhost, e.g. by a registry. */
export interface OriginFinder {
  /** Words as of `origin`, best first; none when nobody has the stream. Answers within a bounded time. */
  find(name: StreamName): Promise<readonly string[]>;
  /** Calls `onFound` when somebody has it, and again when others have. Returns what ends that; idempotent. */
  watch(name: StreamName, onFound: (words: readonly string[]) => void): () => void;
}

/** What the choice depends on. */
export interface OriginsParts {
  readonly resolver: Pick<Resolver, 'services'>;
  readonly failures: Pick<FailureMemory, 'has'>;
  readonly finder?: OriginFinder | undefined;
}

/** The servers for streams, chosen alike by everybody who has the same list. */
export class Origins {
  readonly #parts: OriginsParts;

  constructor(parts: OriginsParts) {
    this.#parts = parts;
  }

  /** Whether streams of a vhost may be fetched from anywhere. */
  servesFor({ mode }: Pick<VhostOptions, 'mode'>): boolean {
    return mode === 'remote' || this.#parts.finder !== undefined;
  }

  /**
   * The servers to ask for a stream, best first: who is known to have it, then those that the vhost names. Those that
   * failed a short while ago come last.
   *
   * @param streamKey what the choice among equals hangs on
   * @throws SrsError EDGE_VHOST_REMOVED (3039) for an edge without `origin`, RTMP_STREAM_NOT_FOUND (2048) when nobody
   *   has it, SYSTEM_DNS (1059), or what is wrong with the words when none is right
   */
  async of(name: StreamName, vhost: VhostOptions, streamKey: string): Promise<UpstreamServer[]> {
    const { resolver, failures, finder } = this.#parts;
    const servers = new Map<string, UpstreamServer>();
    let failure: Error | undefined;
    const take = async (find: () => Promise<readonly UpstreamServer[]>): Promise<void> => {
      try {
        for (const server of await find()) servers.set(serverKey(server), server);
      } catch (error) {
        failure = error instanceof Error ? error : new Error(String(error));
      }
    };
    await take(async () => expand(wordsOf((await finder?.find(name)) ?? []), resolver));
    await take(async () => {
      const words = vhost.mode === 'remote' ? vhost.origin : [];
      return orderFor(streamKey, await expand(wordsOf(words), resolver), failures);
    });
    if (servers.size === 0) throw failure ?? nowhere(vhost);
    const all = [...servers.values()];
    const isLate = (server: UpstreamServer): boolean => failures.has(server);
    return [...all.filter((server) => !isLate(server)), ...all.filter(isLate)];
  }

  /**
   * The servers that an edge names, in the order of their words.
   *
   * @throws SrsError as {@link of}
   */
  async configured(vhost: VhostOptions): Promise<UpstreamServer[]> {
    const { resolver, failures } = this.#parts;
    if (vhost.origin.length === 0) throw nowhere(vhost);
    const servers = await expand(wordsOf(vhost.origin), resolver);
    const late = (server: UpstreamServer): number => (failures.has(server) ? 1 : 0);
    return [...servers].sort((a, b) => late(a) - late(b) || a.priority - b.priority);
  }
}

/** Which server it is, and where on it its word leads. */
export function serverKey({ schema, label, word }: UpstreamServer): string {
  return `${schema}://${label} ${JSON.stringify(word.path)}`;
}

/** One bad word does not spoil the others. */
function wordsOf(words: readonly string[]): ReturnType<typeof parseUpstream>[] {
  const parsed: ReturnType<typeof parseUpstream>[] = [];
  let failure: SrsError | undefined;
  for (const word of words) {
    try {
      parsed.push(parseUpstream(word));
    } catch (error) {
      if (!(error instanceof SrsError)) throw error;
      failure = error;
    }
  }
  if (parsed.length === 0 && failure) throw failure;
  return parsed;
}

function nowhere({ name, mode }: Pick<VhostOptions, 'name' | 'mode'>): SrsError {
  if (mode === 'remote') {
    const text = `expect an origin in vhost ${name} to fetch streams from, got none`;
    return new SrsError(ErrorCode.EDGE_VHOST_REMOVED, text);
  }
  return new SrsError(ErrorCode.RTMP_STREAM_NOT_FOUND, 'no origin has the stream');
}
