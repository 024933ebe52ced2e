/** Owns the heartbeat: the regular report of this device to a server of its owner. */
import type { Clock } from '../../core/clock';
import { ErrorCode } from '../../core/errors';
import type { Logger } from '../../core/logger';
import { RateLimit } from '../../core/rate-limit';
import { redact } from '../../core/redact';
import type { GlobalOptions } from '../config/config';

import { PatientLookup, sendBeat } from './beat-request';

/** The first beat comes so long after the start, milliseconds. */
const FIRST_BEAT_MS = 1000;
/** A beat is given up after this time, milliseconds. */
const TIMEOUT_MS = 5000;
/** And so long before the next one, milliseconds. */
const SPARE_MS = 100;
/** Failures are logged once in this time, milliseconds. */
const REPORT_MS = 60_000;
/** Shortest interval, whatever the options say, milliseconds. */
const MIN_INTERVAL_MS = 1000;

/** The `heartbeat` block. */
export type HeartbeatOptions = GlobalOptions['heartbeat'];

/** What a heartbeat is given. */
export interface HeartbeatParts {
  readonly log: Logger;
  readonly clock: Clock;
  /** The address by which this machine is reported, as of now. */
  address(): string;
  /** What the API answers as `data` of summaries; asked only when `summaries on`. */
  summaries(): object;
}

/** Beats while it is switched on. It waits for nobody: a beat that fails is counted, and the next one comes in its time. */
export class Heartbeat {
  readonly #parts: HeartbeatParts;
  readonly #names = new PatientLookup();
  readonly #reports = new RateLimit(1, REPORT_MS);
  #options: HeartbeatOptions | undefined;
  #timer: NodeJS.Timeout | undefined;
  #abandon: (() => void) | undefined;
  /** Since the last line about them. */
  #failures = 0;

  constructor(parts: HeartbeatParts) {
    this.#parts = parts;
  }

  /**
   * Beats by these options from now on, or not at all when they say `enabled off`. The first beat comes a second later,
   * then one every interval; options that are those in force already change nothing.
   */
  apply(options: HeartbeatOptions): void {
    if (this.#options !== undefined && isSame(this.#options, options)) return;
    this.stop();
    this.#options = options;
    if (!options.enabled) return;
    const url = urlOf(options.url);
    if (url === undefined) {
      const text = `heartbeat url ${redact(options.url)} is ignored, expected an http or https URL`;
      this.#parts.log.error(`${text}, ret=${ErrorCode.HTTP_PARSE_URI}`);
      return;
    }
    const intervalMs = Math.max(options.intervalMs, MIN_INTERVAL_MS);
    const beat = (): void => {
      this.#timer = setTimeout(beat, intervalMs).unref();
      this.#beat(url, options, intervalMs);
    };
    this.#timer = setTimeout(beat, FIRST_BEAT_MS).unref();
  }

  /** Beats no more; one that is under way is given up. Idempotent. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#options = undefined;
    this.#abandon?.();
    this.#abandon = undefined;
  }

  #beat(url: URL, options: HeartbeatOptions, intervalMs: number): void {
    if (this.#abandon !== undefined || this.#names.isBusy) {
      this.#failed(url, new Error('the one before is still under way'));
      return;
    }
    const timeoutMs = Math.min(TIMEOUT_MS, intervalMs - SPARE_MS);
    // Set before the beat is over, which it may be at once.
    this.#abandon = (): void => undefined;
    const abandon = sendBeat(
      { url, body: this.#body(options), timeoutMs },
      this.#names,
      (error) => {
        this.#abandon = undefined;
        if (error) this.#failed(url, error);
      },
    );
    this.#abandon &&= abandon;
  }

  #body(options: HeartbeatOptions): string {
    const report = { device_id: options.deviceId, ip: this.#parts.address() };
    if (!options.summaries) return JSON.stringify(report);
    const summaries = { code: 0, data: this.#parts.summaries() };
    return JSON.stringify({ ...report, summaries });
  }

  #failed(url: URL, error: Error): void {
    this.#failures++;
    const { log, clock } = this.#parts;
    if (!this.#reports.take(clock.nowMs())) return;
    const count = this.#failures > 1 ? `, ${this.#failures} failures since the last such line` : '';
    this.#failures = 0;
    log.warn(`heartbeat to ${redact(url.href)} failed: ${error.message}${count}`, error);
  }
}

function urlOf(text: string): URL | undefined {
  try {
    const url = new URL(text);
    return ['http:', 'https:'].includes(url.protocol) ? url : undefined;
  } catch {
    return undefined;
  }
}

function isSame(one: HeartbeatOptions, other: HeartbeatOptions): boolean {
  const keys = Object.keys(one) as (keyof HeartbeatOptions)[];
  return keys.every((key) => one[key] === other[key]);
}
