/** Owns the way of an edited configuration file into a running server: read again, checked whole, compared, applied. */
import { describeError, describeFault, ErrorCode, SrsError } from '../../core/errors';
import type { Logger } from '../../core/logger';
import { Rerun } from '../../core/rerun';

import type { Config, ConfigText } from './config';
import { diffConfigs } from './diff';
import type { ConfigChange } from './diff';

/** What a reload came to. */
export interface ReloadResult {
  readonly ok: boolean;
  /** An error code, 0 when it went well. */
  readonly code: number;
  /** What is wrong, beginning with `file:line` when it is the file. */
  readonly error?: string;
  /** One line for each thing that changed. */
  readonly changes: readonly string[];
}

/** The steps of a reload, one after another; what the first two throw ends it, and nothing has changed. */
export interface ReloadSteps {
  /** Reads the file again and takes it apart; throws ConfigError. */
  read(): ConfigText;
  /** Checks the whole of it; throws SrsError. */
  check(text: ConfigText): Config;
  /**
   * Puts it in force and logs what it does: what cannot be applied stays as it was, and does not hinder the rest.
   *
   * @returns one line for each thing that could not be applied
   */
  apply(next: Config, changes: readonly ConfigChange[]): Promise<readonly string[]>;
}

/** Reloads when asked, one at a time. Whatever goes wrong is logged and told; it never throws. */
export class Reloader {
  readonly #log: Logger;
  readonly #steps: ReloadSteps;
  readonly #turns = new Rerun(() => this.#reload());
  #current: Config;
  #isClosed = false;

  /** `current`: what is in force now. */
  constructor(current: Config, log: Logger, steps: ReloadSteps) {
    this.#current = current;
    this.#log = log;
    this.#steps = steps;
  }

  /** Reloads now, or, when one is under way, once more after that: the file may have been read already. */
  reload(): Promise<ReloadResult> {
    if (!this.#isClosed) return this.#turns.run();
    const error = 'the server stops, nothing is reloaded';
    return Promise.resolve(failure(ErrorCode.SYSTEM_CONFIG_INVALID, error));
  }

  /** Begins no more; resolves when none is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#turns.idle();
  }

  async #reload(): Promise<ReloadResult> {
    if (this.#isClosed) return this.reload();
    const next = this.#next();
    return 'ok' in next ? next : this.#apply(next);
  }

  /** The new configuration, or why there is none. */
  #next(): Config | ReloadResult {
    let step = 'parse file';
    try {
      const text = this.#steps.read();
      step = 'check config';
      return this.#steps.check(text);
    } catch (error) {
      const { code, text } = this.#told(error);
      this.#log.error(`ignore config reloader ${step} failed. ret=${code}`);
      return failure(code, text);
    }
  }

  async #apply(next: Config): Promise<ReloadResult> {
    const before = this.#current;
    const changes = diffConfigs(before, next);
    for (const warning of next.warnings) {
      if (!before.warnings.includes(warning)) this.#log.warn(warning);
    }
    for (const { text } of changes.filter(({ needsRestart }) => needsRestart)) {
      this.#log.warn(`reload does not apply ${text}`);
    }
    const texts = changes.map(({ text }) => text);
    this.#current = next;
    try {
      return this.#outcome(await this.#steps.apply(next, changes), texts);
    } catch (error) {
      const { code, text } = this.#told(error);
      this.#log.error('reload config is not complete');
      return { ok: false, code, error: text, changes: texts };
    }
  }

  #outcome(failures: readonly string[], changes: readonly string[]): ReloadResult {
    if (failures.length > 0) {
      this.#log.error(`reload config is not complete, failures=${failures.length}`);
      const code = ErrorCode.SYSTEM_CONFIG_INVALID;
      return { ok: false, code, error: failures.join('; '), changes };
    }
    const count = changes.length === 0 ? 'nothing has changed' : `changes=${changes.length}`;
    this.#log.trace(`reload config success, ${count}`);
    return { ok: true, code: 0, changes };
  }

  /** Logs an error, with its origin when nobody expected it. */
  #told(error: unknown): { code: number; text: string } {
    if (error instanceof SrsError) {
      const text = describeError(error);
      this.#log.error(text, error);
      return { code: error.code, text };
    }
    for (const line of describeFault(error).split('\n')) this.#log.error(line);
    const text = `internal error: ${describeError(error)}`;
    return { code: ErrorCode.SYSTEM_ASSERT_FAILED, text };
  }
}

function failure(code: number, error: string): ReloadResult {
  return { ok: false, code, error, changes: [] };
}
