// Origins, edges, and between each two of them a link that can fail. An edge finds the origins by the same names as
// the others, so that all prefer the same one for a stream; what the names stand for are its own links.
import { DnsServer } from '../../test/support/dns-server';
import { FaultProxy } from '../../test/support/fault-proxy';
import { steadyPort } from '../../test/support/steady-ports';

import { ChaosMember } from './member';

const ORIGINS = 2;

/** What a cluster consists of. */
export interface ClusterPlan {
  readonly edges: number;
  /** The program under test. */
  readonly binary: string;
  /** Where configurations and logs go. */
  readonly directory: string;
  /** Further options of the vhost of each edge. */
  readonly edgeOptions?: string;
}

/** What one edge reaches one origin by. */
export interface ChaosLink {
  readonly edge: number;
  readonly origin: number;
  readonly proxy: FaultProxy;
}

/** A running cluster. */
export class ChaosCluster {
  readonly origins: ChaosMember[] = [];
  readonly edges: ChaosMember[] = [];
  readonly links: ChaosLink[] = [];
  readonly #nameServers: DnsServer[] = [];

  static async start(plan: ClusterPlan): Promise<ChaosCluster> {
    const cluster = new ChaosCluster();
    for (let index = 0; index < ORIGINS; index++) {
      const name = `origin${index + 1}`;
      const port = await steadyPort('127.0.0.1', ...edgeAddresses(plan.edges));
      const options = 'vhost __defaultVhost__ {\n}\n';
      cluster.origins.push(new ChaosMember(plan.binary, plan.directory, name, port, options));
    }
    for (let index = 0; index < plan.edges; index++) await cluster.#addEdge(plan, index);
    await Promise.all(cluster.members.map((member) => member.start()));
    return cluster;
  }

  get members(): readonly ChaosMember[] {
    return [...this.origins, ...this.edges];
  }

  /** Stops all servers in good order, then the rest; says what was wrong with it. */
  async stop(): Promise<string[]> {
    const wrong: string[] = [];
    for (const member of [...this.edges, ...this.origins]) {
      const problem = await member.stop();
      if (problem !== undefined) wrong.push(`${member.name}: ${problem}`);
    }
    await Promise.all(this.links.map(({ proxy }) => proxy.close()));
    await Promise.all(this.#nameServers.map((server) => server.close()));
    return wrong;
  }

  async #addEdge(plan: ClusterPlan, index: number): Promise<void> {
    const dns = await DnsServer.start();
    this.#nameServers.push(dns);
    const host = edgeAddresses(plan.edges)[index] ?? '';
    for (const [origin, { name, port }] of this.origins.entries()) {
      dns.setAddresses(`${name}.test`, host);
      const proxy = await FaultProxy.start({ host: '127.0.0.1', port }, { host, port });
      this.links.push({ edge: index, origin, proxy });
    }
    const servers = this.origins.map(({ name, port }) => `${name}.test:${port}`).join(' ');
    const more = plan.edgeOptions ?? '';
    const vhost = `vhost __defaultVhost__ {\nmode remote;\norigin ${servers};\n${more}\n}\n`;
    const options = `resolver ${dns.address};\n${vhost}`;
    const port = await steadyPort('127.0.0.1');
    const name = `edge${index + 1}`;
    this.edges.push(new ChaosMember(plan.binary, plan.directory, name, port, options));
  }
}

/** Addresses of loopback at which the links of each edge begin. */
function edgeAddresses(edges: number): string[] {
  return Array.from({ length: edges }, (_, index) => `127.0.1.${index + 1}`);
}
