/** Owns the URLs at which the streams that the server makes by itself can be played. */
import { parseRtmpUrl } from '../rtmp/request';

import type { Config } from './config/config';
import { BUILTIN_FFMPEG } from './config/sections/transcode';

/** Where the streams of the built-in ingesters can be played; `httpPort` 0 = not over HTTP. */
export function ingestedUrls(config: Config, rtmpPort: number, httpPort: number): string[] {
  const urls: string[] = [];
  for (const vhost of config.vhosts.filter(({ enabled }) => enabled)) {
    const ingests = vhost.ingest.filter(
      ({ enabled, ffmpeg }) => enabled && ffmpeg === BUILTIN_FFMPEG,
    );
    for (const { output } of ingests.flatMap(({ engines }) => engines)) {
      const url = output.replaceAll('[vhost]', vhost.name).replaceAll('[port]', `${rtmpPort}`);
      urls.push(...playUrls(config, url, httpPort));
    }
  }
  return urls;
}

/** The urls for players, who need the vhost only where the host does not lead to it; none without sense. */
function playUrls(config: Config, output: string, httpPort: number): string[] {
  try {
    const { host, port, vhost: name, app, stream } = parseRtmpUrl(output);
    const vhost = config.findVhost(name);
    const isReached = config.findVhost(host)?.name === vhost?.name;
    const query = isReached ? '' : `?vhost=${name}`;
    const urls = [`rtmp://${host}:${port}/${app}${query}/${stream}`];
    if (httpPort === 0 || !vhost) return urls;
    const http = `http://${host}:${httpPort}/${app}/${stream}`;
    if (vhost.httpRemux.enabled) urls.push(`${http}.flv${query}`);
    if (vhost.hls.enabled && vhost.hls.storage !== 'disk') urls.push(`${http}.m3u8${query}`);
    return urls;
  } catch {
    // The ingester has said what is wrong with it.
    return [];
  }
}
