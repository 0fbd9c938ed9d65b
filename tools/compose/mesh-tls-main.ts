import { loadConfig } from '@realchat/config';
import { ensureMeshTls } from '../stack/mesh-tls.ts';
import { meshTlsSettings } from './config.ts';

const config = loadConfig(meshTlsSettings);
const members = Object.fromEntries(config.MESH_CERTIFICATE_FOLDERS.map((pair) => pair.split('=', 2)));
await ensureMeshTls({ authority: config.MESH_AUTHORITY_FOLDER, members });
process.stdout.write(`the certificates of ${Object.keys(members).join(', ')} are there\n`);
