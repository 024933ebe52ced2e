/** Owns nginx with its RTMP module: an origin, a destination of what is copied, or a relay, at a port of its own. */
import { steadyPort } from '../../support/steady-ports';

import type { Program } from './program';
import type { Sandbox } from './sandbox';

/** A running nginx. */
export interface Nginx {
  readonly port: number;
  readonly program: Program;
  url(stream: string): string;
}

/** Starts nginx with the application `live`, whose further options these are. */
export async function startNginx(sandbox: Sandbox, options = ''): Promise<Nginx> {
  const port = await steadyPort('127.0.0.1');
  sandbox.write('nginx.conf', configText(port, options));
  const program = sandbox.start('nginx', ['-p', sandbox.directory, '-c', 'nginx.conf']);
  await program.prints('start worker process ');
  return { port, program, url: (stream) => `rtmp://127.0.0.1:${port}/live/${stream}` };
}

function configText(port: number, options: string): string {
  return `
load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
daemon off;
pid nginx.pid;
error_log stderr notice;
events { worker_connections 64; }
rtmp {
  access_log off;
  server {
    listen 127.0.0.1:${port};
    application live {
      live on;
      ${options}
    }
  }
}
`;
}
