/** Owns what hook servers are sent: the fields of each event, as of the moment when it happened. */
import type { ClientIdentity } from '../access/access';
import type { StreamName } from '../stream/sink';

import type { HookEvent } from './options';

/** Longest URL of a client that is passed on, characters: what waits to be told is bounded. */
const MAX_URL = 4096;

/** The fields of one event, in their order. */
export type Payload = Readonly<Record<string, string | number>>;

/** A client and what it asked for, as it was then: the request of a client changes. */
export interface HookSubject {
  readonly clientId: number;
  readonly ip: string;
  /** Name of the vhost that matched. */
  readonly vhost: string;
  readonly app: string;
  readonly tcUrl: string;
  readonly pageUrl: string;
  readonly stream: string;
  /** The query of the stream, else that of the app, with its `?`; or ''. */
  readonly param: string;
}

/** Who published a stream, as far as it is known: id 0 when it is not. */
export interface HookPublisher {
  readonly clientId: number;
  readonly ip: string;
  readonly param: string;
}

/** A stream that is published, and by whom as far as that is known: id 0 and empty texts when it is not. */
export type ForwardedPublish = Omit<HookSubject, 'pageUrl'>;

/** A recording that is complete. */
export interface DvrFile {
  readonly name: StreamName;
  /** Relative to `cwd` when it is relative. */
  readonly file: string;
  readonly cwd: string;
  readonly durationMs: number;
  readonly bytes: number;
  /** Epoch milliseconds. */
  readonly startedAt: number;
}

/** A segment that can be fetched. */
export interface HlsSegment {
  readonly name: StreamName;
  readonly file: string;
  /** As the playlist names it. */
  readonly url: string;
  readonly m3u8: string;
  readonly m3u8Url: string;
  readonly durationMs: number;
  readonly sequence: number;
}

/** Takes down who a client is and what it asks for. */
export function subjectOf(client: ClientIdentity, vhost: string): HookSubject {
  const { app, tcUrl, pageUrl, stream, streamParam, param } = client.request;
  return {
    clientId: client.id,
    ip: client.ip,
    vhost,
    app,
    tcUrl: tcUrl.slice(0, MAX_URL),
    pageUrl: pageUrl.slice(0, MAX_URL),
    stream,
    param: streamParam === '' ? param : streamParam,
  };
}

/** What is sent of a client: every field that either line of SRS 2.0 sends with the event. */
export function clientPayload(event: HookEvent, subject: HookSubject): Payload {
  const { clientId, ip, vhost, app, tcUrl, pageUrl, stream, param } = subject;
  const head = { action: event, client_id: clientId, ip, vhost, app };
  if (event === 'on_connect') return { ...head, tcUrl, pageUrl };
  if (event === 'on_close') return { ...head, pageUrl };
  const whole = { ...head, pageUrl, stream, param };
  return event === 'on_publish' || event === 'on_play' ? { ...whole, tcUrl } : whole;
}

/** What is sent to be told where else a stream is to go. */
export function forwardPayload(publish: ForwardedPublish): Payload {
  const { clientId, ip, vhost, app, tcUrl, stream, param } = publish;
  const head = { action: 'on_forward', client_id: clientId, ip, vhost, app };
  return { ...head, tcUrl: tcUrl.slice(0, MAX_URL), stream, param };
}

/** What is sent of the bytes of a connection that has ended; nothing where they are not counted. */
export function trafficOf(client: ClientIdentity): Payload {
  const send_bytes = client.bytesSent?.();
  const recv_bytes = client.bytesReceived?.();
  return {
    ...(send_bytes !== undefined && { send_bytes }),
    ...(recv_bytes !== undefined && { recv_bytes }),
  };
}

export function dvrPayload(file: DvrFile, publisher: HookPublisher): Payload {
  const { cwd, durationMs, bytes } = file;
  return {
    ...streamHead('on_dvr', file.name, publisher),
    cwd,
    file: file.file,
    duration: durationMs / 1000,
    bytes,
  };
}

export function hlsPayload(segment: HlsSegment, publisher: HookPublisher, cwd: string): Payload {
  const { file, url, m3u8, m3u8Url, durationMs, sequence } = segment;
  return {
    ...streamHead('on_hls', segment.name, publisher),
    duration: durationMs / 1000,
    cwd,
    file,
    url,
    m3u8,
    m3u8_url: m3u8Url,
    seq_no: sequence,
  };
}

/**
 * The address that is fetched to warm up a CDN: that of the segment when it is absolute, else the configured one with
 * `[vhost]`, `[app]`, `[stream]`, `[param]` and `[ts_url]` replaced.
 */
export function notifyUrl(template: string, segment: HlsSegment, { param }: HookPublisher): string {
  if (/^https?:\/\//i.test(segment.url)) return segment.url;
  const { vhost, app, stream } = segment.name;
  const values: Readonly<Record<string, string>> = {
    '[vhost]': inPath(vhost),
    '[app]': inPath(app),
    '[stream]': inPath(stream),
    '[param]': param,
    '[ts_url]': segment.url,
  };
  return template.replace(/\[\w+\]/g, (variable) => values[variable] ?? variable);
}

function streamHead(event: HookEvent, name: StreamName, publisher: HookPublisher): Payload {
  const { vhost, app, stream } = name;
  const { clientId, ip, param } = publisher;
  return { action: event, client_id: clientId, ip, vhost, app, stream, param };
}

function inPath(name: string): string {
  // Half of a surrogate pair, which would throw, becomes the sign for what cannot be read.
  return encodeURIComponent(Buffer.from(name).toString()).replaceAll('%2F', '/');
}
