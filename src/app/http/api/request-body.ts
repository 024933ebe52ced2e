/** Owns the reading of what a request brings: one JSON object, bounded in size and time. */
import { ErrorCode, SrsError } from '../../../core/errors';
import type { HttpExchange } from '../exchange';

/** Largest body. */
const MAX_BYTES = 16_384;
/** Longest time from the head of the request to the end of its body. */
const TIMEOUT_MS = 10_000;

/** The fields of a body. */
export type JsonFields = Readonly<Record<string, unknown>>;

/**
 * The JSON object of a request. Rejects with SrsError REQUEST_DATA (3065) when the body is no such thing, too long or
 * too slow, or ends early.
 */
export async function readJsonObject(exchange: HttpExchange): Promise<JsonFields> {
  const text = await readText(exchange);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw bad('expect a body of JSON', cause);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw bad(`expect a JSON object, got ${Array.isArray(value) ? 'an array' : typeof value}`);
}

/**
 * The text of a field; undefined when it is not there.
 *
 * @throws SrsError REQUEST_DATA (3065) when it is no text, or longer than `maxLength`
 */
export function textField(fields: JsonFields, name: string, maxLength: number): string | undefined {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw bad(`expect ${name} to be a text, got ${typeof value}`);
  if (value.length <= maxLength) return value;
  throw bad(`expect ${name} to have at most ${maxLength} characters, got ${value.length}`);
}

function readText({ request }: HttpExchange): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const end = (error?: SrsError): void => {
      clearTimeout(timer);
      request.off('data', onData).off('end', onEnd).off('close', onClose);
      // What still comes is thrown away by the connection.
      request.resume();
      if (error) reject(error);
      else resolve(Buffer.concat(chunks).toString('utf8'));
    };
    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes > MAX_BYTES) end(bad(`expect a body of at most ${MAX_BYTES} bytes`));
    };
    const onEnd = (): void => {
      end();
    };
    const onClose = (): void => {
      end(bad('the body ended early'));
    };
    const timer = setTimeout(() => {
      end(bad(`expect the whole body within ${TIMEOUT_MS} ms`));
    }, TIMEOUT_MS);
    request.on('data', onData).on('end', onEnd).on('close', onClose);
  });
}

function bad(message: string, cause?: unknown): SrsError {
  return new SrsError(ErrorCode.REQUEST_DATA, message, { cause });
}
