/** Owns the files that are served as they lie on the disk: the player's pages, HLS, recordings. */
import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

import { describeError, SrsError } from '../../core/errors';
import { redact } from '../../core/redact';

import { refuseMethod, sendText } from './exchange';
import type { HttpExchange, HttpRoute } from './exchange';
import { answerFile } from './file-answer';
import type { ServedFile } from './file-answer';
import { sendBytes } from './file-body';
import { sendFlvFrom } from './flv-vod';
import { HotFiles } from './hot-files';
import { Lookups } from './lookups';
import { extensionOf, mediaTypeOf } from './mime-types';
import { findMount, mountsOf } from './mounts';
import type { Mount, MountingVhost, MountRequest } from './mounts';
import { isWithin, lookUp, openBelow, readVersion } from './rooted-file';

const INDEX_FILE = 'index.html';
const CROSSDOMAIN_PATH = '/crossdomain.xml';
/** For Flash players, where nobody put a policy of their own. */
const CROSSDOMAIN = `<?xml version="1.0"?>
<!DOCTYPE cross-domain-policy SYSTEM "http://www.adobe.com/xml/dtds/cross-domain-policy.dtd">
<cross-domain-policy>
  <allow-access-from domain="*" />
  <allow-http-request-headers-from domain="*" headers="*"/>
</cross-domain-policy>
`;

/** What the file server is given. */
export interface StaticFilesParts {
  /** Where files lie that no mount of a vhost leads to. */
  readonly dir: string;
  readonly vhosts: readonly MountingVhost[];
  /** Answers /crossdomain.xml, where there is no such file; unless set, it does. */
  readonly crossdomain?: boolean;
}

/** What a request leads to, by its name: whether links lead out of the root is not known yet. */
interface FoundFile {
  readonly root: string;
  readonly path: string;
  readonly stats: Stats;
}

type Found = FoundFile | 'add-slash';

interface SendableFile extends ServedFile {
  readonly body: FileHandle | Buffer;
}

/** The last of the routes: every path that no other took is one of a file. */
export class StaticFiles implements HttpRoute {
  readonly #mounts: readonly Mount[];
  readonly #crossdomain: boolean;
  readonly #hot = new HotFiles();
  readonly #lookups = new Lookups<Found>();

  constructor({ dir, vhosts, crossdomain = true }: StaticFilesParts) {
    this.#mounts = mountsOf(vhosts, dir);
    this.#crossdomain = crossdomain;
  }

  async handle(exchange: HttpExchange): Promise<boolean> {
    const match = findMount(this.#mounts, exchange);
    if (match === undefined) return false;
    if (refuseMethod(exchange, ['GET', 'HEAD'])) return true;
    const found = match === 'add-slash' ? match : await this.#find(match.mount.dir, match.below);
    if (found === undefined) return this.#answerMissing(exchange);
    if (found === 'add-slash') redirectToDirectory(exchange);
    else return this.#answer(exchange, found);
    return true;
  }

  /** Whether there is a file for a request; for routes that would rather wait than leave it to this one. */
  async hasFile(exchange: MountRequest): Promise<boolean> {
    const match = findMount(this.#mounts, exchange);
    if (match === undefined || match === 'add-slash') return false;
    return typeof (await this.#find(match.mount.dir, match.below)) === 'object';
  }

  #find(root: string, below: string): Promise<Found | undefined> {
    const name = `${root}\0${below}`;
    return this.#lookups.find(name, performance.now(), () => find(root, below));
  }

  async #answer(exchange: HttpExchange, found: FoundFile): Promise<boolean> {
    const start = flvStartOf(exchange, found.path);
    const content = start === 0 ? await this.#contentOf(found) : undefined;
    if (content !== undefined) {
      await sendFile(exchange, { ...found, body: content });
      return true;
    }
    const file = await openBelow(found.root, found.path);
    if (file === undefined) return this.#answerMissing(exchange);
    const { handle } = file;
    try {
      if (start > 0) await sendFlvFrom(exchange, file, start);
      else await sendFile(exchange, { ...file, body: handle });
    } catch (error) {
      breakOff(exchange, error);
    } finally {
      await handle.close();
    }
    return true;
  }

  #contentOf({ root, path, stats }: FoundFile): Promise<Buffer | undefined> | undefined {
    // What is allowed below one directory may be outside of another, though the path be the same.
    const name = `${root}\0${path}`;
    return this.#hot.content(name, stats, Date.now(), () => readVersion(root, path, stats));
  }

  #answerMissing(exchange: HttpExchange): boolean {
    if (!this.#crossdomain || exchange.path !== CROSSDOMAIN_PATH) return false;
    sendText(exchange, 200, CROSSDOMAIN, { 'Content-Type': mediaTypeOf(CROSSDOMAIN_PATH) });
    return true;
  }
}

/** Finds what a path below a directory means; undefined when there is nothing to be served. */
async function find(root: string, below: string): Promise<Found | undefined> {
  const isDirectory = below === '' || below.endsWith('/');
  const path = join(root, below, isDirectory ? INDEX_FILE : '');
  const stats = await lookUp(path);
  if (stats?.isFile() === true) return { root, path, stats };
  const isBare = stats?.isDirectory() === true && !isDirectory;
  return isBare && (await isWithin(root, path)) ? 'add-slash' : undefined;
}

async function sendFile(exchange: HttpExchange, file: SendableFile): Promise<void> {
  const range = extensionOf(file.path) === '.mp4' ? rangeOfQuery(exchange.query) : undefined;
  const answer = answerFile(exchange, file, Date.now(), range);
  if (answer === undefined) return;
  const { status, headers, start, end } = answer;
  const { method, response } = exchange;
  response.writeHead(status, { ...headers, 'Content-Length': end - start });
  if (method === 'HEAD') response.end();
  else await sendBytes(response, file.body, { start, end });
}

/** Byte of an FLV file from which on it is asked for, 0 for all of it. */
function flvStartOf({ query }: HttpExchange, path: string): number {
  const extension = extensionOf(path);
  if (extension !== '.flv' && extension !== '.fhv') return 0;
  return Math.max(0, Number(query.get('start')) || 0);
}

/** The file is shorter than the head has promised: only the end of the connection says so. */
function breakOff({ log, path, response }: HttpExchange, error: unknown): void {
  if (!(error instanceof SrsError)) throw error;
  log.warn(`HTTP file ${redact(path)} cannot be sent whole, ${describeError(error)}`);
  response.destroy();
}

/** `?range=a-b` or `?bytes=a-b`, as old players of mp4 files seek. */
function rangeOfQuery(query: URLSearchParams): string | undefined {
  const range = query.get('range') ?? query.get('bytes');
  return range === null ? undefined : `bytes=${range}`;
}

/** Links of a page need its directory to end with a slash. */
function redirectToDirectory(exchange: HttpExchange): void {
  const { path, request } = exchange;
  const queryAt = request.url?.indexOf('?') ?? -1;
  const query = queryAt < 0 ? '' : (request.url?.slice(queryAt) ?? '');
  const encoded = path.split('/').map(encodeURIComponent).join('/');
  sendText(exchange, 302, undefined, { Location: `${encoded}/${query}` });
}
