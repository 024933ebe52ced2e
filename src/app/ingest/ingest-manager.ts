/** Owns all built-in ingesters of a configuration. */
import { ErrorCode, SrsError } from '../../core/errors';

import { FlvIngester } from './flv-ingester';
import type { FlvIngesterDeps } from './flv-ingester';

/** What is read of an `ingest` block; that of app/config fits. */
export interface IngestConfig {
  readonly id: string;
  readonly enabled: boolean;
  readonly ffmpeg: string;
  readonly input: { readonly type: string; readonly url: string };
  readonly engines: readonly { readonly output: string }[];
}

/** What is read of a vhost; that of app/config fits. */
export interface IngestVhost {
  readonly name: string;
  readonly enabled: boolean;
  readonly ingest: readonly IngestConfig[];
}

/** What the manager needs beyond what its ingesters do. */
export interface IngestManagerDeps extends FlvIngesterDeps {
  /** Prints a status line from time to time until the returned function is called. */
  readonly pithyPrint: { join(stage: 'ingester', print: (ageMs: number) => void): () => void };
}

/** Value of `ffmpeg` that asks for the ingester inside the program. */
const builtin = 'builtin';

/** Starts and stops ingesters; a block that makes no sense is logged and skipped. */
export class IngestManager {
  readonly #deps: IngestManagerDeps;
  #ingesters: FlvIngester[] = [];
  #leavePrint: (() => void) | undefined;

  constructor(deps: IngestManagerDeps) {
    this.#deps = deps;
  }

  /** Number of ingesters running. */
  get size(): number {
    return this.#ingesters.length;
  }

  /** Starts every enabled `ffmpeg builtin` ingest of every enabled vhost; `port` stands for `[port]` in outputs. */
  start(vhosts: readonly IngestVhost[], port: number): void {
    for (const vhost of vhosts.filter(({ enabled }) => enabled)) {
      for (const ingest of vhost.ingest) {
        if (ingest.enabled && ingest.ffmpeg === builtin)
          this.#startIngest(vhost.name, ingest, port);
      }
    }
    if (this.size === 0) return;
    this.#leavePrint ??= this.#deps.pithyPrint.join('ingester', (ageMs) => {
      this.#deps.log.trace(`-> IGS time=${ageMs}, ingesters=${this.size}`);
    });
  }

  /** Stops all; resolves when the last has closed its file. Idempotent. */
  async stop(): Promise<void> {
    this.#leavePrint?.();
    this.#leavePrint = undefined;
    const ingesters = this.#ingesters;
    this.#ingesters = [];
    await Promise.all(ingesters.map((ingester) => ingester.stop()));
  }

  #startIngest(vhost: string, ingest: IngestConfig, port: number): void {
    const { id } = ingest;
    try {
      const file = inputOf(ingest);
      for (const output of outputsOf(ingest)) {
        const outputUrl = output.replaceAll('[vhost]', vhost).replaceAll('[port]', String(port));
        const ingester = new FlvIngester({ id, file, outputUrl }, this.#deps);
        this.#ingesters.push(ingester);
        ingester.start();
      }
      this.#deps.log.trace(`parse success, ingest=${id}, vhost=${vhost}`);
    } catch (error) {
      if (!(error instanceof SrsError)) throw error;
      const { message, code } = error;
      this.#deps.log.error(`ingest=${id}, vhost=${vhost} skipped: ${message}. ret=${code}`);
    }
  }
}

function inputOf(ingest: IngestConfig): string {
  const { type, url } = ingest.input;
  if (type !== 'file') {
    const message = `the built-in ingester expects an input of type file, got ${type}`;
    throw new SrsError(ErrorCode.ENCODER_INPUT_TYPE, message);
  }
  if (url === '') throw new SrsError(ErrorCode.ENCODER_NO_INPUT, 'expected an input url, got none');
  return url;
}

/** Where to publish: the engines have nothing to encode here, but they name the outputs. */
function outputsOf(ingest: IngestConfig): string[] {
  const outputs = ingest.engines.map(({ output }) => output).filter((output) => output !== '');
  if (outputs.length > 0) return outputs;
  throw new SrsError(ErrorCode.ENCODER_NO_OUTPUT, 'expected an engine with an output, got none');
}
