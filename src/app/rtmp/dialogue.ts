/** Owns what one client asks for and gets: connect, then publish or play, as often as it likes. */
import { describeError, ErrorCode } from '../../core/errors';
import type { SrsError } from '../../core/errors';
import { RateLimit } from '../../core/rate-limit';
import type { AmfObject } from '../../rtmp/amf0-value';
import type { MessageHeader } from '../../rtmp/message';
import type { BandwidthPacket } from '../../rtmp/packets/bandwidth';
import type { RtmpRequest } from '../../rtmp/request';
import type { ServerSessionHandler } from '../../rtmp/server-handler';
import {
  checkConnectNames,
  checkStreamName,
  deniedStatus,
  refusalOfGone,
  RefusalStatus,
} from '../access/access';
import type { AccessAction, Authorizer, Refusal } from '../access/access';
import { checkConflict } from '../access/conflict';
import { checkLimits } from '../access/limits';
import { identifiedLine, sourceLine } from '../access/log-lines';
import { checkAccess } from '../access/rules';
import type { VhostOptions } from '../config/config';
import type { Source } from '../stream/source';

import type { BandwidthTest, RtmpClient, RtmpHost } from './client';
import { connectLine, ignoredLine } from './log-lines';
import { peerServerLine } from './peer-server';
import { PlayRole } from './play';
import { PublishRole } from './publish';
import { bytesOf, statPlayer, statPublisher } from './stat-client';
import type { ByteCounts } from './stat-client';

/** Longest silence, both ways, of a client that has unpublished: it may publish again. */
const REPUBLISH_TIMEOUT_MS = 180_000;
/** The same of one that has stopped playing. */
const REPLAY_TIMEOUT_MS = 1_800_000;

/** Plays and publishes of one client: so many at once, then one each interval. */
const MAX_REQUESTS_AT_ONCE = 10;
const REQUEST_INTERVAL_MS = 1000;

/** How the ways to publish are named in the log. */
const PUBLISH_STYLES = {
  fmle: 'publish(FMLEPublish)',
  flash: 'publish(FlashPublish)',
  haivision: 'publish(HaivisionPublish)',
} as const;

const UNKNOWN_VHOST_STATUS = {
  connect: RefusalStatus.connect,
  publish: RefusalStatus.badName,
  play: RefusalStatus.notFound,
} as const;

type Verdict = ReturnType<Authorizer['authorize']>;

/** The decisions on one client, and the role it has. */
export class Dialogue implements ServerSessionHandler {
  readonly #client: RtmpClient;
  readonly #host: RtmpHost;
  #publishing: PublishRole | undefined;
  #playing: PlayRole | undefined;
  #test: BandwidthTest | undefined;
  /** Vhosts the client was let into, the one of the connect first. */
  readonly #vhosts: string[] = [];
  /** The one of its last request. */
  #vhost: string | undefined;
  readonly #requests = new RateLimit(MAX_REQUESTS_AT_ONCE, REQUEST_INTERVAL_MS);
  #style: keyof typeof PUBLISH_STYLES = 'fmle';
  /** Takes it out of the statistics. */
  #leaveStatistics: (() => void) | undefined;
  /** Bytes of the connection that count for what it did before. */
  #counted: ByteCounts = { sent: 0, received: 0 };
  #hasBegun = false;
  #hasIgnored = false;

  constructor(client: RtmpClient, host: RtmpHost) {
    this.#client = client;
    this.#host = host;
  }

  /** Whether it has ever published or played, or its bandwidth is checked. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  onConnect(request: RtmpRequest): void {
    this.#client.log.trace(connectLine(request));
    const peer = peerServerLine(request);
    if (peer !== undefined) this.#client.log.trace(peer);
    this.#consider(
      'connect',
      request,
      (vhost) =>
        checkConnectNames(request, RefusalStatus.connect) ?? this.#checkAccess('connect', vhost),
    );
  }

  onPublish(request: RtmpRequest, style: keyof typeof PUBLISH_STYLES): void {
    this.#client.log.trace(identifiedLine(PUBLISH_STYLES[style], request));
    this.#style = style;
    const { hub, clock } = this.#host;
    this.#consider(
      'publish',
      request,
      (vhost) =>
        checkStreamName(request, RefusalStatus.badName) ??
        this.#checkAccess('publish', vhost) ??
        checkConflict(hub.find(request), vhost, clock.nowMs()),
    );
  }

  onPlay(request: RtmpRequest): void {
    this.#client.log.trace(identifiedLine('Play', request));
    this.#consider(
      'play',
      request,
      (vhost) =>
        checkStreamName(request, RefusalStatus.notFound) ?? this.#checkAccess('play', vhost),
    );
  }

  /** Options of a vhost have changed: who publishes or plays there goes on with these. */
  setVhost(vhost: VhostOptions): void {
    if (this.#role?.source.name.vhost === vhost.name) this.#role.setVhost(vhost);
  }

  /** Whether the client is at a vhost: publishes or plays there, or has asked for nothing else yet. */
  isAt(vhost: string): boolean {
    return (this.#role?.source.name.vhost ?? this.#vhost) === vhost;
  }

  onMedia(header: MessageHeader, payload: Uint8Array, start: number, end: number): void {
    this.#publishing?.media(header, payload, start, end);
  }

  onMetadata(header: MessageHeader, _name: string, value: AmfObject): void {
    this.#publishing?.metadata(header, value);
  }

  onDataMessage(header: MessageHeader, payload: Uint8Array, start: number, end: number): void {
    this.#publishing?.data(header, payload, start, end);
  }

  onBandwidth(packet: BandwidthPacket): void {
    this.#test?.onPacket(packet);
  }

  onPause(isPaused: boolean): void {
    this.#playing?.setPaused(isPaused);
  }

  onUnpublish(): void {
    this.#leaveRole();
    this.#client.socket.setTimeouts(REPUBLISH_TIMEOUT_MS, REPUBLISH_TIMEOUT_MS);
  }

  onPlayClosed(): void {
    this.#leaveRole();
    this.#client.socket.setTimeouts(REPLAY_TIMEOUT_MS, REPLAY_TIMEOUT_MS);
  }

  onRefused(error: SrsError): void {
    this.#client.onRefused(error);
  }

  /** Only the first is logged: a peer could fill the disk with them. */
  onIgnored(error: SrsError): void {
    if (this.#hasIgnored) return;
    this.#hasIgnored = true;
    this.#client.log.warn(ignoredLine(error));
  }

  /** The peer has taken what waited: a player whose media is handed to it gets more, as does a bandwidth check. */
  resumePlay(): void {
    this.#test?.onDrain();
    this.#playing?.resume();
  }

  /** The player got as much as it asked for; the connection stays. */
  endPlay(): void {
    if (!this.#playing) return;
    this.#client.log.trace(`play stops after duration=${this.#client.request.duration}`);
    this.#client.session.notifyPlay('stop');
    this.onPlayClosed();
  }

  /** Prepares the close: a stream is free for another publisher at once, a player gets what waits for it. */
  finish(): void {
    this.#test?.stop();
    if (this.#publishing) this.#leaveRole();
    this.#playing?.finish();
  }

  /** Undoes everything; the connection is closed. */
  leave(): void {
    this.#test?.stop();
    this.#leaveRole();
    this.#vhosts.splice(0).forEach(() => {
      this.#host.authorizer.ended('connect', this.#client);
    });
  }

  /** Rules of the configuration first, then those of the authorizer; the answer may take time. */
  #consider(
    action: AccessAction,
    request: RtmpRequest,
    check: (vhost: VhostOptions) => Refusal | undefined,
  ): void {
    if (action !== 'connect' && !this.#requests.take(this.#host.clock.nowMs())) {
      this.#client.refuse(action, tooOften(action));
      return;
    }
    // The names of the stream may have brought another vhost than those of the connect.
    const vhost = this.#host.findVhost(request.vhost);
    if (!vhost) {
      this.#client.refuse(action, unknownVhost(action, request.vhost));
      return;
    }
    request.vhost = vhost.name;
    this.#vhost = vhost.name;
    const verdict = check(vhost) ?? this.#authorize(action, vhost.name);
    if (verdict instanceof Promise) this.#await(action, vhost, verdict);
    else this.#decide(action, vhost, verdict);
  }

  #checkAccess(action: AccessAction, vhost: VhostOptions): Refusal | undefined {
    return checkAccess(action, this.#client, vhost, this.#host.accessContext);
  }

  /** A stream of another vhost than that of the connect takes leave to connect there, too. */
  #authorize(action: AccessAction, vhost: string): Verdict {
    const { authorizer } = this.#host;
    if (action === 'connect' || this.#vhosts.includes(vhost)) {
      return authorizer.authorize(action, this.#client);
    }
    const enter = (refusal: Refusal | undefined): Verdict => {
      if (refusal) return refusal;
      this.#vhosts.push(vhost);
      if (this.#client.isClosing) return refusalOfGone(action);
      return authorizer.authorize(action, this.#client);
    };
    const entry = authorizer.authorize('connect', this.#client);
    return entry instanceof Promise ? entry.then(enter) : enter(entry);
  }

  #await(action: AccessAction, vhost: VhostOptions, verdict: Promise<Refusal | undefined>): void {
    const { session } = this.#client;
    session.suspend();
    verdict
      .catch((error: unknown) => this.#undecided(action, error))
      .then((refusal) => {
        if (this.#client.isClosing) {
          if (!refusal) this.#host.authorizer.ended(action, this.#client);
          this.leave();
          return;
        }
        // The configuration may have changed while the authorizer thought.
        const current = this.#host.findVhost(vhost.name);
        const isGone = current?.name !== vhost.name;
        if (isGone && !refusal) this.#host.authorizer.ended(action, this.#client);
        if (isGone) this.#client.refuse(action, unknownVhost(action, vhost.name));
        else this.#decide(action, current, refusal);
        session.resume();
      })
      .catch((error: unknown) => {
        this.#client.fail(error);
      });
  }

  /** The authorizer failed: the reason is for the log only. */
  #undecided(action: AccessAction, error: unknown): Refusal {
    this.#client.log.warn(`cannot authorize ${action}: ${describeError(error)}`, error);
    const description = 'the server cannot decide on it now';
    return { code: ErrorCode.HTTP_DATA_INVLIAD, status: deniedStatus[action], description };
  }

  #decide(action: AccessAction, vhost: VhostOptions, refusal: Refusal | undefined): void {
    if (refusal) {
      this.#client.refuse(action, refusal);
    } else if (action === 'connect') {
      this.#acceptConnect(vhost);
    } else {
      const { log, request, ip } = this.#client;
      const source = this.#host.hub.fetch(request, vhost);
      log.trace(sourceLine(request, ip, vhost, source.sourceId));
      if (action === 'publish') this.#startPublish(source, vhost);
      else this.#startPlay(source, vhost);
    }
  }

  #acceptConnect({ name, bandcheck }: VhostOptions): void {
    this.#vhosts.push(name);
    const { socket, session, id } = this.#client;
    const identity = { serverIp: socket.localAddress, pid: process.pid, contextId: id };
    const tester = bandcheck.enabled ? this.#host.bandcheck : undefined;
    if (tester) {
      this.#test = tester.begin(this.#client, bandcheck, identity);
      this.#hasBegun = this.#test !== undefined;
    } else session.acceptConnect(identity);
  }

  #startPublish(source: Source, vhost: VhostOptions): void {
    const { clock } = this.#host;
    const refusal =
      this.#checkRoom('publish', vhost) ?? checkConflict(source, vhost, clock.nowMs());
    if (refusal) {
      this.#takeBack('publish', refusal);
      return;
    }
    this.#hasBegun = true;
    this.#publishing = new PublishRole(this.#client, source, vhost, clock.nowMs());
    this.#host.setActive('publish', this.#publishing, true);
    const seen = statPublisher(this.#client, this.#style, this.#counted);
    this.#leaveStatistics = this.#host.statistics?.join(seen);
    this.#publishing.start();
  }

  #startPlay(source: Source, vhost: VhostOptions): void {
    const refusal = this.#checkRoom('play', vhost);
    if (refusal) {
      this.#host.hub.playerLeft(source);
      this.#takeBack('play', refusal);
      return;
    }
    this.#hasBegun = true;
    this.#playing = new PlayRole(this.#client, source, vhost, this.#host.clock.nowMs());
    this.#host.setActive('play', this.#playing, true);
    const seen = statPlayer(this.#client, source, this.#counted);
    this.#leaveStatistics = this.#host.statistics?.join(seen);
    this.#playing.start();
  }

  /** Others may have begun while the authorizer thought. */
  #checkRoom(action: AccessAction, vhost: VhostOptions): Refusal | undefined {
    return checkLimits(action, this.#client.request, vhost, this.#host.accessContext);
  }

  /** What the authorizer has allowed does not begin after all. */
  #takeBack(action: AccessAction, refusal: Refusal): void {
    this.#host.authorizer.ended(action, this.#client);
    this.#client.refuse(action, refusal);
  }

  get #role(): PublishRole | PlayRole | undefined {
    return this.#publishing ?? this.#playing;
  }

  #leaveRole(): void {
    const role = this.#role;
    if (!role) return;
    const action = this.#publishing ? 'publish' : 'play';
    this.#publishing = undefined;
    this.#playing = undefined;
    this.#leaveStatistics?.();
    this.#counted = bytesOf(this.#client);
    role.stop();
    if (action === 'play') this.#host.hub.playerLeft(role.source);
    this.#host.setActive(action, role, false);
    this.#host.authorizer.ended(action, this.#client);
  }
}

function unknownVhost(action: AccessAction, name: string): Refusal {
  return {
    code: ErrorCode.RTMP_VHOST_NOT_FOUND,
    status: UNKNOWN_VHOST_STATUS[action],
    description: `vhost ${name} is unknown or disabled`,
  };
}

function tooOften(action: AccessAction): Refusal {
  return {
    code: ErrorCode.SYSTEM_CLIENT_INVALID,
    status: deniedStatus[action],
    description:
      `expect at most ${MAX_REQUESTS_AT_ONCE} plays and publishes at once, ` +
      `then one per ${REQUEST_INTERVAL_MS} ms`,
  };
}
