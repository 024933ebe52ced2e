/** Owns the players of other projects that write what they get into a file, and the publishers that read one. */
import type { Program } from './program';
import type { Sandbox } from './sandbox';
import type { Srs } from './srs';

/** Command lines of the recorders; all write FLV and end with the connection. */
const RECORDERS = {
  ffmpeg: (url: string, file: string) => ['ffmpeg', '-v', 'error', '-i', url, '-c', 'copy', file],
  rtmpdump: (url: string, file: string) => ['rtmpdump', '-q', '-v', '-r', url, '-o', file],
  gstreamer: (url: string, file: string) => [
    ...['gst-launch-1.0', '-q', 'rtmp2src', `location=${url}`],
    ...['!', 'filesink', `location=${file}`],
  ],
} as const;

/** A recorder there is. */
export type RecorderName = keyof typeof RECORDERS;
export const recorderNames = Object.keys(RECORDERS) as RecorderName[];

/**
 * What a recorder must have of what was sent: all. rtmp2src of gstreamer drops the one message that it has not handed
 * on when the end of the stream comes.
 */
export function due(recorder: RecorderName, sent: readonly string[], received: number): string[] {
  const isShort = recorder === 'gstreamer' && received === sent.length - 1;
  return sent.slice(0, isShort ? -1 : undefined);
}

/** Starts a recorder. */
export function record(
  sandbox: Sandbox,
  recorder: RecorderName,
  url: string,
  file: string,
): Program {
  const [command = '', ...args] = RECORDERS[recorder](url, sandbox.path(file));
  return sandbox.start(command, args);
}

/** Publishes a file in real time by ffmpeg, to its end unless killed. */
export function publish(sandbox: Sandbox, path: string, url: string): Program {
  const input = ['-v', 'error', '-re', '-i', path];
  return sandbox.start('ffmpeg', [...input, '-c', 'copy', '-f', 'flv', url]);
}

/** Publishes a file in real time by ffmpeg, again and again until it is killed or the server is gone. */
export function publishEndlessly(sandbox: Sandbox, path: string, url: string): Program {
  const input = ['-v', 'error', '-re', '-stream_loop', '-1', '-i', path];
  return sandbox.start('ffmpeg', [...input, '-c', 'copy', '-f', 'flv', url]);
}

/** Starts several recorders of one stream, `<stream>.<recorder>.flv`, and waits until the server has them all. */
export async function recordAll(
  sandbox: Sandbox,
  server: Srs,
  stream: string,
  recorders: readonly RecorderName[] = recorderNames,
): Promise<Program[]> {
  const programs = recorders.map((name) =>
    record(sandbox, name, server.url(stream), `${stream}.${name}.flv`),
  );
  await server.hasPlayers(stream, recorders.length);
  return programs;
}
