/** Owns the interfaces between a connection, its dialogue, its role as publisher or player, and the service. */
import type { Clock } from '../../core/clock';
import type { SrsError } from '../../core/errors';
import type { Logger } from '../../core/logger';
import type { Socket } from '../../net/socket';
import type { TlsChannel } from '../../net/tls-channel';
import type { BandwidthPacket } from '../../rtmp/packets/bandwidth';
import type { ServerIdentity } from '../../rtmp/packets/connect';
import type { ServerSession } from '../../rtmp/server-session';
import type {
  AccessAction,
  AccessContext,
  Authorizer,
  ClientIdentity,
  Refusal,
} from '../access/access';
import type { VhostOptions } from '../config/config';
import type { Statistics } from '../stats/statistics';
import type { StatusMember } from '../stats/status-lines';
import type { Hub } from '../stream/hub';

/** Longest wait for a peer to take what was sent, unless said otherwise. */
export const SEND_TIMEOUT_MS = 30_000;

/** Longest wait for a peer that is closed against its will to take what it is told. */
export const KICK_TIMEOUT_MS = 3000;

/** What RTMP is spoken over: TCP, or TLS. */
export type RtmpChannel = Socket | TlsChannel;

/** A connection as its dialogue and its role see it. */
export interface RtmpClient extends ClientIdentity {
  readonly log: Logger;
  readonly socket: RtmpChannel;
  readonly session: ServerSession;
  /** When the connection was accepted, monotonic. */
  readonly acceptedMs: number;
  /** When the peer sent something last, monotonic. */
  readonly lastReceivedMs: number;
  /** It will be closed: nothing more may be begun. */
  readonly isClosing: boolean;
  /** Tells the client why it may not go on, logs it, and closes. */
  refuse(action: AccessAction, refusal: Refusal): void;
  /** Somebody else than the client wants its end: tells it why, by what it does, and closes soon, whatever it takes. */
  kick(reason: string): void;
  /** Closes in good order: all is done. */
  finish(): void;
  /** Logs what went wrong and closes at once. */
  fail(error: unknown): void;
  /** The connect was refused and the client told; logs it, and closes. */
  onRefused(error: SrsError): void;
  /** Rates for status lines: `okbps=a,b,c, ikbps=a,b,c`. */
  traffic(nowMs: number): string;
}

/** A bandwidth check of one client, which does nothing else. */
export interface BandwidthTest {
  /** Takes a step of the client. */
  onPacket(packet: BandwidthPacket): void;
  /** The client has taken what waited. */
  onDrain(): void;
  /** Leaves off, wherever it stands. */
  stop(): void;
}

/** Measures the clients of vhosts that are made for it. */
export interface BandwidthTester {
  /** Answers the connect: refuses the client (undefined), or accepts and measures it. */
  begin(
    client: RtmpClient,
    options: VhostOptions['bandcheck'],
    identity: ServerIdentity,
  ): BandwidthTest | undefined;
}

/** What connections share. */
export interface RtmpHost {
  readonly hub: Hub;
  readonly clock: Clock;
  readonly authorizer: Authorizer;
  readonly accessContext: AccessContext;
  readonly statistics: Pick<Statistics, 'join'> | undefined;
  readonly bandcheck: BandwidthTester | undefined;
  /** The enabled vhost that serves a name, which may be the default one. */
  findVhost(name: string): VhostOptions | undefined;
  /** A publisher or player begins (true) or ends (false). */
  setActive(stage: 'publish' | 'play', member: StatusMember, isActive: boolean): void;
}
