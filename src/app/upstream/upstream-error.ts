/** Owns the one error by which a connection upstream ends, and the reading of what a server says when it refuses. */
import { SrsError } from '../../core/errors';
import type { ErrorCode } from '../../core/errors';
import { redact } from '../../core/redact';
import { AmfObject } from '../../rtmp/amf0-value';

/** What the server said when it refused. */
export interface Verdict {
  /** Status code, as `NetStream.Publish.BadName`; '' when it gave none. */
  readonly status: string;
  readonly description: string;
}

/** Where a server sends its clients on to. */
export interface Redirect {
  readonly tcUrl: string;
  /** Name of the stream there; '' for the one that was asked for. */
  readonly stream: string;
}

/** HTTP's number for "found elsewhere", by which servers of RTMP say the same. */
const FOUND_ELSEWHERE = 302;
/** How servers ask for a name and a password (Adobe, Limelight). */
const LOGIN = /authmod=(\w+)/;

/** Why a connection upstream is over. */
export class UpstreamError extends SrsError {
  /** Status code of the server, when it refused. */
  readonly status: string | undefined;
  /** The server's own words, when it refused. */
  readonly description: string | undefined;

  constructor(code: ErrorCode, message: string, more: { verdict?: Verdict; cause?: unknown } = {}) {
    super(code, message, { cause: more.cause });
    this.name = 'UpstreamError';
    this.status = more.verdict?.status;
    this.description = more.verdict?.description;
  }

  /** Whether the server was reached and said no; else it could not be reached, or was lost. */
  get isRefusal(): boolean {
    return this.status !== undefined;
  }
}

/** The error of a refusal by the server `label`: as the session tells it, and what the server gave as reason. */
export function refusalOf(
  label: string,
  error: SrsError,
  info: AmfObject | undefined,
): UpstreamError {
  const verdict = {
    status: info?.string('code') ?? '',
    description: info?.string('description') ?? '',
  };
  const [, login] = LOGIN.exec(verdict.description) ?? [];
  const hint = login === undefined ? '' : `; to log in by authmod=${login} is not supported`;
  return new UpstreamError(error.code, `${label}: ${redact(error.message)}${hint}`, { verdict });
}

/** Where a refusal sends us on to; undefined when it does not. */
export function redirectOf(info: AmfObject | undefined): Redirect | undefined {
  const ex = info?.get('ex');
  if (!(ex instanceof AmfObject) || ex.number('code') !== FOUND_ELSEWHERE) return undefined;
  const tcUrl = ex.string('redirect') ?? '';
  if (tcUrl === '') return undefined;
  // Some servers tell the url of the stream, too: what lies behind the tcUrl is the name there.
  const whole = ex.string('redirect2') ?? '';
  const stream = whole.startsWith(`${tcUrl}/`) ? whole.slice(tcUrl.length + 1) : '';
  return { tcUrl, stream };
}
