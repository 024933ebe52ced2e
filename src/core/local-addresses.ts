/** Owns the question which addresses this machine has. */
import { networkInterfaces } from 'node:os';

/** Addresses of each network interface that is up. */
export type Interfaces = ReturnType<typeof networkInterfaces>;

/** IPv4 addresses other than loopback, in the order in which the system lists them. */
export function localIpv4Addresses(interfaces: Interfaces = networkInterfaces()): string[] {
  return Object.values(interfaces).flatMap((addresses = []) =>
    addresses
      .filter(({ family, internal }) => family === 'IPv4' && !internal)
      .map(({ address }) => address),
  );
}
