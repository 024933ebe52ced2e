/** Owns the reading of an answer to on_forward: where else a stream is to go. */
import type { HttpReply } from './answer';

/** Most URLs of one answer that are used. */
export const MAX_FORWARD_URLS = 64;
/** Longest of them, characters. */
const MAX_URL = 2048;

/**
 * The texts of `data.urls`, however many; none where there is no such list, as in an answer of `0`. Undefined when it
 * holds something else than texts that could be URLs.
 */
export function readForwardUrls({ text }: HttpReply): readonly string[] | undefined {
  const urls = listOf(JSON.parse(text.replace(/^\uFEFF/, '').trim()));
  if (urls === undefined || urls === null) return [];
  if (!Array.isArray(urls)) return undefined;
  const all: readonly unknown[] = urls;
  return all.every(isUrl) ? all : undefined;
}

function listOf(answer: unknown): unknown {
  if (typeof answer !== 'object' || answer === null || !('data' in answer)) return undefined;
  const { data } = answer;
  return typeof data === 'object' && data !== null && 'urls' in data ? data.urls : undefined;
}

function isUrl(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_URL;
}
