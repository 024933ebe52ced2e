/** A logger that keeps its lines, as `level id text`. */
import type { Logger } from '../../../src/core/logger';

export class RecordingLogger implements Logger {
  readonly contextId: number;
  readonly lines: string[];

  constructor(contextId = 0, lines: string[] = []) {
    this.contextId = contextId;
    this.lines = lines;
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
    return new RecordingLogger(contextId, this.lines);
  }

  /** Lines that contain a text. */
  matching(text: string): string[] {
    return this.lines.filter((line) => line.includes(text));
  }

  #add(level: string, message: string): void {
    this.lines.push(`${level} ${this.contextId} ${message}`);
  }
}
