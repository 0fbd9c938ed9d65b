import type { Pool } from '@realchat/db';
import { auditConversation, conversationsAfter } from './db/audit-conversation.ts';

const USAGE = `usage: node services/messaging/audit-main.ts [conversation id…]
  makes conversations anew from their events, all of them unless some are named, and tells where what their members are
  served is something else. Ends with 0 when it is nowhere, with 1 when it is somewhere.`;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const PAGE = 500;

/** Compares conversations with their events; answers what to print, and how often they differ. */
export async function runAuditCommand(
  args: readonly string[],
  pool: Pool,
): Promise<{ text: string; discrepancies: number }> {
  if (args.some((arg) => !UUID.test(arg))) throw new Error(USAGE);
  const lines: string[] = [];
  let conversations = 0;
  for await (const id of args.length > 0 ? args : everyConversation(pool)) {
    const found = await auditConversation(pool, id);
    if (!found) throw new Error(`there is no conversation ${id}`);
    conversations++;
    for (const { kind, userId, served, logged } of found) {
      lines.push(`${id}  ${userId || '-'.padEnd(36)}  ${kind}  served ${served}, by the log ${logged}\n`);
    }
  }
  return {
    text: `${lines.join('')}${conversations} conversations, ${lines.length} differ\n`,
    discrepancies: lines.length,
  };
}

async function* everyConversation(pool: Pool): AsyncGenerator<string> {
  for (let after = '00000000-0000-0000-0000-000000000000'; ; ) {
    const ids = await conversationsAfter(pool, after, PAGE);
    yield* ids;
    const last = ids.at(-1);
    if (!last) return;
    after = last;
  }
}
