/** Owns the command `srs --bandcheck`: one check, told on the console. */
import { systemClock } from '../../core/clock';
import type { Logger } from '../../core/logger';
import { Engine } from '../../net/engine';

import { checkBandwidth, parseCheckUrl } from './check';
import { jsonOf, summaryOf } from './report';

/** What the command has to say. */
export interface CheckOutput {
  /** For standard output. */
  readonly summary: string;
  /** For standard error: a line of JSON. */
  readonly json: string;
  readonly isMeasured: boolean;
}

/**
 * Checks the bandwidth to the server of a url, in an event loop of its own.
 *
 * @throws SrsError RTMP_REQ_TCURL when the url is none
 */
export async function runCheck(url: string, log: Logger): Promise<CheckOutput> {
  const target = parseCheckUrl(url);
  const engine = new Engine(log);
  try {
    const report = await checkBandwidth(target, {
      clock: systemClock,
      connect: (address, port, timeoutMs, handler) =>
        engine.connect(address, port, timeoutMs, handler),
    });
    return {
      summary: summaryOf(target.tcUrl, report),
      json: `${jsonOf(report)}\n`,
      isMeasured: report.error === undefined,
    };
  } finally {
    engine.close();
  }
}
