/** Owns the sending of a file's bytes as the body of an answer, never more of them on the way than a piece. */
import type { FileHandle } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';

import { ErrorCode, SrsError } from '../../core/errors';

import type { ByteRange } from './byte-range';

const PIECE_BYTES = 64 * 1024;

/**
 * Sends the bytes of the range as fast as the client takes them, and ends the answer. Returns early when the client
 * is gone.
 *
 * @throws SrsError SYSTEM_FILE_EOF (1046) when the file has become shorter than it was; the answer is not complete
 */
export async function sendBytes(
  response: ServerResponse,
  source: FileHandle | Buffer,
  { start, end }: ByteRange,
): Promise<void> {
  if (Buffer.isBuffer(source)) {
    // Shared by all who get it: however slowly it is taken, it costs this one nothing.
    response.end(source.subarray(start, end));
    return;
  }
  const piece = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, end - start));
  for (let at = start; at < end && !isGone(response);) {
    const size = Math.min(PIECE_BYTES, end - at);
    const bytes = await readPiece(source, piece.subarray(0, size), at);
    if (bytes.length === 0) {
      throw new SrsError(
        ErrorCode.SYSTEM_FILE_EOF,
        `expect a file of at least ${end} bytes while it is sent, it has become ${at}`,
      );
    }
    at += bytes.length;
    await sendPiece(response, bytes);
  }
  if (!isGone(response)) response.end();
}

/** Writes a piece; resolves when its bytes are not needed any more, because they are sent or the client is gone. */
export async function sendPiece(response: ServerResponse, piece: Buffer): Promise<void> {
  if (isGone(response)) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      response.off('close', done);
      resolve();
    };
    response.on('close', done);
    response.write(piece, done);
  });
}

async function readPiece(file: FileHandle, piece: Buffer, at: number): Promise<Buffer> {
  const { bytesRead } = await file.read(piece, 0, piece.length, at);
  return piece.subarray(0, bytesRead);
}

/** Nobody takes the answer any more. */
function isGone(response: ServerResponse): boolean {
  return response.destroyed || response.closed;
}
