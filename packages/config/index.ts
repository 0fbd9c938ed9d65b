export { describeSettings, type SettingDescription } from './describe.ts';
export { ConfigError, loadConfig, parseConfig, type Settings } from './load.ts';
export {
  inProduction,
  mustBeRandom,
  mustBeSecureOrigins,
  mustBeSecureUrls,
  mustBeSet,
  mustHavePassword,
} from './production.ts';
export { type HostPort, hostPort, hostPorts, list, milliseconds, seconds } from './schemas.ts';
