export { describeSettings, type SettingDescription } from './describe.ts';
export { ConfigError, loadConfig, parseConfig, type Settings } from './load.ts';
export { type HostPort, hostPort, hostPorts, list, milliseconds, seconds } from './schemas.ts';
