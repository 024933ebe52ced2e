/** Owns what the extension of a file says about it: its media type, and for how long a cache may keep it. */
import { extname } from 'node:path';

const OTHER = 'application/octet-stream';

const types = new Map<string, string>([
  ['.ts', 'video/mp2t'],
  ['.m4s', 'video/iso.segment'],
  ['.mp4', 'video/mp4'],
  ['.m4v', 'video/x-m4v'],
  ['.flv', 'video/x-flv'],
  ['.fhv', 'video/x-flv'],
  ['.3gp', 'video/3gpp'],
  ['.3gpp', 'video/3gpp'],
  ['.webm', 'video/webm'],
  ['.mkv', 'video/x-matroska'],
  ['.mov', 'video/quicktime'],
  ['.m4a', 'audio/x-m4a'],
  ['.aac', 'audio/x-aac'],
  ['.mp3', 'audio/mpeg'],
  ['.ogg', 'audio/ogg'],
  ['.opus', 'audio/ogg'],
  ['.flac', 'audio/flac'],
  ['.wav', 'audio/wav'],
  ['.m3u8', 'application/vnd.apple.mpegurl'],
  ['.m3u', 'application/vnd.apple.mpegurl'],
  ['.mpd', 'application/dash+xml'],
  ['.vtt', 'text/vtt; charset=utf-8'],
  ['.f4m', 'application/f4m+xml'],
  ['.key', OTHER],
  ['.html', 'text/html; charset=utf-8'],
  ['.htm', 'text/html; charset=utf-8'],
  ['.css', 'text/css; charset=utf-8'],
  ['.js', 'text/javascript; charset=utf-8'],
  ['.mjs', 'text/javascript; charset=utf-8'],
  ['.xml', 'text/xml; charset=utf-8'],
  ['.txt', 'text/plain; charset=utf-8'],
  ['.json', 'application/json'],
  ['.map', 'application/json'],
  ['.webmanifest', 'application/manifest+json'],
  ['.rss', 'application/rss+xml'],
  ['.wasm', 'application/wasm'],
  ['.pdf', 'application/pdf'],
  ['.swf', 'application/x-shockwave-flash'],
  ['.doc', 'application/msword'],
  ['.zip', 'application/zip'],
  ['.rar', 'application/x-rar-compressed'],
  ['.ico', 'image/x-icon'],
  ['.png', 'image/png'],
  ['.jpg', 'image/jpeg'],
  ['.jpeg', 'image/jpeg'],
  ['.gif', 'image/gif'],
  ['.webp', 'image/webp'],
  ['.avif', 'image/avif'],
  ['.svg', 'image/svg+xml'],
  ['.woff', 'font/woff'],
  ['.woff2', 'font/woff2'],
  ['.ttf', 'font/ttf'],
]);

/**
 * Playlists change all the time and are asked for again each time. A segment never changes, but a stream that is
 * published again may use its name again: it is kept while it can be in a playlist, not longer.
 */
const cacheControls = new Map<string, string>([
  ['.m3u8', 'no-cache'],
  ['.mpd', 'no-cache'],
  ['.ts', 'public, max-age=60'],
  ['.m4s', 'public, max-age=60'],
  ['.mp4', 'public, max-age=10'],
]);

/** The media type of a file, by its extension in upper or lower case. */
export function mediaTypeOf(path: string): string {
  return types.get(extensionOf(path)) ?? OTHER;
}

/** The Cache-Control of a file; undefined leaves it to the client, who has validators. */
export function cacheControlOf(path: string): string | undefined {
  return cacheControls.get(extensionOf(path));
}

/** What a Cache-Control becomes when only the client itself may keep what it gets. */
export function privateCacheControl(value: string | undefined): string {
  if (value === undefined) return 'private';
  return /\bpublic\b/.test(value) ? value.replace(/\bpublic\b/, 'private') : `private, ${value}`;
}

/** The extension with its dot, in lower case; '' without one. */
export function extensionOf(path: string): string {
  return extname(path).toLowerCase();
}
