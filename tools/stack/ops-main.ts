import { databaseUrl } from './engines/postgres.ts';
import { defaultDataDirectory, stackPaths } from './paths.ts';
import { loadSecrets } from './secrets.ts';
import { readState } from './stack-state.ts';

// `realchat ops`: who is an operator. Of the mesh of `npm start` the database is known; of any other, DATABASE_URL says it.

if (!process.env['DATABASE_URL']) {
  const paths = stackPaths(defaultDataDirectory);
  const ports = readState(paths.state)?.ports;
  if (ports) {
    const { postgres: passwords } = loadSecrets(paths.secrets);
    process.env['DATABASE_URL'] = databaseUrl({ port: ports.postgres, passwords }, 'operations');
  }
}
await import('../../services/operations/operators-main.ts');
