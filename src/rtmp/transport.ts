/** Owns the little that the protocol needs of a socket; net's Socket fits it structurally. */

/** An ordered, reliable byte channel to one peer. No call throws once the channel is closed: it does nothing. */
export interface Transport {
  /** Sends the bytes after all earlier ones. They are copied before the call returns: the caller may reuse them. */
  write(data: Uint8Array): void;
  /** Closes once everything written has been sent. */
  end(): void;
  /** Closes now; unsent bytes are lost. */
  destroy(): void;
  /** Bytes received from the peer since the start. */
  readonly bytesReceived: number;
  /** Bytes sent to the peer since the start. */
  readonly bytesSent: number;
}
