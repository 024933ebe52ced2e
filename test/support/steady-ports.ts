/** Owns the choice of ports for servers that come and go, and what the kernel tells of ports. */
import fs from 'node:fs';
import { createServer } from 'node:net';

/** Below the range of which the kernel takes the ports of those who connect. */
const LOWEST = 20_000;
const HIGHEST = 32_000;
/** 127.0.0.1 in the tables of the kernel, on machines whose bytes are little endian. */
const LOOPBACK = '0100007F';

/**
 * A port, free at all these addresses, that nobody is given who only connects: a server that is started again gets it
 * again, and who keeps on connecting to it meanwhile does not reach itself.
 */
export async function steadyPort(...hosts: string[]): Promise<number> {
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    const free = await Promise.all(hosts.map((host) => isFree(host, port)));
    if (!free.includes(false)) return port;
  }
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const holder = createServer();
    holder.once('error', () => {
      resolve(false);
    });
    holder.listen(port, host, () => {
      holder.close(() => {
        resolve(true);
      });
    });
  });
}

/** Whether somebody listens at a port of 127.0.0.1, as the kernel tells it: nobody is connected to. */
export function isListening(port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const listening = new RegExp(`^ *\\d+: ${LOOPBACK}:${hex} \\w+:0000 0A `, 'm');
  return listening.test(fs.readFileSync('/proc/net/tcp', 'utf8'));
}
