/** Owns the pages that other programs watch the server by: Prometheus, readers of nginx-rtmp's `/stat`, and OpenAPI. */
import type { Clock } from '../../../core/clock';
import type { Statistics } from '../../stats/statistics';
import type { HttpExchange, HttpRoute } from '../exchange';

import { jsonOf, sendJson } from './api-answer';
import { refusal } from './endpoint';
import { EXPOSITION_TYPE } from './exposition';
import { renderMetrics } from './metrics';
import type { MetricsParts } from './metrics';
import { renderStat, STAT_TYPE } from './nginx-stat';
import type { StatParts } from './nginx-stat';
import { openApiDocument } from './openapi';

/** What the pages show. */
export interface MonitoringParts extends MetricsParts, StatParts {
  readonly statistics: MetricsParts['statistics'] &
    StatParts['statistics'] &
    Pick<Statistics, 'serverId'>;
  readonly clock: Clock;
}

/** A page is made at most once in this time, whoever asks how often. */
const FRESH_MS = 1000;
/** One that took long to make serves for so many times as long, so that making pages takes no more than its share. */
const COST_FACTOR = 20;

interface Page {
  readonly type: string;
  readonly changes: boolean;
  render(parts: MonitoringParts): string;
}

const pages: ReadonlyMap<string, Page> = new Map<string, Page>([
  ['/metrics', { type: EXPOSITION_TYPE, changes: true, render: (parts) => renderMetrics(parts) }],
  ['/stat', { type: STAT_TYPE, changes: true, render: (parts) => renderStat(parts) }],
  [
    '/api/v1/openapi.json',
    { type: 'application/json', changes: false, render: () => JSON.stringify(openApiDocument()) },
  ],
]);

/** The paths that {@link MonitoringPages} answers. */
export const monitoringPaths: readonly string[] = [...pages.keys()];

interface Rendered {
  readonly body: Buffer;
  /** It may be sent before this time. */
  readonly untilMs: number;
}

/** `/metrics`, `/stat` and `/api/v1/openapi.json`. */
export class MonitoringPages implements HttpRoute {
  readonly #parts: MonitoringParts;
  readonly #rendered = new Map<string, Rendered>();

  constructor(parts: MonitoringParts) {
    this.#parts = parts;
  }

  handle(exchange: HttpExchange): boolean {
    const path = exchange.path.replace(/(?<=.)\/$/, '');
    const page = pages.get(path);
    if (page === undefined) return false;
    const { method, response } = exchange;
    if (method !== 'GET' && method !== 'HEAD') {
      const reply = refusal(405, path);
      const headers = { Allow: 'GET, HEAD, OPTIONS' };
      sendJson(response, jsonOf(reply, this.#parts.statistics.serverId), { status: 405, headers });
      return true;
    }
    const body = this.#body(path, page);
    response.writeHead(200, {
      'Content-Type': page.type,
      'Content-Length': body.length,
      'Cache-Control': 'no-cache',
      'X-Content-Type-Options': 'nosniff',
    });
    response.end(body);
    return true;
  }

  #body(path: string, page: Page): Buffer {
    const { clock } = this.#parts;
    const beganMs = clock.nowMs();
    const before = this.#rendered.get(path);
    if (before !== undefined && beganMs < before.untilMs) return before.body;
    const body = Buffer.from(page.render(this.#parts));
    const nowMs = clock.nowMs();
    const freshMs = Math.max(FRESH_MS, (nowMs - beganMs) * COST_FACTOR);
    this.#rendered.set(path, { body, untilMs: page.changes ? nowMs + freshMs : Infinity });
    return body;
  }
}
