/** Owns the interfaces between a relay and those who want a stream copied. */
import type { Logger } from '../../core/logger';
import type { AmfObject } from '../../rtmp/amf0-value';
import type { StatusLines } from '../stats/status-lines';

import type { Backoff } from './backoff';
import type { FailureMemory } from './candidates';
import type { UpstreamParts } from './connection-parts';
import type { UpstreamNames } from './names';
import type { UpstreamError } from './upstream-error';

/** What relays are made with. */
export interface RelayParts extends UpstreamParts {
  readonly failures: Pick<FailureMemory, 'fail' | 'has' | 'succeed'>;
  /** Status lines of the stage: `forwarder` or `edge`. */
  readonly lines: Pick<StatusLines, 'add' | 'remove'>;
}

/** What is copied to where. */
export interface RelayOptions {
  /** Words of `forward` or `origin`: each stands for one candidate or more, one of which gets the copy. */
  readonly words: readonly string[];
  readonly names: UpstreamNames;
  /** What a forward does, or an edge that publishes upstream. */
  readonly kind: 'forward' | 'edge-push';
  /** Lines of the relay; a server that is told who we are is told its context id. */
  readonly log: Logger;
  readonly backoff: Pick<Backoff, 'next' | 'reset'>;
  /** Whether certificates of rtmps servers are checked. */
  readonly verify: boolean;
  /** Whether servers are told who we are. */
  readonly identify: boolean;
  /** Arguments of the connect (tokens). */
  readonly args?: AmfObject | undefined;
  readonly pageUrl?: string | undefined;
  readonly swfUrl?: string | undefined;
  /** Merged write of the copy, ms; 0 = at once. */
  readonly flushMs: number;
  /** So long without a server that takes it, and it stops; it tries on for ever unless given. */
  readonly giveUpMs?: number | undefined;
  /**
   * A server that answers pings and then is silent for so long is given up, ms, and so is one that says nothing at all
   * when it is reached; 15 s unless given.
   */
  readonly silenceMs?: number | undefined;
}

/** Who is told what becomes of a relay; nothing is told after `stop`. */
export interface RelayEvents {
  /** A server takes the copy: the first time, and after each loss. */
  onGranted?(): void;
  /** A server said no: shall the relay try on (as when this is missing), or stop for good? */
  onRefused?(error: UpstreamError): 'retry' | 'stop';
  /**
   * A connection could not be made, or was lost; it goes on trying. `hasOthers`: there are candidates that were not
   * asked yet, and one of them is asked now; else there is a wait.
   */
  onFailed?(error: UpstreamError, hasOthers: boolean): void;
  /** No server took it for {@link RelayOptions.giveUpMs}; it has stopped. `error` is what it met last. */
  onGaveUp?(error: UpstreamError): void;
}

/** How a relay is doing. */
export interface RelayStatus {
  /** Where to, without the stream key; the words until the first connection. */
  readonly url: string;
  readonly state: 'connecting' | 'connected' | 'waiting' | 'stopped';
  /** For how long a server has been taking the copy, ms; 0 when none does. */
  readonly connectedMs: number;
  /** Of all its connections, as is what follows. */
  readonly sentBytes: number;
  readonly messages: number;
  readonly dropped: number;
  /** How often a server took it again after a loss. */
  readonly reconnects: number;
  /** Why the last connection ended, or was not made; '' when all went well. */
  readonly lastError: string;
  /** Context id of its log lines. */
  readonly contextId: number;
}
