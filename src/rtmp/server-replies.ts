/** Owns the message sequences by which the accepting side answers publish, play, pause and generic calls. */
import type { AmfValue } from './amf0-value';
import type { OutgoingMessage } from './message';
import { encodeResult, streamRoute } from './packets/command';
import type { Command } from './packets/command';
import { encodeConnectResult } from './packets/connect';
import type { ConnectPacket, ServerIdentity } from './packets/connect';
import {
  encodeSetPeerBandwidth,
  encodeUserControl,
  encodeWindowAcknowledgementSize,
  UserControlEvent,
} from './packets/control';
import { encodeDataStatus, encodeSampleAccess } from './packets/data';
import { CLIENT_ID, encodeStatus, encodeSuccess } from './packets/status';

/** The message stream id that every createStream gets: one stream a connection. */
export const STREAM_ID = 1;

/** Window and bandwidth told to clients, bytes. */
const WINDOW_SIZE = 2500000;

/** How a publisher introduced itself; it decides what it is answered and what ends it. */
export type PublishStyle = 'fmle' | 'flash' | 'haivision';

/** What the server can tell a player unasked: the stream is back, is gone, or has been played to the end asked for. */
export type PlayEvent = 'publish' | 'unpublish' | 'stop';

/** The reply to connect, and what comes before it. */
export function connectGranted(
  connect: ConnectPacket,
  identity: ServerIdentity,
): OutgoingMessage[] {
  return [
    encodeWindowAcknowledgementSize(WINDOW_SIZE),
    encodeSetPeerBandwidth(WINDOW_SIZE),
    encodeConnectResult(connect, identity),
  ];
}

/** The reply to publish; Flash clients do not know onFCPublish. */
export function publishStarted(style: PublishStyle): OutgoingMessage[] {
  const code = 'NetStream.Publish.Start';
  const description = 'Started publishing stream.';
  const status = encodeSuccess(STREAM_ID, code, description, { clientid: CLIENT_ID });
  if (style === 'flash') return [status];
  return [encodeStatus(STREAM_ID, { code, description }, 'onFCPublish'), status];
}

/** The reply to FCUnpublish, whose transaction id it takes. */
export function publishStopped(transactionId: number): OutgoingMessage[] {
  const code = 'NetStream.Unpublish.Success';
  return [
    encodeStatus(STREAM_ID, { code, description: 'Stop publishing stream.' }, 'onFCUnpublish'),
    encodeResult(transactionId, undefined, streamRoute(STREAM_ID)),
    encodeSuccess(STREAM_ID, code, 'Stream is now unpublished', { clientid: CLIENT_ID }),
  ];
}

/** The reply to play. */
export function playStarted(): OutgoingMessage[] {
  const more = { details: 'stream', clientid: CLIENT_ID };
  return [
    encodeUserControl(UserControlEvent.streamBegin, STREAM_ID),
    encodeSuccess(STREAM_ID, 'NetStream.Play.Reset', 'Playing and resetting stream.', more),
    encodeSuccess(STREAM_ID, 'NetStream.Play.Start', 'Started playing stream.', more),
    encodeSampleAccess(STREAM_ID),
    encodeDataStatus(STREAM_ID, 'NetStream.Data.Start'),
  ];
}

/** The reply to pause. */
export function playPaused(isPaused: boolean): OutgoingMessage[] {
  if (isPaused) {
    return [
      encodeSuccess(STREAM_ID, 'NetStream.Pause.Notify', 'Paused stream.'),
      encodeUserControl(UserControlEvent.streamEof, STREAM_ID),
    ];
  }
  return [
    encodeSuccess(STREAM_ID, 'NetStream.Unpause.Notify', 'Unpaused stream.'),
    encodeUserControl(UserControlEvent.streamBegin, STREAM_ID),
  ];
}

/** What tells a player that its stream came back, went away or is over. */
export function playEvent(event: PlayEvent): OutgoingMessage[] {
  const begin = encodeUserControl(UserControlEvent.streamBegin, STREAM_ID);
  const eof = encodeUserControl(UserControlEvent.streamEof, STREAM_ID);
  const more = { details: 'stream', clientid: CLIENT_ID };
  const status = (code: string, description: string): OutgoingMessage =>
    encodeSuccess(STREAM_ID, code, description, more);
  switch (event) {
    case 'publish':
      return [begin, status('NetStream.Play.PublishNotify', 'Stream is now published.')];
    case 'unpublish':
      return [status('NetStream.Play.UnpublishNotify', 'Stream is now unpublished.'), eof];
    case 'stop':
      return [status('NetStream.Play.Stop', 'Stopped playing stream.'), eof];
  }
}

/** The reply to a command that ends something; nothing when the client wants none. */
export function answered(transactionId: number, value: AmfValue = null): OutgoingMessage[] {
  return transactionId > 0 ? [encodeResult(transactionId, value)] : [];
}

/** The reply to a command that the server has no use for; nothing when the client wants none. */
export function callAnswered(command: Command): OutgoingMessage[] {
  const { name, transactionId } = command;
  // A live stream has no length; ffmpeg wants a number here.
  const result = answered(transactionId, name === 'getStreamLength' ? 0 : null);
  if (name !== 'FCSubscribe') return result;
  const info = { code: 'NetStream.Play.Start', description: 'Started playing stream.' };
  return [...result, encodeStatus(STREAM_ID, { level: 'status', ...info }, 'onFCSubscribe')];
}
