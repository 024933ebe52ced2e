/** Owns the configuration of tests that reload: the whole of it in parts, each of which can be replaced. */
import { Config } from '../../src/app/config/config';

import type { LivePeer } from './live-peer';
import type { LiveServer } from './live-server';
import { pairFiles } from './tls';

/** What the configuration consists of. */
export interface ReloadParts {
  readonly listen: string;
  readonly cert: 'first' | 'second';
  readonly root: string;
  readonly http: string;
  readonly remux: string;
  readonly vhost: string;
  readonly vhosts: string;
}

const base: ReloadParts = {
  listen: 'listen 127.0.0.1:0;',
  cert: 'first',
  root: '',
  http: 'dir /nonexistent;',
  remux: 'enabled on;',
  vhost: 'mw_latency 0;',
  vhosts: '',
};

/** The configuration with these parts; players are written to at once. */
export function reloadConfig(parts: Partial<ReloadParts> = {}): string {
  const { listen, cert: name, root, http, remux, vhost, vhosts } = { ...base, ...parts };
  const { cert, key } = pairFiles(name);
  return `
    ${listen}
    rtmps_listen 127.0.0.1:0; rtmps_cert ${cert}; rtmps_key ${key};
    http_server { enabled on; listen 127.0.0.1:0; ${http}
      https { enabled on; listen 127.0.0.1:0; cert ${cert}; key ${key}; } }
    ${root}
    vhost __defaultVhost__ { http_remux { ${remux} } ${vhost} }
    ${vhosts}`;
}

/** Puts another one in force; see `Server.reload`. */
export function reload(
  live: LiveServer,
  parts: Partial<ReloadParts> = {},
): Promise<readonly string[]> {
  return live.server.reload(Config.parse(reloadConfig(parts), 'test.conf'));
}

/** A client of another vhost than the default one. */
export function clientOf(live: LiveServer, vhost: string): Promise<LivePeer> {
  return live.client({ tcUrl: `rtmp://${vhost}/live` });
}
