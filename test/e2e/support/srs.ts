/** Owns a server under test: the packed program in the foreground, on a free port, its log on a pipe. */
import assert from 'node:assert/strict';
import { join } from 'node:path';

import type { Ended, Program } from './program';
import type { Sandbox } from './sandbox';

/** The packed program. */
export const binary = requiredBinary();

/** Where a server listens unless told otherwise: at a free port. */
const ANY_PORT = '127.0.0.1:0';

/** What is put into the configuration of a server. */
export interface SrsOptions {
  /** Where it listens for RTMP, `ip:port`. */
  readonly listen?: string;
  /** The directory below that of the sandbox, which has to exist, that it runs in: several may run at a time. */
  readonly cwd?: string;
  /** Inside `vhost __defaultVhost__`. */
  readonly vhost?: string;
  /** At root level. */
  readonly global?: string;
}

/** A configuration that writes nothing outside the directory that the server is started in. */
export function configText({
  vhost = '',
  global = '',
  listen = ANY_PORT,
}: SrsOptions = {}): string {
  const connections = global.includes('max_connections') ? '' : 'max_connections 1000;';
  return `\nlisten ${listen};\npid srs.pid;\n${connections}\n${global}\nvhost __defaultVhost__ {\n${vhost}\n}\n`;
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
    const { cwd = '.' } = options;
    sandbox.write(join(cwd, 'srs.conf'), configText({ ...options, global: inFront }));
    const program = sandbox.start(binary, ['-c', 'srs.conf'], { cwd });
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
