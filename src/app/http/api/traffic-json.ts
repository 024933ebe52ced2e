/** Owns the fields that vhosts, streams and clients share: bytes and rates. */
import type { Traffic } from '../../stats/stat-types';

/** Bytes so far, and kilobits per second of the last 30 seconds. */
export interface TrafficJson {
  readonly send_bytes: number;
  readonly recv_bytes: number;
  readonly kbps: { readonly recv_30s: number; readonly send_30s: number };
}

/** The fields of a traffic, as whole numbers. */
export function trafficJson({ sendBytes, recvBytes, kbps }: Traffic): TrafficJson {
  return {
    send_bytes: sendBytes,
    recv_bytes: recvBytes,
    kbps: { recv_30s: Math.round(kbps.recv30s), send_30s: Math.round(kbps.send30s) },
  };
}
