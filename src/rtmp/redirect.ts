/** Owns how a client is sent on to another server: the reconnect request of E-RTMP v2, and RTMP 302 for all others. */
import { AmfObject } from './amf0-value';
import type { OutgoingMessage } from './message';
import { connectionRoute } from './packets/command';
import { encodeStatus } from './packets/status';
import { parseRtmpUrl } from './request';
import type { RtmpRequest } from './request';

/** The bit of `capsEx` by which a client says that it follows a reconnect request. */
const RECONNECT = 1;
const FOUND = 302;

/** Whether the client has said in its connect that it follows a reconnect request. */
export function followsReconnect({ capsEx = 0 }: Pick<RtmpRequest, 'capsEx'>): boolean {
  return (capsEx & RECONNECT) !== 0;
}

/**
 * Tells a client to get what it asked for from another server; close the connection after it. `url` is the whole one,
 * its stream with the parameters the client gave.
 */
export function redirectMessage(request: RtmpRequest, url: string): OutgoingMessage {
  const name = `/${request.stream}${request.streamParam}`;
  const tcUrl = url.endsWith(name) ? url.slice(0, -name.length) : parseRtmpUrl(url).tcUrl;
  const { streamId } = connectionRoute;
  if (followsReconnect(request)) {
    const code = 'NetConnection.Connect.ReconnectRequest';
    const description = 'The stream is at another server.';
    return encodeStatus(streamId, { level: 'status', code, description, tcUrl });
  }
  const code = 'NetConnection.Connect.Rejected';
  const ex = AmfObject.of({ code: FOUND, redirect: tcUrl, redirect2: url });
  return encodeStatus(streamId, { level: 'error', code, description: 'RTMP 302 Redirect', ex });
}
