/** Owns the questions whether a client's copy of a file is still good (RFC 9110, section 13). */
import type { IncomingHttpHeaders } from 'node:http';

/** By what a version of a file is recognised. */
export interface Validators {
  /** With its quotes. */
  readonly etag: string;
  /** Of the last change, in whole seconds of the epoch, ms. */
  readonly modifiedMs: number;
}

/** Validators of a file, from its size and the time of its last change, ms with fractions. */
export function validatorsOf(size: number, mtimeMs: number): Validators {
  const version = Math.round(mtimeMs * 1000).toString(16);
  return {
    etag: `"${size.toString(16)}-${version}"`,
    modifiedMs: Math.floor(mtimeMs / 1000) * 1000,
  };
}

/** Whether the client has this very version, so that 304 is enough. The tags decide where there are any. */
export function isNotModified(headers: IncomingHttpHeaders, validators: Validators): boolean {
  const tags = headers['if-none-match'];
  if (tags !== undefined) {
    return tags.split(',').some((tag) => {
      const given = tag.trim();
      return given === '*' || given.replace(/^W\//, '') === validators.etag;
    });
  }
  const sinceMs = Date.parse(headers['if-modified-since'] ?? '');
  return !Number.isNaN(sinceMs) && validators.modifiedMs <= sinceMs;
}

/** Whether a range may be taken of this version: the client has parts of no other one. */
export function isRangeValid(headers: IncomingHttpHeaders, validators: Validators): boolean {
  const condition = headers['if-range'];
  if (typeof condition !== 'string') return true;
  if (condition.includes('"')) return condition.trim() === validators.etag;
  return Date.parse(condition) === validators.modifiedMs;
}
