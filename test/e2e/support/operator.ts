import { newPassword, newUsername } from '../clients/user.ts';
import type { Mesh } from './mesh.ts';
import { realchat, realchatJson } from './realchat.ts';

/** Logs the commands in that folder in, as a new user who may do nothing in particular. */
export async function loginAsNobody(mesh: Mesh, folder: string): Promise<void> {
  const args = ['register', newUsername(), '--json'];
  const { exitCode, stderr } = await realchat(mesh, folder, args, { REALCHAT_PASSWORD: newPassword() });
  if (exitCode !== 0) throw new Error(`the registration ended with ${exitCode}: ${stderr}`);
}

/** Makes whoever is logged in there an operator, as one may who can reach the database. */
export async function makeOperator(mesh: Mesh, folder: string): Promise<void> {
  const [{ userId } = { userId: '' }] = await realchatJson(mesh, folder, ['whoami']);
  const { exitCode, stdout, stderr } = await realchat(mesh, folder, ['ops', 'grant', String(userId)]);
  if (exitCode !== 0 || !stdout.includes(String(userId)))
    throw new Error(`ops grant ended with ${exitCode}: ${stderr}`);
}
