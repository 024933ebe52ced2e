/** Owns the connections to hook servers that are kept for the next call, and whom those of https are trusted by. */
import { X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { Agent } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import { createSecureContext } from 'node:tls';

import type { Clock } from '../../core/clock';
import { ErrorCode, SrsError } from '../../core/errors';

/** Shorter than servers keep an idle connection: so it is seldom closed when we want to use it. */
const IDLE_MS = 4000;
const AGENT_OPTIONS = {
  keepAlive: true,
  maxFreeSockets: 32,
  timeout: IDLE_MS,
  // `localhost` may be ::1 first, where many a server does not listen.
  autoSelectFamily: true,
} as const;
/** How often a file of certificates is looked at while it is used. */
const LOOK_MS = 5000;

/** A file of certificates, and the connections that are trusted by it. */
interface Trusted {
  agent: Promise<SecureAgent>;
  /** State of the file that was read. */
  readonly identity: Promise<string>;
  lookedMs: number;
}

/** Kept connections by scheme, and by the file of certificates. */
export class Agents {
  readonly #clock: Clock;
  readonly #plain = new Agent(AGENT_OPTIONS);
  #secure: SecureAgent | undefined;
  readonly #trusted = new Map<string, Trusted>();
  readonly #all: Agent[] = [this.#plain];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * The agent for a URL. With a file of certificates servers of https need one of them, or one signed by them;
   * the file is read again when it changes.
   *
   * @param caFile PEM; '' = the authorities that Node.js knows
   * @returns a promise when the file has to be read; it rejects with SrsError when that cannot be done
   */
  of(url: URL, caFile: string): Agent | Promise<Agent> {
    if (url.protocol === 'http:') return this.#plain;
    if (caFile !== '') return this.#trustedBy(caFile);
    this.#secure ??= this.#keep(new SecureAgent(AGENT_OPTIONS));
    return this.#secure;
  }

  /** Closes all connections, those in use as well. */
  close(): void {
    for (const agent of this.#all) agent.destroy();
  }

  #trustedBy(file: string): Promise<SecureAgent> {
    const known = this.#trusted.get(file);
    const nowMs = this.#clock.nowMs();
    if (!known) return this.#read(file, nowMs).agent;
    if (nowMs - known.lookedMs < LOOK_MS) return known.agent;
    known.lookedMs = nowMs;
    known.agent = this.#again(file, known, nowMs);
    return known.agent;
  }

  /** The connections there are, unless the file is another by now. */
  async #again(file: string, known: Trusted, nowMs: number): Promise<SecureAgent> {
    const { agent, identity } = known;
    return (await identityOf(file)) === (await identity) ? agent : this.#read(file, nowMs).agent;
  }

  #read(file: string, nowMs: number): Trusted {
    const trusted: Trusted = {
      agent: trustingContext(file).then((secureContext) =>
        this.#keep(new SecureAgent({ ...AGENT_OPTIONS, secureContext })),
      ),
      identity: identityOf(file),
      lookedMs: nowMs,
    };
    this.#trusted.set(file, trusted);
    // A failure is not kept: the next call reads again.
    trusted.agent.catch(() => this.#trusted.delete(file));
    return trusted;
  }

  #keep(agent: SecureAgent): SecureAgent {
    this.#all.push(agent);
    return agent;
  }
}

async function trustingContext(file: string): Promise<ReturnType<typeof createSecureContext>> {
  try {
    const ca = await readFile(file);
    // Without this, a file with no certificate in it would be taken, and trust nobody.
    new X509Certificate(ca);
    return createSecureContext({ ca });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const text = `expect certificates in PEM in ca_file ${file}: ${reason}`;
    throw new SrsError(ErrorCode.SYSTEM_FILE_READ, text, { cause });
  }
}

/** Changes whenever the file does; one that is not there is a state, too. */
async function identityOf(file: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(file);
    return `${mtimeMs}/${size}/${ino}`;
  } catch {
    return '';
  }
}
