/** Owns what statistics see of a client that plays or publishes over HTTP. */
import { clientNames } from '../../stats/client-names';
import type { ClientProtocol, PlayerFigures, StatClient } from '../../stats/stat-types';

import type { Admission } from './admission';
import type { Container } from './container';

/** The protocol of a player, as statistics name it. */
export function playerProtocol(
  container: Container,
  isWebSocket: boolean,
  isSecure: boolean,
): ClientProtocol {
  if (isWebSocket && (container === 'flv' || container === 'ts')) {
    return isSecure ? `wss-${container}` : `ws-${container}`;
  }
  return isSecure ? `https-${container}` : `http-${container}`;
}

/** What a client tells of itself. */
export interface LiveFigures {
  readonly protocol: ClientProtocol;
  readonly startedMs: number;
  /** Bytes of its connection; they count from now on. */
  bytesSent(): number;
  bytesReceived(): number;
  kick(reason: string): void;
}

/** A player over HTTP or WebSocket. */
export function statPlayer(
  admission: Admission,
  figures: LiveFigures & { player(): PlayerFigures },
): StatClient {
  return {
    ...common(admission, figures),
    type: 'Play',
    isPublisher: false,
    player: () => figures.player(),
  };
}

/** A publisher by the body of a request. */
export function statPublisher(admission: Admission, figures: LiveFigures): StatClient {
  return { ...common(admission, figures), type: 'http-publish', isPublisher: true };
}

function common(
  { id, ip, request }: Admission,
  figures: LiveFigures,
): Omit<StatClient, 'type' | 'isPublisher' | 'player'> {
  const sentBefore = figures.bytesSent();
  const receivedBefore = figures.bytesReceived();
  return {
    id,
    ip,
    protocol: figures.protocol,
    names: clientNames(request),
    startedMs: figures.startedMs,
    bytesSent: () => figures.bytesSent() - sentBefore,
    bytesReceived: () => figures.bytesReceived() - receivedBefore,
    kick: (reason) => {
      figures.kick(reason);
    },
  };
}
