/** Owns what is known of a client that is another server of this kind: an edge, or one that forwards to us. */
import { redact } from '../../core/redact';
import type { RtmpRequest } from '../../rtmp/request';
import type { Source } from '../stream/source';

/**
 * Players of one stream that are flushed at once because they are servers. Each costs as much as four others, and
 * anybody can say that he is one.
 */
const MAX_PROMPT = 256;
const promptPlayers = new WeakMap<Source, number>();

/** Whether the client has introduced itself as a server, in the arguments of its connect. */
export function isServer({ args }: RtmpRequest): boolean {
  return (args?.number('srs_pid') ?? 0) > 0;
}

/**
 * One more server plays the stream and is to be flushed at once. Returns what ends that, to be called once; undefined when
 * there are too many.
 */
export function joinPrompt(source: Source): (() => void) | undefined {
  const countOf = (): number => promptPlayers.get(source) ?? 0;
  if (countOf() >= MAX_PROMPT) return undefined;
  promptPlayers.set(source, countOf() + 1);
  return () => {
    promptPlayers.set(source, countOf() - 1);
  };
}

/** For the log, which server and which of its connections the client is; undefined for any other client. */
export function peerServerLine(request: RtmpRequest): string | undefined {
  const { args } = request;
  if (!args || !isServer(request)) return undefined;
  const version = args.string('srs_version') ?? '';
  const ip = args.string('srs_server_ip') ?? '';
  const pid = args.number('srs_pid') ?? 0;
  const id = args.number('srs_id') ?? 0;
  return redact(`edge-srs ip=${ip}, version=${version}, pid=${pid}, id=${id}`);
}
