import type { Pool } from '@realchat/db';
import { grantOperator, listOperators, type Operator, revokeOperator } from './db/operators.ts';

const USAGE = `usage: realchat ops <command>
  list               who is or was an operator, a line for each grant
  grant <user id>    lets a user call as an operator, from the next call on; realchat whoami prints the id
  revoke <user id>   takes that back, from the next call on`;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * A command over who is an operator; answers what to print. Throws when it cannot be done. `by` says in words who runs it,
 * for the audit.
 */
export async function runOperatorsCommand(args: readonly string[], pool: Pool, by: string): Promise<string> {
  const [command, userId, ...more] = args;
  if (command === 'list' && userId === undefined) return tableOf(await listOperators(pool));
  if ((command !== 'grant' && command !== 'revoke') || userId === undefined || more.length > 0) throw new Error(USAGE);
  if (!UUID.test(userId)) throw new Error('a user is named by the id, a UUID in lower case');
  if (command === 'grant') await grantOperator(pool, userId, by);
  else if (!(await revokeOperator(pool, userId, by))) throw new Error('this user is no operator');
  return tableOf(await listOperators(pool));
}

function tableOf(operators: Operator[]): string {
  const line = ({ userId, grantTime, revokeTime }: Operator) =>
    `${userId}  ${grantTime.toISOString()}  ${revokeTime?.toISOString() ?? '-'}\n`;
  return `${'user id'.padEnd(36)}  granted                   taken back\n${operators.map(line).join('')}`;
}
