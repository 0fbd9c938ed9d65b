import { databases } from '../secrets.ts';

export const SUPERUSER = 'postgres';

/**
 * What our cluster has besides the defaults of 18. Nothing that makes it quick by forgetting: an acknowledged message is
 * on disk. Neither statements' parameters nor the values of a violated constraint get into the log.
 */
export function serverSettings(port: number, more: Readonly<Record<string, string>> = {}): string {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '200',
    shared_buffers: '128MB',
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    password_encryption: 'scram-sha-256',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_destination: 'stderr',
    logging_collector: 'off',
    log_line_prefix: '%m [%p] %q%u@%d ',
    log_error_verbosity: 'terse',
    ...more,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`)
    .join('');
}

/** Who may connect: each service's role to its own database, the superuser to any, and a standby; by password, from this machine. */
export function hostBasedAccess(withStandby = false): string {
  const standby = withStandby ? [['replication', SUPERUSER]] : [];
  const lines = [...databases.map((name) => [name, name]), ['all', SUPERUSER], ...standby];
  return lines.map(([database, role]) => `host ${database} ${role} 127.0.0.1/32 scram-sha-256\n`).join('');
}
