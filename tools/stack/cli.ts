import { parseArgs } from 'node:util';
import { reset } from './cli/reset.ts';
import { start } from './cli/start.ts';
import { tell } from './cli/tell.ts';
import { defaultDataDirectory } from './paths.ts';

const USAGE = `npm start [-- --only postgres,valkey,kafka]    brings everything (or some parts) up
npm run reset [-- --yes]                        wipes all data

REALCHAT_HOST      the address on which the edge listens (127.0.0.1)
REALCHAT_INSTANCES how many processes of every service run (1)
REALCHAT_DATA_DIR  where data is kept (.realchat)
LOG_LEVEL          debug, info, warn or error (info)
`;

try {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { only: { type: 'string' }, yes: { type: 'boolean', default: false } },
  });
  const dataDir = process.env['REALCHAT_DATA_DIR'] || defaultDataDirectory;
  const [verb] = positionals;
  if (verb === 'start') await start({ dataDir, only: values.only });
  else if (verb === 'reset') process.exitCode = await reset({ dataDir, yes: values.yes });
  else {
    process.stderr.write(USAGE);
    process.exitCode = 2;
  }
} catch (error) {
  tell(error);
  process.exitCode = 1;
}
