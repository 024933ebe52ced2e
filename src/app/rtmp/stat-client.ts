/** Owns what statistics see of an RTMP client while it plays or publishes. */
import { TlsChannel } from '../../net/tls-channel';
import { clientNames } from '../stats/client-names';
import type { StatClient } from '../stats/stat-types';
import type { Source } from '../stream/source';

import type { RtmpClient } from './client';

/** Bytes of a connection, both ways. */
export interface ByteCounts {
  readonly sent: number;
  readonly received: number;
}

/** Counts of a connection now. */
export function bytesOf({ socket }: RtmpClient): ByteCounts {
  return { sent: socket.bytesSent, received: socket.bytesReceived };
}

/** A publisher. `before` are the bytes that count for what the connection did earlier. */
export function statPublisher(
  client: RtmpClient,
  style: 'fmle' | 'flash' | 'haivision',
  before: ByteCounts,
): StatClient {
  return { ...common(client, before), type: `${style}-publish`, isPublisher: true };
}

/** A player of `source`. */
export function statPlayer(client: RtmpClient, source: Source, before: ByteCounts): StatClient {
  return {
    ...common(client, before),
    type: 'Play',
    isPublisher: false,
    player: () => source.playerStats(client.socket),
  };
}

function common(
  client: RtmpClient,
  before: ByteCounts,
): Omit<StatClient, 'type' | 'isPublisher' | 'player'> {
  const { socket } = client;
  return {
    id: client.id,
    ip: client.ip,
    protocol: socket instanceof TlsChannel ? 'rtmps' : 'rtmp',
    names: clientNames(client.request),
    startedMs: client.acceptedMs,
    bytesSent: () => socket.bytesSent - before.sent,
    bytesReceived: () => socket.bytesReceived - before.received,
    kick: (reason) => {
      client.kick(reason);
    },
  };
}
