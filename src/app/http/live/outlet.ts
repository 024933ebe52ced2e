/** Owns what a player of any transport is to those who feed it: bytes with back-pressure, and an end. */

/** Who feeds an outlet. */
export interface OutletHandler {
  /** It can take more. */
  onDrain(): void;
  /** Once, whoever closed it: 0 in good order, else an errno. */
  onClose(errno: number): void;
}

/** One connection on which a live stream goes out. After its close every call does nothing. */
export interface Outlet {
  handler: OutletHandler | undefined;
  /** The connection was taken out of HTTP: the server does not count it any more. */
  readonly isTaken: boolean;
  /** Whether it should be given more now; `onDrain` follows when it can take more, or it is asked again. */
  readonly isReady: boolean;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Sends bytes, which must not change afterwards; returns {@link isReady}. */
  write(bytes: Buffer): boolean;
  /** Sends small packets at once, or not; absent where that is not ours to say. */
  setNoDelay?(isOn: boolean): void;
  /** Closes in good order: what was written is sent. */
  end(): void;
  /** The same, but just closes when the client does not take it within `timeoutMs`; `reason` is told where it can be. */
  endWithin(timeoutMs: number, reason: string): void;
  /** Closes now. */
  destroy(): void;
}

/** A client that takes nothing of what waits for so long is closed. */
export const SEND_TIMEOUT_MS = 30_000;
/** The same of one that is closed against its will. */
export const KICK_TIMEOUT_MS = 3000;
/** A client has no reason to say more than this while it plays. */
export const MAX_RECEIVED_BYTES = 1024 * 1024;
