/** Owns the copy of a client's names that statistics keep: a request changes with what its client asks for next. */
import type { ClientNames } from './stat-types';

/** What is used of a request. */
export interface NamedRequest {
  readonly vhost: string;
  readonly app: string;
  /** Parameters of the app with their `?`, or ''. */
  readonly param: string;
  readonly stream: string;
  /** Parameters of the stream with their `?`, or ''. */
  readonly streamParam: string;
  readonly tcUrl: string;
  readonly pageUrl: string;
  readonly swfUrl: string;
}

/** The names of a request as they are now; the query is that of the stream, else that of the app. */
export function clientNames(request: NamedRequest): ClientNames {
  const { vhost, app, stream, streamParam, tcUrl, pageUrl, swfUrl } = request;
  const param = streamParam === '' ? request.param : streamParam;
  return { vhost, app, stream, param, tcUrl, pageUrl, swfUrl };
}
