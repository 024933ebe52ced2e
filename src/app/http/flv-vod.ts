/** Owns pseudo streaming of FLV files: a player seeks by asking for the file from a byte on. */
import { describeError, ErrorCode, SrsError } from '../../core/errors';
import { redact } from '../../core/redact';

import { sendText } from './exchange';
import type { HttpExchange } from './exchange';
import { fileHeaders } from './file-answer';
import { sendBytes, sendPiece } from './file-body';
import { FileWindow } from './file-window';
import { findFlvStart, readFlvHeaders } from './flv-seek';
import type { RootedFile } from './rooted-file';

/**
 * Answers `?start=N`: file header and sequence headers, then the file from the key frame at or before byte N on. 416
 * when nothing follows there, 404 when it is no FLV file.
 *
 * @throws what reading the file throws
 */
export async function sendFlvFrom(
  exchange: HttpExchange,
  { path, handle, stats }: RootedFile,
  wanted: number,
): Promise<void> {
  const { method, response } = exchange;
  const start = await locate(exchange, new FileWindow(handle, stats.size), wanted);
  if (start === undefined) return;
  const { head, from } = start;
  response.writeHead(200, {
    ...fileHeaders(path),
    'Accept-Ranges': 'none',
    'Content-Length': head.length + stats.size - from,
  });
  if (method === 'HEAD') {
    response.end();
    return;
  }
  await sendPiece(response, head);
  await sendBytes(response, handle, { start: from, end: stats.size });
}

interface FlvStart {
  readonly head: Buffer;
  readonly from: number;
}

/** What is sent first, and from where on the file is; undefined when the request has been refused. */
async function locate(
  exchange: HttpExchange,
  file: FileWindow,
  wanted: number,
): Promise<FlvStart | undefined> {
  try {
    if (!(wanted < file.size)) throw overflow(`start below ${file.size}`, wanted);
    const headers = await readFlvHeaders(file);
    if (wanted < headers.end) return { head: Buffer.alloc(0), from: 0 };
    const from = await findFlvStart(file, Math.floor(wanted), headers);
    if (from === undefined) throw overflow('a tag at or after start', wanted);
    return from < headers.end ? { head: Buffer.alloc(0), from: 0 } : { head: headers.bytes, from };
  } catch (error) {
    if (!(error instanceof SrsError)) throw error;
    const isOverflow = error.code === ErrorCode.HTTP_FLV_OFFSET_OVERFLOW;
    exchange.log.warn(`HTTP flv ${redact(exchange.path)} refused, ${describeError(error)}`);
    sendText(exchange, isOverflow ? 416 : 404);
    return undefined;
  }
}

function overflow(expected: string, wanted: number): SrsError {
  const code = ErrorCode.HTTP_FLV_OFFSET_OVERFLOW;
  return new SrsError(code, `expect ${expected}, got ${wanted}`);
}
