/** Owns the certificate of a TLS port: its files, whether they fit each other, and their replacement while in use. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { SecureContext, SecureContextOptions } from 'node:tls';

import { describeError, ErrorCode, SrsError } from '../core/errors';
import type { Logger } from '../core/logger';

/** How often the files are looked at. */
const LOOK_MS = 5000;
const DAY_MS = 86_400_000;
/** So long before its end a certificate is warned of. */
const NOTICE_DAYS = 14;

/** Where chain and key lie, both PEM; the chain with the server's own certificate first. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
  /** Latest version of TLS that is spoken with them; any that there is when absent. */
  readonly maxVersion?: 'TLSv1.2';
}

/** What was made of one state of the files. */
interface Pair {
  readonly context: SecureContext;
  readonly names: readonly string[];
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Whether a certificate is of use, as far as the date goes. */
type Validity = 'good' | 'early' | 'ending' | 'expired';

/**
 * Certificate chain and key, looked at every few seconds and replaced when changed: connections made from then on get
 * the new pair, those there keep theirs. A bad new pair is logged once and leaves the old one in use.
 */
export class Certificate {
  readonly #files: CertificateFiles;
  readonly #log: Logger;
  readonly #nowMs: () => number;
  readonly #timer: NodeJS.Timeout;
  #pair: Pair;
  /** State of the files that was looked at last, whatever came of it. */
  #seen: string;
  #checking: Promise<void> | undefined;
  #validity: Validity = 'good';
  #isClosed = false;

  private constructor(files: CertificateFiles, log: Logger, nowMs: () => number) {
    this.#files = files;
    this.#log = log;
    this.#nowMs = nowMs;
    const { cert, key } = files;
    try {
      this.#seen = [cert, key].map((path) => identity(statSync(path))).join(' ');
      this.#pair = makePair(files, readFileSync(cert), readFileSync(key));
    } catch (error) {
      throw error instanceof SrsError ? error : unreadable(error);
    }
    this.#tell('loaded');
    this.#timer = setInterval(() => void this.check(), LOOK_MS).unref();
  }

  /**
   * Reads both files; to be used when the server starts, for it waits for the disk.
   *
   * @param nowMs time of day, ms since 1970
   * @throws SrsError SYSTEM_FILE_READ or SYSTEM_CONFIG_INVALID, naming the file and why it will not do
   */
  static load(
    files: CertificateFiles,
    log: Logger,
    nowMs: () => number = () => Date.now(),
  ): Certificate {
    return new Certificate(files, log, nowMs);
  }

  /** For the next connection: TLS 1.2 or later. */
  get context(): SecureContext {
    return this.#pair.context;
  }

  /** Host names and addresses that the certificate is for. */
  get names(): readonly string[] {
    return this.#pair.names;
  }

  /** Looks at the files now; resolves when they were taken over or refused. Never rejects. */
  check(): Promise<void> {
    this.#checking ??= this.#look()
      .catch((error: unknown) => {
        this.#log.error(`certificate stays as it was: ${describeError(error)}`, error);
      })
      .finally(() => {
        this.#checking = undefined;
      });
    return this.#checking;
  }

  /** Looks at the files no longer. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const { cert, key } = this.#files;
    const seen = await identities([cert, key]);
    if (seen === this.#seen) {
      this.#warnOfDate();
      return;
    }
    // Before anything can go wrong: what is bad is said once.
    this.#seen = seen;
    const [chain, secret] = await Promise.all([readFile(cert), readFile(key)]).catch(
      (error: unknown) => {
        throw unreadable(error);
      },
    );
    const pair = makePair(this.#files, chain, secret);
    if (this.#isClosed) return;
    this.#pair = pair;
    this.#tell('reloaded');
  }

  #tell(done: string): void {
    const { names, untilMs } = this.#pair;
    const until = new Date(untilMs).toISOString();
    this.#log.trace(
      `certificate ${this.#files.cert} ${done}: names=${names.join(',')}, expires=${until}`,
    );
    this.#validity = 'good';
    this.#warnOfDate();
  }

  /** Once when it begins to matter, and once when it does. */
  #warnOfDate(): void {
    const nowMs = this.#nowMs();
    const validity = validityOf(this.#pair, nowMs);
    if (validity === this.#validity) return;
    this.#validity = validity;
    const { fromMs, untilMs } = this.#pair;
    const subject = `certificate ${this.#files.cert}`;
    const until = new Date(untilMs).toISOString();
    if (validity === 'early') {
      this.#log.warn(`${subject} is not valid before ${new Date(fromMs).toISOString()}`);
    } else if (validity === 'ending') {
      const days = Math.floor((untilMs - nowMs) / DAY_MS);
      this.#log.warn(`${subject} expires in ${days} days, on ${until}`);
    } else if (validity === 'expired') {
      this.#log.warn(`${subject} has expired on ${until}, clients will refuse it`);
    }
  }
}

function validityOf({ fromMs, untilMs }: Pair, nowMs: number): Validity {
  if (nowMs < fromMs) return 'early';
  if (nowMs >= untilMs) return 'expired';
  return untilMs - nowMs < NOTICE_DAYS * DAY_MS ? 'ending' : 'good';
}

function makePair(files: CertificateFiles, cert: Buffer, key: Buffer): Pair {
  const own = attempt(
    () => new X509Certificate(cert),
    `expect a certificate chain in PEM in ${files.cert}`,
  );
  const secret = attempt(
    () => createPrivateKey(key),
    `expect a private key in PEM, without passphrase, in ${files.key}`,
  );
  checkFit(files, own, secret);
  // The authorities that the program knows are for clients; a server that asks for no certificate needs none.
  const context = attempt(
    () => createSecureContext({ cert, key, ca: [], ...versionsOf(files) }),
    `the certificate ${files.cert} with the key ${files.key} cannot serve TLS`,
  );
  const fromMs = Date.parse(own.validFrom);
  const untilMs = Date.parse(own.validTo);
  return { context, names: namesOf(own), fromMs, untilMs };
}

function versionsOf({ maxVersion }: CertificateFiles): SecureContextOptions {
  return { minVersion: 'TLSv1.2', maxVersion: maxVersion ?? 'TLSv1.3' };
}

function checkFit({ cert, key }: CertificateFiles, own: X509Certificate, secret: KeyObject): void {
  if (own.checkPrivateKey(secret)) return;
  const text = `expect the key of the certificate ${cert}, but that in ${key} belongs to another`;
  throw new SrsError(ErrorCode.SYSTEM_CONFIG_INVALID, text);
}

/** Names as browsers read them; a certificate without any has its subject. */
function namesOf({ subjectAltName = '', subject }: X509Certificate): string[] {
  const names = [...subjectAltName.matchAll(/(?:DNS|IP Address):([^\s,"]+)/g)].map(
    ([, name = '']) => name,
  );
  return names.length > 0 ? names : [subject.replaceAll('\n', '/')];
}

function attempt<Result>(make: () => Result, expectation: string): Result {
  try {
    return make();
  } catch (cause) {
    // The words of the library name no key material.
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SrsError(ErrorCode.SYSTEM_CONFIG_INVALID, `${expectation}: ${reason}`, { cause });
  }
}

/** The system's words name the file. */
function unreadable(cause: unknown): SrsError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const text = `cannot read the certificate or its key: ${reason}`;
  return new SrsError(ErrorCode.SYSTEM_FILE_READ, text, { cause });
}

/** Changes whenever one of the files does; one that is not there is a state, too. */
async function identities(paths: readonly string[]): Promise<string> {
  const states = paths.map((path) => stat(path).then(identity, (error: unknown) => String(error)));
  return (await Promise.all(states)).join(' ');
}

function identity({ mtimeMs, size, ino }: Stats): string {
  return `${mtimeMs}/${size}/${ino}`;
}
