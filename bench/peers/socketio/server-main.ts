import pg from 'pg';
import { servePeer } from './server.ts';

// The peer's process. Its parent is told the port.

/** Twice the default of the driver. */
const CONNECTIONS = 20;

const { DATABASE_URL: connectionString, TOKEN_SECRET = '' } = process.env;
const pool = new pg.Pool({ connectionString, max: CONNECTIONS });
process.send?.({ port: await servePeer(pool, Buffer.from(TOKEN_SECRET)) });
process.on('disconnect', () => process.exit());
