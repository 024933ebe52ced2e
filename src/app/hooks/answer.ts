/** Owns the reading of what hook servers answer: allowed, refused and why, or no proper answer at all. */
import { ErrorCode } from '../../core/errors';

/** Longest text of a server that is passed on or logged, characters. */
const MAX_TEXT = 200;
/** Statuses by which a server does not refuse, but asks for patience. */
const PATIENCE_STATUSES = new Set([408, 425, 429]);
/** What ends lines or orders text otherwise, wherever it is shown. */
const CONTROLS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;

/** Bytes that are no text leave one of these. */
const NO_TEXT = /[\p{Cn}\uFFFD]|(?![\t\r\n])\p{Cc}/u;

/** What came back. */
export interface HttpReply {
  readonly status: number;
  readonly text: string;
}

/** What a reply means. */
export type Answer =
  | { readonly kind: 'accepted' }
  | {
      /** `refused`: the server says no. `broken`: it says nothing that could be understood. */
      readonly kind: 'refused' | 'broken';
      readonly code: ErrorCode;
      /** In the server's words, safe to be shown; '' when it gave none. */
      readonly reason: string;
      /** It may be another one later. */
      readonly isTransient: boolean;
    };

const ACCEPTED: Answer = { kind: 'accepted' };

/**
 * Status 200 with `0`, or with an object whose integer `code` is 0, accepts. Another number, another integer `code`, a
 * reason, be it stated in an object or a short text, and a status 4xx refuse. Everything else is broken.
 */
export function readAnswer({ status, text }: HttpReply): Answer {
  const body = text.replace(/^\uFEFF/, '').trim();
  if (status !== 200) return readStatus(status, body);
  const value = parse(body);
  if (value === undefined) {
    const reason = plainReason(body);
    const kind = reason === '' ? 'broken' : 'refused';
    return { kind, code: ErrorCode.HTTP_DATA_INVLIAD, reason, isTransient: false };
  }
  const code = typeof value === 'number' ? value : field(value, 'code');
  if (code === 0) return ACCEPTED;
  const reason = typeof value === 'string' ? plainReason(value) : statedReason(value);
  const isVerdict = typeof value === 'number' || Number.isInteger(code) || reason !== '';
  const kind = isVerdict ? 'refused' : 'broken';
  return { kind, code: ErrorCode.RESPONSE_DATA, reason, isTransient: false };
}

/** One line of at most 200 characters, without what would move a terminal's cursor. */
export function oneLine(text: string): string {
  const line = text
    .slice(0, 8 * MAX_TEXT)
    .replace(CONTROLS, ' ')
    .replace(/ +/g, ' ')
    .trim();
  // By code points: half of a pair would be no text.
  return line.length <= MAX_TEXT ? line : Array.from(line).slice(0, MAX_TEXT).join('');
}

function readStatus(status: number, body: string): Answer {
  const isRefused = status >= 400 && status < 500 && !PATIENCE_STATUSES.has(status);
  const value = parse(body);
  const stated = value === undefined ? plainReason(body) : statedReason(value);
  return {
    kind: isRefused ? 'refused' : 'broken',
    code: ErrorCode.HTTP_STATUS_INVALID,
    // What a server says about its own trouble is not for clients.
    reason: isRefused ? stated : '',
    isTransient: status >= 500 || PATIENCE_STATUSES.has(status),
  };
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}

/** The reason an object gives, by one of the names that are in use. */
function statedReason(value: unknown): string {
  const candidates = [
    field(value, 'reason'),
    field(value, 'msg'),
    field(value, 'message'),
    field(field(value, 'data'), 'reason'),
  ];
  const reason = candidates.find((candidate) => typeof candidate === 'string');
  return reason === undefined ? '' : oneLine(reason);
}

/** Short plain text is a reason; a page, half an object, or what is no text is none. */
function plainReason(body: string): string {
  const isText = body.length <= MAX_TEXT && !/^[<{["]/.test(body) && !NO_TEXT.test(body);
  return isText ? oneLine(body) : '';
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}
