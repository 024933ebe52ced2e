/** Owns a server under test: the packed program in the foreground, on a free port, its log on a pipe. */
import assert from 'node:assert/strict';

import type { Ended, Program } from './program';
import type { Sandbox } from './sandbox';

/** The packed program. */
export const binary = requiredBinary();

/** What is put into the configuration of a server. */
export interface SrsOptions {
  /** Inside `vhost __defaultVhost__`. */
  readonly vhost?: string;
  /** At root level. */
  readonly global?: string;
}

const DEFAULTS = `
listen 127.0.0.1:0;
pid srs.pid;
`;

/** A configuration that writes nothing outside the directory that the server is started in. */
export function configText({ vhost = '', global = '' }: SrsOptions = {}): string {
  const connections = global.includes('max_connections') ? '' : 'max_connections 1000;';
  return `${DEFAULTS}${connections}\n${global}\nvhost __defaultVhost__ {\n${vhost}\n}\n`;
}

/** A running server. */
export class Srs {
  readonly program: Program;
  readonly port: number;

  private constructor(program: Program, port: number) {
    this.program = program;
    this.port = port;
  }

  /** Starts a server in the directory of the sandbox and waits until it listens. */
  static async start(sandbox: Sandbox, options: SrsOptions = {}): Promise<Srs> {
    const inFront = `daemon off;\nsrs_log_tank console;\n${options.global ?? ''}`;
    sandbox.write('srs.conf', configText({ ...options, global: inFront }));
    const program = sandbox.start(binary, ['-c', 'srs.conf']);
    await program.prints(/RTMP listen at \S+ started/);
    return new Srs(program, listenPort(program.stdout));
  }

  url(stream: string): string {
    return `rtmp://127.0.0.1:${this.port}/live/${stream}`;
  }

  /** Resolves when so many players, since the start, have joined the stream. */
  hasPlayers(stream: string, count = 1): Promise<void> {
    return this.program.prints(`client identified, type=Play, stream_name=${stream},`, count);
  }

  /** Resolves when so many publishers, since the start, have begun the stream. */
  hasPublishers(stream: string, count = 1): Promise<void> {
    return this.program.prints(new RegExp(`type=publish\\(\\w+\\), stream_name=${stream},`), count);
  }

  /** Resolves when so many publishers, since the start, have left. */
  hasUnpublished(count = 1): Promise<void> {
    return this.program.prints('cleanup when unpublish', count);
  }

  /** An orderly stop: players get what is on its way, then the server ends with status 0 and no error in its log. */
  async stop(): Promise<Ended> {
    this.program.kill('SIGTERM');
    const ended = await this.program.succeeds();
    assert.match(ended.stdout, /srs terminated\n$/);
    assert.equal(ended.stderr, '');
    return ended;
  }
}

/** The port in the line that tells of the listener. */
export function listenPort(log: string): number {
  const match = /RTMP listen at \S*[:=](\d+) started success/.exec(log);
  assert.ok(match, `no listener in ${log}`);
  return Number(match[1]);
}

function requiredBinary(): string {
  const path = process.env['SRS_BINARY'];
  assert.ok(path, 'SRS_BINARY has to name the packed program');
  return path;
}
