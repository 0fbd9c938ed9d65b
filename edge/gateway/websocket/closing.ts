import { closeCodes } from '@realchat/framing';

export type Close = (typeof closeCodes)[keyof typeof closeCodes];

/** The most that a close frame can say. */
const MAX_REASON_BYTES = 123;

/** A reason that fits into a close frame. Reasons of ours are ASCII. */
export function reasonText(reason: string): string {
  return reason.slice(0, MAX_REASON_BYTES);
}

/** How `ws` has closed a socket whose peer broke the WebSocket protocol itself. */
export function closeOfError(error: Error): Close {
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') return closeCodes.tooLarge;
  if (code === 'WS_ERR_INVALID_UTF8') return closeCodes.invalidPayload;
  return code.startsWith('WS_ERR_') ? closeCodes.webSocketProtocol : closeCodes.abnormal;
}
