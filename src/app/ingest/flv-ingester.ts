/** Owns the life of one ingester: publish the file, and when that ends, wait and publish again, until stopped. */
import { lookup } from 'node:dns/promises';

import type { Clock } from '../../core/clock';
import type { ContextIds } from '../../core/context-id';
import { ErrorCode, SrsError } from '../../core/errors';
import type { Logger } from '../../core/logger';
import { parseRtmpUrl } from '../../rtmp/request';
import type { RtmpUrl } from '../../rtmp/request';

import { FlvPublication } from './flv-publication';
import type { Connect } from './flv-publication';
import { LoopingFile, openMediaFile } from './looping-file';
import type { ReadableFile } from './looping-file';

/** What to publish where. */
export interface FlvIngesterOptions {
  /** As in the configuration; for the log. */
  readonly id: string;
  /** A path, or `bundled:NAME`. */
  readonly file: string;
  /** An rtmp url without variables. */
  readonly outputUrl: string;
}

/** What an ingester needs of its surroundings. */
export interface FlvIngesterDeps {
  readonly connect: Connect;
  readonly log: Logger;
  readonly clock: Clock;
  readonly ids: ContextIds;
  /** Opens the file; from the disk or the program unless given. */
  readonly openFile?: (name: string) => Promise<ReadableFile>;
  /** Numeric address of a host name; by DNS unless given. */
  readonly resolve?: (host: string) => Promise<string>;
}

/** Time between the end of a publish and the next attempt. */
const retryMs = 3000;

/** Publishes from `start` to `stop`; both are idempotent, and there is no start after a stop. */
export class FlvIngester {
  readonly #options: FlvIngesterOptions;
  readonly #deps: FlvIngesterDeps;
  readonly #log: Logger;
  #url: RtmpUrl;
  #isStarted = false;
  #isStopped = false;
  #attempt: Promise<void> = Promise.resolve();
  #file: LoopingFile | undefined;
  #publication: FlvPublication | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isDamageKnown = false;

  /** Throws `SrsError` RTMP_REQ_TCURL when the output is no rtmp url. */
  constructor(options: FlvIngesterOptions, deps: FlvIngesterDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#url = outputOf(options.outputUrl);
    this.#log = deps.log.child(deps.ids.next());
  }

  /** Publishes elsewhere from the next attempt on; throws as the constructor does. */
  redirect(outputUrl: string): void {
    this.#url = outputOf(outputUrl);
  }

  start(): void {
    if (this.#isStarted || this.#isStopped) return;
    this.#isStarted = true;
    this.#log.trace(`ingest thread cid=${this.#log.contextId}, ingest=${this.#options.id}`);
    this.#begin();
  }

  /** Unpublishes; resolves when the file is closed. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#publication?.close();
    this.#publication = undefined;
    await this.#attempt;
    await this.#closeFile();
  }

  #begin(): void {
    this.#attempt = this.#attempt
      .then(() => this.#publish())
      .catch((error: unknown) => {
        this.#retry(error);
      });
  }

  /** Finds the server, opens the file and starts to publish. */
  async #publish(): Promise<void> {
    const { connect, clock, openFile = openMediaFile, resolve = resolveHost } = this.#deps;
    const url = this.#url;
    const address = await resolve(url.host);
    const opened = await openFile(this.#options.file);
    const file = new LoopingFile(opened, (error) => {
      this.#reportDamage(error);
    });
    this.#file = file;
    // If it was stopped meanwhile, stop waits for this attempt and then closes the file.
    if (this.#isStopped) return;
    this.#publication = new FlvPublication({
      url,
      address,
      file,
      connect,
      clock,
      onPublishing: () => {
        const { app, stream, vhost } = url;
        const { id, file: name } = this.#options;
        this.#log.trace(`ingest=${id}, file=${name}, publishing to ${vhost}/${app}/${stream}`);
      },
      onEnd: (error) => {
        this.#retry(error);
      },
    });
  }

  /** Logs why it ended and comes back later. */
  #retry(error: unknown): void {
    this.#publication = undefined;
    if (this.#isStopped) return;
    const { id } = this.#options;
    const reason = error instanceof Error ? error.message : String(error);
    const code = error instanceof SrsError ? error.code : ErrorCode.SYSTEM_FILE_OPENE;
    this.#log.warn(`ingest=${id} ended: ${reason}, retry in ${retryMs}ms. ret=${code}`, error);
    this.#attempt = this.#attempt.then(() => this.#closeFile());
    this.#timer = setTimeout(() => {
      this.#begin();
    }, retryMs);
  }

  async #closeFile(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    try {
      await file?.close();
    } catch (error) {
      this.#log.warn(
        `cannot close ${this.#options.file}. ret=${ErrorCode.SYSTEM_FILE_CLOSE}`,
        error,
      );
    }
  }

  /** A damaged file is damaged in each round: one line tells. */
  #reportDamage(error: SrsError): void {
    if (this.#isDamageKnown) return;
    this.#isDamageKnown = true;
    const { id, file } = this.#options;
    this.#log.warn(`ingest=${id}, file=${file} is damaged: ${error.message}. ret=${error.code}`);
  }
}

function outputOf(text: string): RtmpUrl {
  const url = parseRtmpUrl(text);
  if (url.schema === 'rtmp') return url;
  const message = `expected an output of rtmp://, got ${url.schema}://`;
  throw new SrsError(ErrorCode.RTMP_REQ_TCURL, message);
}

/** Numeric address of a host name or address, IPv4 preferred. Rejects with `SrsError` SYSTEM_IP_INVALID. */
export async function resolveHost(host: string): Promise<string> {
  try {
    // The server listens to IPv4 unless told otherwise, so localhost shall not become ::1.
    const { address } = await lookup(host, { verbatim: false });
    return address;
  } catch (cause) {
    const message = `expected a host name that resolves, got ${host}`;
    throw new SrsError(ErrorCode.SYSTEM_IP_INVALID, message, { cause });
  }
}
