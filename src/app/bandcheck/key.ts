/** Owns the question whether a tcUrl holds the key of a bandwidth check. */
import { createHash, timingSafeEqual } from 'node:crypto';

/** Where the value of a parameter `key` begins: `?`, `&`, `,` and `...` part the parameters. */
const KEY_PARAMETER = /(?:[?&,]|\.\.\.)key(?:=|\.\.\.)/g;
/** What may follow the value of a parameter. */
const VALUE_END = /^(?:$|[?&,/]|\.\.\.)/;
/** A tcUrl has one of them; each costs a digest. */
const MAX_TRIED = 16;

/**
 * Whether a parameter `key` of the tcUrl has this value, as it is or percent-encoded. Of a wrong key the time tells
 * nothing. An empty key asks for none.
 */
export function hasKey(tcUrl: string, key: string): boolean {
  if (key === '') return true;
  const forms = [...new Set([key, encodeURIComponent(key)])];
  let isFound = false;
  for (const at of valuePositions(tcUrl)) {
    for (const form of forms) {
      const end = at + form.length;
      const isEqual = timingSafeEqual(sha256(tcUrl.slice(at, end)), sha256(form));
      // A key may hold what parts parameters: where its value ends is asked of the text behind it.
      isFound = (isEqual && VALUE_END.test(tcUrl.slice(end, end + 3))) || isFound;
    }
  }
  return isFound;
}

function valuePositions(tcUrl: string): number[] {
  const positions: number[] = [];
  for (const { 0: mark, index } of tcUrl.matchAll(KEY_PARAMETER)) {
    if (positions.length < MAX_TRIED) positions.push(index + mark.length);
  }
  return positions;
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
