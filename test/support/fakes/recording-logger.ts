/** A logger that keeps its lines, as `level id text`, and lets a test wait for them. */
import type { Logger } from '../../../src/core/logger';

export class RecordingLogger implements Logger {
  readonly contextId: number;
  readonly lines: string[];
  readonly #waiting: Set<() => void>;

  constructor(contextId = 0, lines: string[] = [], waiting = new Set<() => void>()) {
    this.contextId = contextId;
    this.lines = lines;
    this.#waiting = waiting;
  }

  verbose(message: string): void {
    this.#add('verbose', message);
  }

  info(message: string): void {
    this.#add('info', message);
  }

  trace(message: string): void {
    this.#add('trace', message);
  }

  warn(message: string): void {
    this.#add('warn', message);
  }

  error(message: string): void {
    this.#add('error', message);
  }

  child(contextId: number): RecordingLogger {
    return new RecordingLogger(contextId, this.lines, this.#waiting);
  }

  /** Lines that contain a text. */
  matching(text: string): string[] {
    return this.lines.filter((line) => line.includes(text));
  }

  /** Resolves when the condition holds, which is looked at after each line of this logger or a child. */
  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => {
      const look = (): void => {
        if (!holds()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
    });
  }

  #add(level: string, message: string): void {
    this.lines.push(`${level} ${this.contextId} ${message}`);
    for (const look of this.#waiting) look();
  }
}
