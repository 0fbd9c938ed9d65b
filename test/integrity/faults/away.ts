import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import type { InstanceName } from '@realchat/stack';
import type { Field } from './field.ts';
import { askValkey } from './valkey.ts';

const ANSWERS_WITHIN_MS = 1_000;

/** Whether a process answers who comes anew and asks how it is; one that is stopped, frozen or without handles does not. */
export async function answers({ mesh }: Field, name: InstanceName): Promise<boolean> {
  const url = `http://${mesh.stack.environment(name)['OPS_LISTEN']}/healthz`;
  // A connection of its own: one that is open already would need no handle.
  const request = get(url, { agent: false, signal: AbortSignal.timeout(ANSWERS_WITHIN_MS) });
  try {
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    response.resume();
    return true;
  } catch {
    return false;
  }
}

/** Whether Redis answers a PING. */
export async function valkeyAnswers({ mesh }: Field): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), ANSWERS_WITHIN_MS);
  const asked = askValkey(mesh.stack, ['PING']).then(
    ([answer]) => answer === 'PONG',
    () => false,
  );
  return Promise.race([asked, late.promise]).finally(() => clearTimeout(timer));
}
