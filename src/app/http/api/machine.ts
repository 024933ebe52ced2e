/** Owns the endpoints that show process and machine. */
import type { ApiParts } from './api-parts';
import type { Endpoint } from './endpoint';

/** Summaries, and the readings they are made of. */
export function machineEndpoints(
  parts: Pick<ApiParts, 'machine' | 'statistics' | 'connections'>,
): readonly Endpoint[] {
  const { machine } = parts;
  const show = (name: string, about: string, dataOf: () => object): Endpoint => ({
    path: `/api/v1/${name}`,
    about,
    lasts: 'briefly',
    read: () => ({ fields: { data: dataOf() } }),
  });
  return [
    show('summaries', 'the summary(pid, argv, pwd, cpu, mem) of SRS', () => {
      const { sendBytes: sentBytes, recvBytes: receivedBytes } = parts.statistics.server();
      return machine.summaries({ sentBytes, receivedBytes, connections: parts.connections() });
    }),
    show('rusages', 'the rusage of SRS', () => machine.rusage()),
    show('self_proc_stats', 'the self process stats', () => machine.selfProcStat()),
    show('system_proc_stats', 'the system process stats', () => machine.systemProcStat()),
    show('meminfos', 'the meminfo of system', () => machine.meminfo()),
  ];
}
