/** Owns what the words of an origin mean for a client of the edge. */
import { deniedStatus } from '../access/access';
import type { AccessAction, Refusal } from '../access/access';
import type { UpstreamError } from '../upstream/upstream-error';

/** A server that is going to stop says so to everybody. */
const SHUTDOWN = 'NetConnection.Connect.AppShutdown';
/** Which status codes are about an action; others are no answer to it. */
const ABOUT: Readonly<Record<AccessAction, string>> = {
  connect: 'NetConnection.Connect.',
  publish: 'NetStream.Publish.',
  play: 'NetStream.Play.',
};

/** Whether the origin decided against what was asked; else it was not reached, was lost, or is going to stop. */
export function isVerdict(error: UpstreamError): boolean {
  return error.isRefusal && error.status !== SHUTDOWN;
}

/** The refusal of a client, in the words of the origin where it has said any. */
export function refusalBy(error: UpstreamError, action: AccessAction): Refusal {
  const { code, message, status = '', description = '' } = error;
  const hasWords = isVerdict(error);
  return {
    code,
    status: hasWords && status.startsWith(ABOUT[action]) ? status : deniedStatus[action],
    description: hasWords && description !== '' ? description : message,
  };
}
