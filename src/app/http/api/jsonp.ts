/** Owns JSONP: answers as a script that calls a function of the page, for pages that know no other way. */
import type { HttpExchange } from '../exchange';

import type { ApiOptions } from './api-parts';

/** A function of JavaScript, perhaps of an object: `fn`, `angular.callbacks._0`. Nothing else may be put into a script. */
const FUNCTION_NAME = /^[A-Za-z_$][\w$]{0,127}(?:\.[A-Za-z_$][\w$]{0,127}){0,7}$/;

/** How a request wants to be answered. */
export interface Asked {
  /** In upper case. */
  readonly method: string;
  /** The function that gets the answer; undefined for plain JSON. */
  readonly callback: string | undefined;
  /** Why there is to be no other answer than 400, or 403. */
  readonly refused?: { readonly status: 400 | 403; readonly message: string };
}

/**
 * Reads `?callback=` and, with it, `&method=`: a script element can send nothing but GET, so that the query has to say
 * what it is to be. Without `callback`, or where JSONP is off, both are not looked at.
 */
export function readAsked(
  { method, query }: Pick<HttpExchange, 'method' | 'query'>,
  allowed: ApiOptions['jsonp'],
): Asked {
  const callback = query.get('callback') ?? '';
  if (callback === '' || method !== 'GET' || allowed === 'off') {
    return { method, callback: undefined };
  }
  if (!FUNCTION_NAME.test(callback)) {
    const message = 'expect callback to be the name of a function';
    return { method, callback: undefined, refused: { status: 400, message } };
  }
  const wanted = (query.get('method') ?? method).toUpperCase();
  if (allowed === 'on' || wanted === 'GET' || wanted === 'HEAD') {
    return { method: wanted, callback };
  }
  const message = 'jsonp may only read here, expect another method than GET or "jsonp on"';
  return { method, callback, refused: { status: 403, message } };
}

/** The script. Two characters that JSON allows in a string end a line in older JavaScript. */
export function scriptOf(callback: string, json: string): string {
  const literal = json.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
  return `${callback}(${literal})`;
}
