/** Owns one client that publishes by the body of an HTTP request: POST or PUT of an FLV stream. */
import { constants } from 'node:os';

import type { Clock } from '../../../core/clock';
import { describeError, describeFault, ErrorCode, SrsError } from '../../../core/errors';
import type { Logger } from '../../../core/logger';
import { redact } from '../../../core/redact';
import { checkStreamName, RefusalStatus } from '../../access/access';
import type { AccessContext, Authorizer, Refusal } from '../../access/access';
import { checkConflict } from '../../access/conflict';
import { checkLimits } from '../../access/limits';
import { identifiedLine } from '../../access/log-lines';
import { checkAccess } from '../../access/rules';
import type { VhostOptions } from '../../config/config';
import { Kbps } from '../../stats/kbps';
import type { StatClient } from '../../stats/stat-types';
import type { Statistics } from '../../stats/statistics';
import type { StatusLines, StatusMember } from '../../stats/status-lines';
import type { Hub } from '../../stream/hub';
import { sendText } from '../exchange';
import type { HttpExchange } from '../exchange';

import { Admission, httpStatusOf } from './admission';
import { FlvPublishSession } from './flv-publish-session';
import type { LivePath } from './live-mount';
import { toRequest } from './live-request';
import { closingLine, pagedSourceLine } from './log-lines';
import type { LiveClient } from './player';
import { statPublisher } from './stat-client';

/** What publishers share. */
export interface PublishHost {
  readonly hub: Hub;
  readonly clock: Clock;
  readonly authorizer: Authorizer;
  readonly accessContext: AccessContext;
  readonly publisherLines: StatusLines;
  readonly statistics: Pick<Statistics, 'join'> | undefined;
  /** The same vhost as it is configured now; undefined when it is gone, or has no live streams any more. */
  renewed(vhost: VhostOptions): VhostOptions | undefined;
  /** Nobody begins any more. */
  readonly isStopping: boolean;
  onPublisher(publisher: LivePublish): void;
  onClientGone(client: LiveClient): void;
}

/** Status of HTTP by the code of what ended a publish; others are 403. */
const STATUS_OF_CODE = new Map<ErrorCode, number>([
  [ErrorCode.SYSTEM_STREAM_BUSY, 409],
  [ErrorCode.SOCKET_TIMEOUT, 408],
  [ErrorCode.KERNEL_FLV_HEADER, 400],
  [ErrorCode.SYSTEM_FILE_EOF, 400],
]);
const SHUTTING_DOWN = 503;

/** A request from its head to the end of its body, or of the publish. */
export class LivePublish implements StatusMember, LiveClient {
  readonly log: Logger;
  readonly isTaken = false;
  readonly #exchange: HttpExchange;
  #vhost: VhostOptions;
  readonly #host: PublishHost;
  readonly #admission: Admission;
  readonly #startedMs: number;
  #session: FlvPublishSession | undefined;
  #leaveStatistics: (() => void) | undefined;
  #received = 0;
  #kbps: Kbps | undefined;
  /** Why we end it: 0 for none in particular, undefined while we do not. */
  #code: number | undefined;

  constructor(exchange: HttpExchange, vhost: VhostOptions, path: LivePath, host: PublishHost) {
    this.log = exchange.log;
    this.#exchange = exchange;
    this.#vhost = vhost;
    this.#host = host;
    this.#startedMs = host.clock.nowMs();
    const request = toRequest(exchange, vhost.name, path);
    this.#admission = new Admission(exchange, request, host.authorizer);
    exchange.response.once('close', () => {
      this.#onClose();
    });
  }

  /** Asks whether it may publish, and then does; resolves when that is decided. */
  async run(): Promise<void> {
    const { hub, clock, accessContext } = this.#host;
    const { request } = this.#admission;
    this.log.trace(identifiedLine('publish(HTTP-FLV)', request));
    const refusal = await this.#admission.enter('publish', () => this.#check());
    if (refusal) {
      this.#refuse(refusal);
      return;
    }
    if (this.#host.isStopping) {
      this.shutdown();
      return;
    }
    const renewed = this.#host.renewed(this.#vhost);
    if (!renewed) {
      this.#refuse(this.#admission.refuse('publish', notServed(this.#vhost)));
      return;
    }
    this.#vhost = renewed;
    const source = hub.fetch(request, this.#vhost);
    const { ip } = this.#admission;
    this.log.trace(pagedSourceLine(request, ip, this.#vhost, source.sourceId));
    // Others may have begun while the authorizer thought.
    const late =
      checkLimits('publish', request, this.#vhost, accessContext) ??
      checkConflict(source, this.#vhost, clock.nowMs());
    if (late) {
      this.#refuse(this.#admission.refuse('publish', late));
      return;
    }
    this.#session = new FlvPublishSession({
      contextId: this.#admission.id,
      log: this.log,
      source,
      vhost: this.#vhost,
      clock,
      onEnded: (error) => {
        this.#fail(error);
      },
    });
    this.#host.onPublisher(this);
    this.#host.publisherLines.add(this);
    const seen = this.#seen();
    this.#admission.traffic = seen;
    this.#leaveStatistics = this.#host.statistics?.join(seen);
    this.#session.start();
    this.#receive();
  }

  get vhostName(): string {
    return this.#vhost.name;
  }

  setVhost(vhost: VhostOptions): void {
    this.#vhost = vhost;
    this.#session?.setVhost(vhost);
  }

  kick(reason: string): void {
    this.#session?.drop(new SrsError(ErrorCode.USER_DISCONNECT, reason));
  }

  shutdown(): void {
    this.#session?.fail();
    this.#answer(0, SHUTTING_DOWN, 'the server is shutting down');
  }

  statusLine(nowMs: number): string {
    this.#kbps ??= new Kbps(this.#startedMs);
    const kbps = this.#kbps.sample(nowMs, this.#received).toString();
    const messages = this.#session?.messages ?? 0;
    const ageMs = Math.round(nowMs - this.#startedMs);
    return `<- CPB http: got ${messages} msgs, time=${ageMs}, ikbps=${kbps}`;
  }

  #seen(): StatClient {
    return statPublisher(this.#admission, {
      protocol: this.#exchange.isSecure ? 'https-post' : 'http-post',
      startedMs: this.#startedMs,
      bytesSent: () => 0,
      bytesReceived: () => this.#received,
      kick: (reason) => {
        this.kick(reason);
      },
    });
  }

  #check(): Refusal | undefined {
    const { request } = this.#admission;
    const { hub, clock, accessContext } = this.#host;
    return (
      checkStreamName(request, RefusalStatus.badName) ??
      checkAccess('publish', this.#admission, this.#vhost, accessContext) ??
      checkConflict(hub.find(request), this.#vhost, clock.nowMs())
    );
  }

  #receive(): void {
    const { request } = this.#exchange;
    request.on('data', (bytes: Buffer) => {
      this.#received += bytes.length;
      this.#attempt((session) => {
        session.push(bytes);
      });
    });
    request.once('end', () => {
      this.#attempt((session) => {
        session.finish();
        this.#succeed(session);
      });
    });
  }

  #attempt(call: (session: FlvPublishSession) => void): void {
    if (!this.#session || this.#code !== undefined) return;
    try {
      call(this.#session);
    } catch (error) {
      this.#session.fail();
      if (error instanceof SrsError) this.#fail(error);
      else this.#failUnexpectedly(error);
    }
  }

  #succeed(session: FlvPublishSession): void {
    const body = { code: 0, data: { bytes: this.#received, messages: session.messages } };
    const headers = { 'Content-Type': 'application/json' };
    this.#answer(0, 200, JSON.stringify(body), headers);
  }

  #fail(error: SrsError): void {
    if (this.#code !== undefined) return;
    this.log.error(`publish ends, ${redact(describeError(error))}`);
    this.#answer(error.code, STATUS_OF_CODE.get(error.code) ?? 403, error.message);
  }

  /** A fault of ours ends this client only. */
  #failUnexpectedly(error: unknown): void {
    this.log.error(`publish failed, ${redact(describeFault(error))}`, error);
    this.#answer(ErrorCode.SYSTEM_ASSERT_FAILED, 500, 'the server failed');
  }

  #refuse(refusal: Refusal): void {
    this.#answer(refusal.code, httpStatusOf(refusal), refusal.description);
  }

  #answer(code: number, status: number, text: string, headers = {}): void {
    if (this.#code !== undefined) return;
    this.#code = code;
    this.#leaveStatistics?.();
    const { request, response } = this.#exchange;
    // What still comes is not read on: the connection ends with the answer.
    if (!request.complete) response.shouldKeepAlive = false;
    if (!response.destroyed) sendText(this.#exchange, status, text, headers);
    // Kept flowing, so that the peer can take the answer before the end.
    request.resume();
  }

  #onClose(): void {
    const session = this.#session;
    this.#session = undefined;
    this.#admission.leave();
    if (!session) return;
    this.#leaveStatistics?.();
    session.fail();
    this.#host.publisherLines.remove(this);
    const ageMs = this.#host.clock.nowMs() - this.#startedMs;
    const code = this.#code;
    const totals = { ageMs, received: this.#received, sent: 0 };
    const errno = code === undefined ? constants.errno.ECONNRESET : 0;
    const line = closingLine({ ...totals, code, errno });
    if (code === undefined) this.log.warn(line, errno);
    else this.log.trace(line);
    this.#host.onClientGone(this);
  }
}

function notServed({ name }: VhostOptions): Refusal {
  return {
    code: ErrorCode.RTMP_VHOST_NOT_FOUND,
    status: RefusalStatus.publish,
    description: `vhost ${name} does not serve live streams any more`,
  };
}
