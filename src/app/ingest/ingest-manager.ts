/** Owns all built-in ingesters of a configuration. */
import { isDeepStrictEqual } from 'node:util';

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

/** One block that runs. */
interface Running {
  readonly vhost: string;
  readonly ingest: IngestConfig;
  /** One for each output; none when the block makes no sense. */
  readonly outputs: readonly { readonly url: string; readonly ingester: FlvIngester }[];
}

/** What a reload has done to one ingest. */
export interface IngestChange {
  readonly id: string;
  readonly kind: 'removed' | 'added' | 'updated';
}

/** Starts and stops ingesters; a block that makes no sense is logged and skipped. */
export class IngestManager {
  readonly #deps: IngestManagerDeps;
  #running: Running[] = [];
  #port = 0;
  #isStopped = false;
  #leavePrint: (() => void) | undefined;

  constructor(deps: IngestManagerDeps) {
    this.#deps = deps;
  }

  /** Number of ingesters running. */
  get size(): number {
    return this.#running.reduce((sum, { outputs }) => sum + outputs.length, 0);
  }

  /** Starts every enabled `ffmpeg builtin` ingest of every enabled vhost; `port` stands for `[port]` in outputs. */
  start(vhosts: readonly IngestVhost[], port: number): void {
    this.#port = port;
    for (const vhost of vhosts.filter(({ enabled }) => enabled)) {
      for (const ingest of wantedOf(vhost)) this.#startIngest(vhost.name, ingest);
    }
    this.#print();
  }

  /**
   * Takes the blocks that a vhost has now, none when it is gone or disabled: what is new is started, what is gone
   * stopped, what differs stopped and started. All others run on.
   */
  async setVhost(vhost: IngestVhost): Promise<readonly IngestChange[]> {
    const { name } = vhost;
    const wanted = vhost.enabled ? wantedOf(vhost) : [];
    const before = this.#running.filter((one) => one.vhost === name);
    const leaving = before.filter(
      ({ ingest }) => !wanted.some((one) => isDeepStrictEqual(one, ingest)),
    );
    this.#running = this.#running.filter((one) => !leaving.includes(one));
    await Promise.all(leaving.map((one) => stop(one)));
    if (this.#isStopped) return [];
    const isLeaving = (id: string): boolean => leaving.some(({ ingest }) => ingest.id === id);
    const gone = leaving.filter(({ ingest }) => !wanted.some(({ id }) => id === ingest.id));
    const changes: IngestChange[] = gone.map(({ ingest: { id } }) => ({ id, kind: 'removed' }));
    for (const ingest of wanted) {
      const { id } = ingest;
      if (this.#running.some((one) => one.vhost === name && one.ingest.id === id)) continue;
      this.#startIngest(name, ingest);
      changes.push({ id, kind: isLeaving(id) ? 'updated' : 'added' });
    }
    this.#print();
    return changes;
  }

  /** Another port stands for `[port]`: those that run go there when they have to begin anew. */
  setPort(port: number): void {
    if (this.#port === port) return;
    this.#port = port;
    for (const { vhost, outputs } of this.#running) {
      for (const { url, ingester } of outputs) ingester.redirect(this.#resolve(url, vhost));
    }
  }

  /** Stops all; resolves when the last has closed its file. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    const running = this.#running;
    this.#running = [];
    this.#print();
    await Promise.all(running.map((one) => stop(one)));
  }

  #startIngest(vhost: string, ingest: IngestConfig): void {
    const { id } = ingest;
    const outputs: { url: string; ingester: FlvIngester }[] = [];
    this.#running.push({ vhost, ingest, outputs });
    try {
      const file = inputOf(ingest);
      for (const url of outputsOf(ingest)) {
        const outputUrl = this.#resolve(url, vhost);
        const ingester = new FlvIngester({ id, file, outputUrl }, this.#deps);
        outputs.push({ url, ingester });
        ingester.start();
      }
      this.#deps.log.trace(`parse success, ingest=${id}, vhost=${vhost}`);
    } catch (error) {
      if (!(error instanceof SrsError)) throw error;
      const { message, code } = error;
      this.#deps.log.error(`ingest=${id}, vhost=${vhost} skipped: ${message}. ret=${code}`);
    }
  }

  #resolve(output: string, vhost: string): string {
    return output.replaceAll('[vhost]', vhost).replaceAll('[port]', String(this.#port));
  }

  /** Prints a line from time to time while there is something to tell. */
  #print(): void {
    if (this.size === 0) {
      this.#leavePrint?.();
      this.#leavePrint = undefined;
      return;
    }
    this.#leavePrint ??= this.#deps.pithyPrint.join('ingester', (ageMs) => {
      this.#deps.log.trace(`-> IGS time=${ageMs}, ingesters=${this.size}`);
    });
  }
}

/** The blocks that are to run. */
function wantedOf({ ingest }: IngestVhost): IngestConfig[] {
  return ingest.filter(({ enabled, ffmpeg }) => enabled && ffmpeg === builtin);
}

async function stop({ outputs }: Running): Promise<void> {
  await Promise.all(outputs.map(({ ingester }) => ingester.stop()));
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
