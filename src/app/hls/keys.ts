/** Owns the encryption of segments: AES-128 in CBC mode over whole segments (RFC 8216 4.3.2.4, 5.2). */
import { createCipheriv, randomBytes } from 'node:crypto';

import type { SegmentFile, SegmentKey } from './segment';

const CIPHER = 'aes-128-cbc';
const KEY_BYTES = 16;
const IV_BYTES = 16;

/** Hands out keys; each serves so many segments. What they are never reaches the log. */
export class SegmentKeys {
  readonly #fragmentsPerKey: number;
  #bytes: Buffer = Buffer.alloc(0);
  #file: SegmentFile | undefined;
  #uses = 0;

  constructor(fragmentsPerKey: number) {
    this.#fragmentsPerKey = fragmentsPerKey;
  }

  /** The key of the next segment; `nameKey` says where a new one is kept. */
  next(nameKey: () => SegmentFile): SegmentKey {
    if (this.#file === undefined || this.#uses >= this.#fragmentsPerKey) {
      this.#bytes = randomBytes(KEY_BYTES);
      this.#file = nameKey();
      this.#uses = 0;
    }
    this.#uses++;
    return { bytes: this.#bytes, iv: randomBytes(IV_BYTES), file: this.#file };
  }
}

/** Encrypts one segment as it is made. */
export class SegmentCipher {
  readonly #cipher: ReturnType<typeof createCipheriv>;
  readonly #write: (bytes: Buffer) => void;

  constructor({ bytes, iv }: SegmentKey, write: (bytes: Buffer) => void) {
    this.#cipher = createCipheriv(CIPHER, bytes, iv);
    this.#write = write;
  }

  update(bytes: Buffer): void {
    const encrypted = this.#cipher.update(bytes);
    if (encrypted.length > 0) this.#write(encrypted);
  }

  /** Writes the last block with its padding. */
  end(): void {
    this.#write(this.#cipher.final());
  }
}
