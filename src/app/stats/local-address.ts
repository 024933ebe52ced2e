/** Owns the choice of the one address by which this machine is reported. */
import { localIpv4Addresses } from '../../core/local-addresses';

const LOOPBACK = '127.0.0.1';

/**
 * The address `stats { network N; }` means: the Nth IPv4 address that is not loopback, counted from 0 and round again
 * when there are fewer; 127.0.0.1 on a machine without any.
 */
export function localAddress(
  network: number,
  addresses: readonly string[] = localIpv4Addresses(),
): string {
  return addresses[network % Math.max(1, addresses.length)] ?? LOOPBACK;
}
