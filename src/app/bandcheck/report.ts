/** Owns how a bandwidth check is told: in words, and as JSON for programs. */
import { describeError } from '../../core/errors';
import { redact } from '../../core/redact';
import type { ConnectInfo } from '../../rtmp/packets/connect';

import type { CheckReport } from './check';
import type { BandwidthResult } from './client';

/** Characters by which a server could do things to a terminal. */
// eslint-disable-next-line no-control-regex -- these it is about
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;

const nobody: ConnectInfo = {
  server: '',
  version: '',
  primary: '',
  authors: '',
  serverIp: '',
  pid: 0,
  contextId: 0,
};

const nothing: BandwidthResult = {
  durationMs: 0,
  playKbps: 0,
  publishKbps: 0,
  playBytes: 0,
  publishBytes: 0,
  playMs: 0,
  publishMs: 0,
};

/** The summary for people, in lines. */
export function summaryOf(url: string, { server, result, error }: CheckReport): string {
  const lines = [`bandwidth check of ${redact(url)}`];
  if (server !== undefined) {
    const { version, serverIp, pid, contextId } = server;
    const name = server.server === '' ? 'unknown' : server.server;
    lines.push(
      `server:   ${name}, version=${version}, ip=${serverIp}, pid=${pid}, id=${contextId}`,
    );
  }
  if (result !== undefined) {
    const { playKbps, playBytes, playMs, publishKbps, publishBytes, publishMs } = result;
    lines.push(
      `download: ${playKbps} kbps, ${playBytes} bytes in ${playMs} ms`,
      `upload:   ${publishKbps} kbps, ${publishBytes} bytes in ${publishMs} ms`,
      `duration: ${result.durationMs} ms`,
    );
  }
  if (error !== undefined) lines.push(`failed:   ${redact(describeError(error))}`);
  return lines.map((line) => `${line.replace(CONTROL, '?')}\n`).join('');
}

/** The fields of SRS's own tool, in its order; all but `code` mean nothing when that is not 0. */
export function jsonOf({ server = nobody, result = nothing, error }: CheckReport): string {
  return JSON.stringify({
    code: error?.code ?? 0,
    srs_server: server.server,
    srs_primary: server.primary,
    srs_authors: server.authors,
    srs_server_ip: server.serverIp,
    srs_version: server.version,
    srs_pid: server.pid,
    srs_id: server.contextId,
    duration: result.durationMs,
    play_duration: result.playMs,
    publish_duration: result.publishMs,
    play_kbps: result.playKbps,
    publish_kbps: result.publishKbps,
  });
}
