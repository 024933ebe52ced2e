/** Owns the files that are served as they lie on the disk: the player's pages, HLS, recordings. */
import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { describeError, SrsError } from '../../core/errors';
import { redact } from '../../core/redact';

import { refuseMethod, sendText } from './exchange';
import type { HttpExchange, HttpRoute } from './exchange';
import { answerFile } from './file-answer';
import type { ServedFile } from './file-answer';
import { sendBytes } from './file-body';
import type { FileGuard, FilePass } from './file-guard';
import { sendFlvFrom } from './flv-vod';
import { HotFiles } from './hot-files';
import { Lookups } from './lookups';
import { extensionOf, mediaTypeOf } from './mime-types';
import { findMount, mountsOf } from './mounts';
import type { Mount, MountingVhost, MountRequest } from './mounts';
import { isSameFile, isWithin, lookUp, openBelow, readVersion, realPathOf } from './rooted-file';

const INDEX_FILE = 'index.html';
const CROSSDOMAIN_PATH = '/crossdomain.xml';
/** No playlist is larger. */
const MAX_TEXT_BYTES = 8 * 1024 * 1024;
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
  /** Whether /crossdomain.xml is answered, where there is no such file, as of now; unless set, it is. */
  readonly crossdomain?: () => boolean;
  /** Asked before a file is sent, while it is active. */
  readonly guard?: FileGuard;
}

/** What a request leads to, by its name: whether links lead out of the root is not known yet. */
interface FoundFile {
  readonly root: string;
  readonly path: string;
  readonly stats: Stats;
  /** Free of links, where a guard wants to know it. */
  readonly real: string | undefined;
}

/** How a file may be sent. */
type OpenPass = Exclude<FilePass, 'missing' | 'answered'>;

type Found = FoundFile | 'add-slash';

interface SendableFile extends ServedFile {
  readonly body: FileHandle | Buffer;
}

/** The last of the routes: every path that no other took is one of a file. */
export class StaticFiles implements HttpRoute {
  #mounts: readonly Mount[];
  readonly #crossdomain: () => boolean;
  readonly #guard: FileGuard | undefined;
  readonly #hot = new HotFiles();
  readonly #lookups = new Lookups<Found>();

  constructor({ dir, vhosts, crossdomain = (): boolean => true, guard }: StaticFilesParts) {
    this.#mounts = mountsOf(vhosts, dir);
    this.#crossdomain = crossdomain;
    this.#guard = guard;
  }

  /** Serves by these mounts from the next request on; those under way go on with what they found. */
  setMounts(vhosts: readonly MountingVhost[], dir: string): void {
    this.#mounts = mountsOf(vhosts, dir);
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
    const isGuarded = this.#guard?.isActive === true;
    const name = `${root}\0${below}\0${isGuarded}`;
    return this.#lookups.find(name, performance.now(), () => find(root, below, isGuarded));
  }

  async #answer(exchange: HttpExchange, found: FoundFile): Promise<boolean> {
    const pass = found.real === undefined ? 'public' : await this.#admit(exchange, found);
    if (pass === 'missing') return this.#answerMissing(exchange);
    return pass === 'answered' || this.#send(exchange, found, pass);
  }

  #admit(exchange: HttpExchange, found: FoundFile): Promise<FilePass> | FilePass {
    const { root, path, stats, real } = found;
    if (this.#guard === undefined || real === undefined) return 'public';
    return this.#guard.admit(exchange, {
      path: resolve(path),
      real,
      content: async () => (stats.size > MAX_TEXT_BYTES ? undefined : readNow(root, path, real)),
    });
  }

  async #send(exchange: HttpExchange, found: FoundFile, pass: OpenPass): Promise<boolean> {
    const start = flvStartOf(exchange, found.path);
    const content = start === 0 ? await this.#contentOf(found) : undefined;
    if (content !== undefined) {
      await sendFile(exchange, { ...found, body: content }, pass);
      return true;
    }
    const file = await openBelow(found.root, found.path);
    if (file === undefined) return this.#answerMissing(exchange);
    const { handle } = file;
    try {
      // What was decided was about another file.
      if (found.real !== undefined && !isSameFile(file, found.real)) {
        return this.#answerMissing(exchange);
      }
      if (start > 0) await sendFlvFrom(exchange, file, start);
      else await sendFile(exchange, { ...file, body: handle }, pass);
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
    if (!this.#crossdomain() || exchange.path !== CROSSDOMAIN_PATH) return false;
    sendText(exchange, 200, CROSSDOMAIN, { 'Content-Type': mediaTypeOf(CROSSDOMAIN_PATH) });
    return true;
  }
}

/** Finds what a path below a directory means; undefined when there is nothing to be served. */
async function find(root: string, below: string, isGuarded: boolean): Promise<Found | undefined> {
  const isDirectory = below === '' || below.endsWith('/');
  const path = join(root, below, isDirectory ? INDEX_FILE : '');
  const stats = await lookUp(path);
  if (stats?.isFile() === true) {
    const real = isGuarded ? await realPathOf(path) : undefined;
    return isGuarded && real === undefined ? undefined : { root, path, stats, real };
  }
  const isBare = stats?.isDirectory() === true && !isDirectory;
  return isBare && (await isWithin(root, path)) ? 'add-slash' : undefined;
}

/** The present content of a text that is replaced as a whole. */
async function readNow(root: string, path: string, real: string): Promise<Buffer | undefined> {
  const file = await openBelow(root, path);
  if (file === undefined) return undefined;
  try {
    return isSameFile(file, real) ? await file.handle.readFile() : undefined;
  } finally {
    await file.handle.close();
  }
}

async function sendFile(
  exchange: HttpExchange,
  opened: SendableFile,
  pass: OpenPass,
): Promise<void> {
  const isPrivate = pass !== 'public' && pass.isPrivate;
  const file = { ...opened, isPrivate };
  const range = extensionOf(file.path) === '.mp4' ? rangeOfQuery(exchange.query) : undefined;
  const answer = answerFile(exchange, file, Date.now(), range);
  if (answer === undefined) return;
  const { status, headers, start, end } = answer;
  const { method, response } = exchange;
  response.writeHead(status, { ...headers, 'Content-Length': end - start });
  if (method === 'HEAD') {
    response.end();
    return;
  }
  if (pass !== 'public') pass.sent(end - start);
  await sendBytes(response, file.body, { start, end });
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
