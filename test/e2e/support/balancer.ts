/** Owns nginx as it stands in front of two servers: the second is asked when the first has not got it. */
import { steadyPort } from '../../support/steady-ports';

import type { Sandbox } from './sandbox';

const LOG = 'access.log';

/** A running nginx. */
export class Balancer {
  readonly #sandbox: Sandbox;
  readonly #port: number;

  private constructor(sandbox: Sandbox, port: number) {
    this.#sandbox = sandbox;
    this.#port = port;
  }

  /** Starts nginx in front of these HTTP ports. */
  static async start(sandbox: Sandbox, first: number, backup: number): Promise<Balancer> {
    const port = await steadyPort('127.0.0.1');
    sandbox.write('balancer.conf', configText(port, first, backup));
    sandbox.write(LOG, '');
    const program = sandbox.start('nginx', ['-p', sandbox.directory, '-c', 'balancer.conf']);
    await program.prints('start worker process ');
    return new Balancer(sandbox, port);
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.#port}${path}`;
  }

  /** Resolves when so many more requests for such a path were answered by a port, after others or not. */
  async answers(path: RegExp, port: number, count: number): Promise<void> {
    const answered = (): number =>
      this.#sandbox
        .read(LOG)
        .split('\n')
        .filter((line) => path.test(line) && line.endsWith(`:${port}`)).length;
    const before = answered();
    const what = `${count} x ${path.source} from ${port}`;
    await this.#sandbox.until(what, () => answered() >= before + count);
  }
}

function configText(port: number, first: number, backup: number): string {
  return `
daemon off;
pid balancer.pid;
error_log stderr notice;
events { worker_connections 256; }
http {
  log_format asked '$uri $upstream_addr';
  access_log access.log asked;
  client_body_temp_path body;
  proxy_temp_path proxied;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  upstream origin {
    server 127.0.0.1:${first} max_fails=1 fail_timeout=1s;
    server 127.0.0.1:${backup} backup;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_connect_timeout 1s;
      proxy_next_upstream error timeout http_404 http_502 http_503;
      add_header X-Server $upstream_addr always;
    }
  }
}
`;
}
