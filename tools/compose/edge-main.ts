import { loadConfig } from '@realchat/config';
import { checkIdentity } from '@realchat/identity';
import { edgeSettings } from './config.ts';
import { UnusableEdge, writeEdgeFiles } from './edge-files.ts';

const config = loadConfig(edgeSettings, checkIdentity('envoy'));
try {
  await writeEdgeFiles(config);
  process.stdout.write(`${config.EDGE_CONFIGURATION_FILE} is written\n`);
} catch (error) {
  if (!(error instanceof UnusableEdge)) throw error;
  process.stderr.write(`The edge cannot be configured: ${error.message}\n`);
  process.exitCode = 78;
}
