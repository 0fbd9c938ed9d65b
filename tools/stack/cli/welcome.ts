import { relative } from 'node:path';
import pc from 'picocolors';
import type { Stack } from '../stack.ts';
import { hasWebPage } from '../web-page.ts';

/** What is said when everything is up: where it is, and a first call to paste. */
export function welcome(stack: Stack, took: string): string {
  const { plain, tls, authorityFile, logs } = stack.addresses;
  const here = (path: string) => relative(process.cwd(), path) || path;
  const lines = [`\n${pc.bold('RealChat runs.')} ${pc.dim(`(${took})`)}`];
  if (stack.processes.has('envoy')) {
    lines.push(
      '',
      ...(hasWebPage() ? [`  page    ${pc.cyan(`${plain}/`)}`] : []),
      `  plain   ${pc.cyan(plain)}   gRPC, gRPC-Web, Connect JSON; WebSocket at /ws`,
      `  TLS     ${pc.cyan(tls)}  the same; trust ${here(authorityFile)}`,
    );
  } else {
    for (const { name, pid } of stack.processes.values()) lines.push(`  ${name} (process ${pid})`);
  }
  lines.push(`  logs    ${here(logs)}`);
  if (stack.processes.has('envoy')) {
    lines.push(
      '',
      'A first call:',
      '',
      `  curl ${plain}/realchat.auth.v1.AuthService/Register \\`,
      `    -H 'content-type: application/json' \\`,
      `    -d '{"username": "ada", "password": "seven kayaks drift north"}'`,
    );
  }
  lines.push('', 'Ctrl-C stops everything; the data stays (npm run reset wipes it).', '');
  return lines.join('\n');
}
