/** Owns the containers in which a live stream can be had over HTTP, and what answers with them say. */

/** Named as the extensions of paths are. */
export type Container = 'flv' | 'ts' | 'aac' | 'mp3';

/** Content-Type by container. */
export const contentTypes: Readonly<Record<Container, string>> = {
  flv: 'video/x-flv',
  ts: 'video/MP2T',
  aac: 'audio/x-aac',
  mp3: 'audio/mpeg',
};

/** How the log names a player of a container. */
export const containerNames: Readonly<Record<Container, string>> = {
  flv: 'HTTP-FLV',
  ts: 'HTTP-TS',
  aac: 'HTTP-AAC',
  mp3: 'HTTP-MP3',
};

/** A path taken apart at its extension; undefined when that is none of a container. */
export function splitExtension(path: string): { stem: string; container: Container } | undefined {
  const dot = path.lastIndexOf('.');
  const container = path.slice(dot + 1);
  return isContainer(container) ? { stem: path.slice(0, Math.max(dot, 0)), container } : undefined;
}

function isContainer(text: string): text is Container {
  return Object.hasOwn(contentTypes, text);
}
