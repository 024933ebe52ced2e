/** Owns a server under test that serves HTTP, HTTPS and RTMPS too, and the requests that tests make of it by curl. */
import assert from 'node:assert/strict';

import type { Program } from './program';
import type { Sandbox } from './sandbox';
import { Srs } from './srs';
import type { SrsOptions } from './srs';

/** What is put into the configuration besides. */
export interface WebOptions extends SrsOptions {
  /** Inside `http_server`, which listens at a free port and serves the directory `html`. */
  readonly http?: string;
}

/** What a request was answered with. */
export interface Answer {
  readonly status: number;
  /** The line of the status, as it came. */
  readonly statusLine: string;
  /** By name in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** As UTF-8. */
  readonly body: string;
}

/** Longest time of a request, seconds. */
const CURL = ['-s', '-S', '-m', '30'];

/** A running server, see {@link Srs}. */
export class Web {
  readonly srs: Srs;
  readonly #sandbox: Sandbox;

  private constructor(srs: Srs, sandbox: Sandbox) {
    this.srs = srs;
    this.#sandbox = sandbox;
  }

  static async start(
    sandbox: Sandbox,
    { vhost = '', global = '', http = '' }: WebOptions = {},
  ): Promise<Web> {
    const server = `http_server {\nenabled on;\nlisten 127.0.0.1:0;\ndir html;\n${http}\n}\n`;
    const srs = await Srs.start(sandbox, { vhost, global: server + global });
    await srs.program.prints(/\]\[0\] HTTP listen at \S+ started/);
    if (http.includes('https')) await srs.program.prints(/\]\[0\] HTTPS listen at \S+ started/);
    return new Web(srs, sandbox);
  }

  get program(): Program {
    return this.srs.program;
  }

  /** The port that is open for a protocol, as the log names it. */
  port(protocol: 'HTTP' | 'HTTPS' | 'RTMP' | 'RTMPS'): number {
    const line = new RegExp(`\\] ${protocol} listen at \\S*[:=](\\d+) started`);
    const match = line.exec(this.program.stdout);
    assert.ok(match, `no ${protocol} listener in ${this.program.stdout}`);
    return Number(match[1]);
  }

  /** The url of a path, which begins with a slash. */
  url(path: string, scheme: 'http' | 'https' = 'http'): string {
    return `${scheme}://127.0.0.1:${this.port(scheme === 'http' ? 'HTTP' : 'HTTPS')}${path}`;
  }

  /** Where a stream of the app `live` is played over RTMP. */
  rtmp(stream: string): string {
    return this.srs.url(stream);
  }

  /** Makes a request by curl, with these arguments besides. */
  async ask(path: string, ...args: string[]): Promise<Answer> {
    return this.askAt(this.url(path), ...args);
  }

  /** The same for a whole url. */
  async askAt(url: string, ...args: string[]): Promise<Answer> {
    const all = [...CURL, '-k', '-i', ...args, url];
    return parseAnswer((await this.#sandbox.start('curl', all).succeeds()).stdout);
  }

  /** Starts to save what comes from a path into a file; ends with the answer. */
  save(path: string, file: string, ...args: string[]): Program {
    return this.#sandbox.start('curl', [...CURL, '-N', '-f', '-o', file, ...args, this.url(path)]);
  }

  /** Resolves when so many players, since the start, have joined the stream over HTTP. */
  hasPlayers(stream: string, count = 1): Promise<void> {
    const line = new RegExp(`type=Play\\((?:HTTP|WS)-\\w+\\), stream_name=${stream},`);
    return this.program.prints(line, count);
  }
}

/** Splits what `curl -i` prints; heads of interim answers are passed over. */
function parseAnswer(text: string): Answer {
  const end = text.indexOf('\r\n\r\n');
  assert.ok(end >= 0, `no head of an answer in ${JSON.stringify(text)}`);
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n');
  const status = Number(statusLine.split(' ')[1]);
  const body = text.slice(end + 4);
  if (status < 200) return parseAnswer(body);
  const headers = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  return { status, statusLine, headers: new Map(headers), body };
}
