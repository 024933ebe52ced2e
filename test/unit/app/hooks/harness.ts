/** A service of hooks with vhosts of its own, and clients that ask it. */
import type { ClientIdentity } from '../../../../src/app/access/access';
import { HookService } from '../../../../src/app/hooks/hook-service';
import type { HookServiceParts, HookVhost } from '../../../../src/app/hooks/hook-service';
import type { HookOptions } from '../../../../src/app/hooks/options';
import { parseTcUrl } from '../../../../src/rtmp/request';
import type { RtmpRequest } from '../../../../src/rtmp/request';
import { ManualClock } from '../../../support/fakes/manual-clock';
import { RecordingLogger } from '../../../support/fakes/recording-logger';

/** Time of day in all tests, epoch milliseconds. */
export const wallMs = Date.UTC(2026, 0, 2, 3, 4, 5);

/** Options as the configuration gives them. */
export function hookOptions(changes: Partial<HookOptions> = {}): HookOptions {
  return {
    enabled: true,
    onConnect: [],
    onClose: [],
    onPublish: [],
    onUnpublish: [],
    onPlay: [],
    onStop: [],
    onDvr: [],
    onHls: [],
    onHlsNotify: [],
    timeoutMs: 3000,
    onFailure: 'deny',
    retries: 0,
    secret: '',
    caFile: '',
    ...changes,
  };
}

/** Options by which one URL hears of everything that clients do. */
export function allTo(url: string, changes: Partial<HookOptions> = {}): HookOptions {
  const urls = [url];
  return hookOptions({
    onConnect: urls,
    onClose: urls,
    onPublish: urls,
    onUnpublish: urls,
    onPlay: urls,
    onStop: urls,
    ...changes,
  });
}

/** A client of vhost a.com, app live, stream cam. */
export function client(
  id = 101,
  changes: Partial<RtmpRequest> = {},
): ClientIdentity & { request: RtmpRequest } {
  const request: RtmpRequest = {
    ...parseTcUrl('rtmp://a.com/live'),
    tcUrl: 'rtmp://a.com/live',
    pageUrl: 'http://page.com/watch',
    swfUrl: '',
    flashVer: '',
    objectEncoding: 0,
    args: undefined,
    stream: 'cam',
    streamParam: '?user=me',
    duration: -1,
    ...changes,
  };
  return { id, ip: '10.0.0.7', request };
}

/** What one test works with. */
export class Bench {
  readonly log = new RecordingLogger();
  readonly clock = new ManualClock();
  readonly vhosts = new Map<string, HookVhost>();
  readonly service: HookService;

  constructor(options: HookOptions | undefined, parts: Partial<HookServiceParts> = {}) {
    if (options) this.setOptions(options);
    this.service = new HookService({
      log: this.log,
      clock: this.clock,
      findVhost: (name) => this.vhosts.get(name) ?? this.vhosts.get('__defaultVhost__'),
      wallMs: () => wallMs,
      outbox: { firstRetryMs: 1 },
      ...parts,
    });
  }

  setOptions(httpHooks: HookOptions, name = 'a.com'): void {
    this.vhosts.set(name, { name, httpHooks, hls: { notifyBytes: 64 } });
  }
}
